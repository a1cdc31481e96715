"""Every reply that nobody cuts is heard whole: short, in two items, or through a stall."""

import pytest

from tests.e2e.voice.conftest import Serve, Stage
from tests.e2e.voice.listening import check_unbroken, emitted, is_quiet, loud_ms, loud_runs
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def test_a_reply_of_160_ms_is_heard_whole(stage: Stage, serve: Serve) -> None:
    service = serve("--script", "short_reply")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        for text in ("yes or no", "and now"):
            terminal.type_text(text)
            terminal.press("enter")
            terminal.wait_for(f"You: {text}")
            terminal.wait_for("- ready")
        wait_until(lambda: len(loud_runs(heard.pcm)) == 2, "both replies")
        service.wait_for("response.done", "out", count=2)
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
    for first, end in loud_runs(heard.pcm):
        assert (end - first) * 1000 / RATE == pytest.approx(160, abs=3)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_two_items_follow_each_other_without_a_gap(stage: Stage, serve: Serve) -> None:
    service = serve("--script", "two_items", "--audio-ms", "1200")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("two things")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 2300, "both items")
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
    assert len(loud_runs(heard.pcm)) == 1
    first, second = emitted(heard.pcm)
    assert (first.index, second.index) == (0, 1)
    assert first.from_ms == pytest.approx(0, abs=3)
    assert second.to_ms == pytest.approx(1200, abs=3)
    end_ms = second.at_ms + second.to_ms - second.from_ms
    assert end_ms - first.at_ms == pytest.approx(2400, abs=5)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


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
