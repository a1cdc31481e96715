"""Talking on the real screen, with a real sound server and virtual devices."""

import array
import math
from collections.abc import Iterator

import pytest

from tests.e2e.screen.conftest import Serve, Stage
from tests.fakes.pulse import RATE, PulseServer
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.terminal, pytest.mark.sound]
HEAVY_BORDER = "┏"


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as server:
        yield server


def tone(seconds: float) -> bytes:
    """Loud enough to be speech for the stand-in's VAD."""
    frames = range(int(RATE * seconds))
    return array.array("h", (int(9000 * math.sin(n / 12)) for n in frames)).tobytes()


def prompt_of(screen: str) -> list[str]:
    return screen.splitlines()[-4:-1]


def meters(screen: str) -> str:
    return next(line for line in screen.splitlines() if " mic " in line)


def wait_for_sound(terminal: Terminal) -> None:
    terminal.wait_for(lambda text: " mic " in text and "connected" in text)


def test_push_to_talk_is_unmistakable_and_is_answered(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = stage.start(*service.options, env=pulse.env)
    wait_for_sound(terminal)
    assert "Push-to-talk: Space starts" in terminal.screen_text()
    terminal.press("space")
    screen = terminal.wait_for("LIVE: Space sends, Esc drops")
    assert HEAVY_BORDER in prompt_of(screen)[0]
    playing = pulse.play_to_microphone(tone(2), wait=False)
    terminal.wait_for(lambda text: "█" in meters(text).split("spk")[0])
    playing.wait()
    terminal.press("space")
    terminal.wait_for("You: This is what the user said.")
    terminal.wait_for("> speaking")
    screen = terminal.screen_text()
    assert "LIVE" not in screen and HEAVY_BORDER not in screen
    terminal.wait_for("interrupt me.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations


def test_escape_drops_what_is_being_said(stage: Stage, serve: Serve, pulse: PulseServer) -> None:
    service = serve("normal")
    terminal = stage.start(*service.options, env=pulse.env)
    wait_for_sound(terminal)
    terminal.press("space")
    terminal.wait_for("LIVE")
    terminal.press("esc")
    terminal.wait_for(lambda text: "LIVE" not in text)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.log.of("input_audio_buffer.commit")


def test_escape_cuts_a_reply_and_says_where(stage: Stage, serve: Serve, pulse: PulseServer) -> None:
    terminal = stage.start(*serve("long_reply").options, env=pulse.env)
    wait_for_sound(terminal)
    terminal.type_text("tell me a lot")
    terminal.press("enter")
    terminal.wait_for("> speaking")
    terminal.wait_for("AI: Good to hear")
    terminal.press("esc")
    screen = terminal.wait_for("[cut at ")
    assert screen.count("Good to hear you.") < 4
    terminal.wait_for("- ready")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_hands_free_is_live_until_muted(stage: Stage, serve: Serve, pulse: PulseServer) -> None:
    service = serve("normal")
    terminal = stage.start("--hands-free", *service.options, env=pulse.env)
    wait_for_sound(terminal)
    screen = terminal.wait_for("LIVE, hands-free: Space mutes")
    assert HEAVY_BORDER in prompt_of(screen)[0]
    terminal.press("space")
    screen = terminal.wait_for("MUTED: Space unmutes")
    assert "LIVE" not in screen
    terminal.press("f4")
    terminal.wait_for("LIVE, hands-free")
    pulse.play_to_microphone(tone(1) + bytes(RATE * 2 * 2))
    terminal.wait_for("You: This is what the user said.")
    terminal.press("ctrl+t")
    terminal.wait_for("Push-to-talk: Space starts")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("P17")
def test_words_that_come_late_stand_before_the_answer(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    terminal = stage.start("--hands-free", *serve("late_transcript").options, env=pulse.env)
    terminal.wait_for("LIVE, hands-free")
    wait_for_sound(terminal)
    pulse.play_to_microphone(tone(1) + bytes(RATE * 2))
    before = terminal.wait_for("AI: Good to hear")
    assert before.index("You: …") < before.index("AI: Good")
    after = terminal.wait_for("You: This is what the user said.")
    assert after.index("You: This") < after.index("AI: Good")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_a_sound_server_that_hangs_does_not_hold_the_end_up(stage: Stage, serve: Serve) -> None:
    with PulseServer() as pulse:
        terminal = stage.start("--hands-free", *serve("normal").options, env=pulse.env)
        wait_for_sound(terminal)
        pulse.stall()
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
        pulse.resume()


def test_devices_are_picked_from_a_list(stage: Stage, serve: Serve, pulse: PulseServer) -> None:
    terminal = stage.start(*serve("normal").options, env=pulse.env)
    wait_for_sound(terminal)
    terminal.press("f3")
    screen = terminal.wait_for("Choose a device")
    assert "Microphones" in screen and "Loudspeakers" in screen and "> " in screen
    terminal.press("enter")
    terminal.wait_for(lambda text: "Choose a device" not in text)
    terminal.type_text("hello")
    terminal.press("enter")
    terminal.wait_for("AI: Good to hear")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
