"""However a reply is cut, the service is told exactly what the loudspeaker emitted of it."""

from collections.abc import Callable

import pytest

from tests.e2e.voice.conftest import Serve, Stage
from tests.e2e.voice.listening import check_unbroken, emitted, is_quiet, loud_ms
from tests.fakes.pulse import wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def press_esc(terminal: Terminal) -> None:
    terminal.press("esc")


def type_over(terminal: Terminal) -> None:
    terminal.type_text("no, something else")
    terminal.press("enter")


def press_to_talk(terminal: Terminal) -> None:
    terminal.press("space")


@pytest.mark.parametrize("pace", ["1", "4", "0"])
@pytest.mark.parametrize("cut", [press_esc, type_over, press_to_talk])
def test_the_truncation_is_what_was_emitted(
    stage: Stage, serve: Serve, cut: Callable[[Terminal], None], pace: str
) -> None:
    service = serve("--script", "stale_deltas", "--audio-ms", "8000", "--pace", pace)
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("tell me a story")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 1200, "a second of the reply")
        cut(terminal)
        told = service.wait_for("conversation.item.truncate")["message"]
        service.wait_for("response.done", "out")
        wait_until(lambda: is_quiet(heard.pcm, 300) or loud_ms(heard.pcm) > 2500, "the end of it")
        pieces = [piece for piece in emitted(heard.pcm) if piece.index == 0]
    check_unbroken(pieces)
    assert told["audio_end_ms"] == pytest.approx(pieces[-1].to_ms, abs=20)
    assert len(service.of("conversation.item.truncate")) == 1
    terminal.wait_for("[cut at")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_cutting_the_second_item_leaves_the_first_whole(stage: Stage, serve: Serve) -> None:
    service = serve("--script", "two_items", "--audio-ms", "1500")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("two things")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 2100, "some of the second item")
        terminal.press("esc")
        told = service.wait_for("conversation.item.truncate")["message"]
        wait_until(lambda: is_quiet(heard.pcm, 300), "silence")
        pieces = emitted(heard.pcm)
    sounds = {note["item_id"]: note["timecode"] for note in service.notes("sound")}
    assert sounds[told["item_id"]] == 1 and len(service.of("conversation.item.truncate")) == 1
    assert told["audio_end_ms"] == pytest.approx(pieces[-1].to_ms, abs=20)
    first = [piece for piece in pieces if piece.index == 0]
    assert first[-1].to_ms == pytest.approx(1500, abs=20)
    check_unbroken(first)
    check_unbroken(pieces[len(first) :])
    assert terminal.wait_for("[cut at").count("[cut at") == 1
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
