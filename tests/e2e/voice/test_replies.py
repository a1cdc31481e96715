"""Every reply that nobody cuts is heard whole: short, in two items, or through a stall."""

import pytest

from tests.e2e.voice.conftest import Serve, Stage
from tests.e2e.voice.listening import check_unbroken, emitted, emitted_ms, is_quiet, loud_ms
from tests.fakes.pulse import wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


@pytest.mark.fault("A12")
def test_a_reply_of_160_ms_is_heard_whole(stage: Stage, serve: Serve) -> None:
    service = serve("--script", "short_reply")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        for number, text in enumerate(("yes or no", "and now"), 1):
            terminal.type_text(text)
            terminal.press("enter")
            service.wait_for("response.done", "out", count=number)
            wait_until(lambda n=number: loud_ms(heard.pcm) > n * 150, "the reply")  # type: ignore[misc]
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
    for index in (0, 1):
        check_unbroken(emitted(heard.pcm, range(index, index + 1)))
        assert emitted_ms(heard.pcm, index) == pytest.approx(160, abs=3)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_two_items_are_heard_whole_one_after_the_other(stage: Stage, serve: Serve) -> None:
    service = serve("--script", "two_items", "--audio-ms", "1200")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("two things")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 2300, "both items")
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
    pieces = emitted(heard.pcm)
    first = [piece for piece in pieces if piece.index == 0]
    second = pieces[len(first) :]
    assert {piece.index for piece in second} == {1}
    for item in (first, second):
        check_unbroken(item)
        assert item[-1].to_ms == pytest.approx(1200, abs=20)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


@pytest.mark.fault("N26")
def test_after_a_stall_the_reply_goes_on_with_nothing_lost_or_doubled(
    stage: Stage, serve: Serve
) -> None:
    service = serve("--audio-ms", "3000", "--stall", "600:1500", "--stall", "1800:1500")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("take your time")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 2900, "the whole reply", 20)
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
    pieces = emitted(heard.pcm)
    assert len(pieces) > 1, "there was no stall"
    check_unbroken(pieces)
    assert pieces[-1].to_ms == pytest.approx(3000, abs=3)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
