"""Push-to-talk: Space begins and ends a turn, and the turn holds what belongs to it."""

import time

import pytest

from tests.e2e.voice.conftest import Serve, Stage, Voice
from tests.e2e.voice.listening import active, emitted, find
from tests.fakes.ga_signal import timecode
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def test_a_turn_is_cleared_appended_committed_and_answered(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    service = serve("--audio-ms", "800")
    terminal = stage.call(service)
    with stage.pulse.record("mic") as said:
        terminal.press("space")
        terminal.wait_for("LIVE: Space sends")
        stage.pulse.play_to_microphone(voice("what do you think of that"))
        words = active(said.pcm)
        wait_until(lambda: find(words, service.received())[1] > 0.9, "all words at the service")
        terminal.press("space")
        service.wait_for("response.create")
    kinds = [entry.get("type") for entry in service.entries() if entry["dir"] == "in"]
    order = [kind for kind in kinds if kind != "session.update"]
    assert order[0] == "input_audio_buffer.clear"
    assert order[-2:] == ["input_audio_buffer.commit", "response.create"]
    assert set(order[1:-2]) == {"input_audio_buffer.append"}
    sent = len(service.received())
    stage.pulse.play_to_microphone(voice("nobody shall hear this"))
    assert len(service.received()) == sent, "the microphone was live after the turn"
    terminal.wait_for("You: This is what the user said.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_what_was_said_when_the_key_was_pressed_and_let_go_belongs_to_the_turn(
    stage: Stage, serve: Serve
) -> None:
    service = serve()
    terminal = stage.call(service)
    with stage.pulse.record("mic") as said:
        playing = stage.pulse.play_to_microphone(timecode(5, 4500), wait=False)
        wait_until(lambda: len(active(said.pcm)) > 2 * RATE, "a second of speech")
        terminal.press("space")
        service.wait_for("input_audio_buffer.append", count=20)
        let_go = time.perf_counter()
        terminal.press("space")
        service.wait_for("input_audio_buffer.commit")
        playing.wait()
        spoken = emitted(said.pcm, range(5, 6))[0]
        began = said.time_of(round(spoken.at_ms * RATE / 1000))
    # The clear goes out as the key is noticed: what is older was said before.
    pressed_ms = (service.of("input_audio_buffer.clear")[0]["mono"] - began) * 1000
    turn = emitted(service.received(), range(5, 6))
    assert len(turn) == 1, "the turn has a hole"
    assert turn[0].from_ms < pressed_ms - 150
    assert turn[0].to_ms > (let_go - began) * 1000 - 20, "the last of it was cut"
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


@pytest.mark.fault("P21")
def test_a_press_too_short_to_say_anything_is_forgotten_and_told(
    stage: Stage, serve: Serve
) -> None:
    service = serve()
    terminal = stage.call(service)
    terminal.write(b"  ")
    terminal.wait_for("too short")
    service.wait_for("input_audio_buffer.clear", count=2)
    assert not service.of("input_audio_buffer.commit")
    assert not service.of("response.create")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_esc_drops_what_is_being_said(stage: Stage, serve: Serve, voice: Voice) -> None:
    service = serve()
    terminal = stage.call(service)
    terminal.press("space")
    terminal.wait_for("LIVE: Space sends")
    stage.pulse.play_to_microphone(voice("no, forget it"))
    terminal.press("esc")
    terminal.wait_for("Push-to-talk: Space starts")
    service.wait_for("input_audio_buffer.clear", count=2)
    assert not service.of("input_audio_buffer.commit")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
