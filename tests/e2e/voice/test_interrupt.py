"""However a reply is cut, the service is told exactly what the loudspeaker emitted of it.

Three cuts in each test, of which the middle one counts: where the machine is overloaded, a sound
server may lose the last blocks, and nobody can tell that they were not heard.
"""

from collections.abc import Callable

import pytest

from tests.e2e.voice.conftest import Serve, Stage
from tests.e2e.voice.listening import check_truncation, check_unbroken, emitted, is_quiet, loud_ms
from tests.e2e.voice.service import Server
from tests.fakes.pulse import Recording, wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


ROUNDS = 3


def press_esc(terminal: Terminal, service: Server) -> None:
    terminal.press("esc")


def type_over(terminal: Terminal, service: Server) -> None:
    """The next reply follows at once."""
    terminal.type_text("no, something else")
    terminal.press("enter")


def press_to_talk(terminal: Terminal, service: Server) -> None:
    terminal.press("space")


def speak_over(terminal: Terminal, service: Server) -> None:
    """As far as the service's VAD can tell."""
    service.control(do="speech_started")


Cut = Callable[[Terminal, Server], None]


def cut_replies(terminal: Terminal, service: Server, cut: Cut, heard: Recording) -> list[float]:
    """Cut three replies, each a while after it began to sound; what was told of each, in ms."""
    for number in range(1, ROUNDS + 1):
        if cut is not type_over or number == 1:
            terminal.type_text("tell me a story")
            terminal.press("enter")
        service.wait_for("response.output_audio.delta", "out", count=1)
        service.wait_for("response.created", "out", count=number)
        before_ms = loud_ms(heard.pcm)
        wait_until(lambda ms=before_ms: loud_ms(heard.pcm) > ms + 600, "some of the reply")  # type: ignore[misc]
        cut(terminal, service)
        service.wait_for("conversation.item.truncate", count=number)
        if cut is press_to_talk:
            terminal.press("esc")
        service.wait_for("response.done", "out", count=number)
    if cut is type_over:
        terminal.press("esc")
    wait_until(lambda: is_quiet(heard.pcm, 400), "silence")
    told = service.of("conversation.item.truncate")[:ROUNDS]
    return [entry["message"]["audio_end_ms"] for entry in told]


@pytest.mark.fault("A17")
@pytest.mark.parametrize("pace", ["1", "0"])
@pytest.mark.parametrize("cut", [press_esc, type_over, press_to_talk, speak_over])
def test_the_truncation_is_what_was_emitted(
    stage: Stage, serve: Serve, cut: Cut, pace: str
) -> None:
    service = serve("--script", "stale_deltas", "--audio-ms", "8000", "--pace", pace)
    terminal = stage.call(service, *["--hands-free"] * (cut is speak_over))
    with stage.pulse.record_loudspeaker() as heard:
        told = cut_replies(terminal, service, cut, heard)
        pieces = emitted(heard.pcm, range(ROUNDS + 1))
    order = [piece.index for piece in pieces]
    assert order == sorted(order), "something stale was played"
    errors = []
    for index, told_ms in enumerate(told):
        reply = [piece for piece in pieces if piece.index == index]
        check_unbroken(reply)
        check_truncation(told_ms, reply[-1].to_ms)
        errors.append(abs(told_ms - reply[-1].to_ms))
    assert sorted(errors)[ROUNDS // 2] <= 20, errors
    terminal.wait_for("[cut at")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


@pytest.mark.fault("A17")
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
    check_truncation(told["audio_end_ms"], pieces[-1].to_ms)
    first = [piece for piece in pieces if piece.index == 0]
    assert first[-1].to_ms == pytest.approx(1500, abs=20)
    check_unbroken(first)
    check_unbroken(pieces[len(first) :])
    assert terminal.wait_for("[cut at").count("[cut at") == 1
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
