"""Space held and let go, in a real terminal that tells of it, with a real sound server."""

import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.screen.conftest import Serve, Service, Stage
from tests.e2e.screen.test_end import wait_for_state
from tests.e2e.screen.test_live import prompt_of, tone, wait_for_sound
from tests.fakes.pulse import PulseServer
from tests.fakes.terminal import Terminal, check_after
from tests.fakes.terminal_keyboard import PRESS, RELEASE

pytestmark = [pytest.mark.terminal, pytest.mark.sound]
PREROLL_MS = 300
SLACK_MS = 700
"""A machine under load notices a key late, and its sound card delivers late."""
HOLD = "Push-to-talk: hold Space, or tap it"


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as server:
        yield server


def start(stage: Stage, service: Service, pulse: PulseServer) -> Terminal:
    terminal = stage.start(*service.options, env=pulse.env, kitty=True)
    wait_for_sound(terminal)
    terminal.wait_for(HOLD)
    return terminal


def commits(service: Service) -> int:
    return len(service.server.log.of("input_audio_buffer.commit"))


def wait_until_sent(service: Service, count: int = 1) -> None:
    end = time.monotonic() + 20
    while commits(service) < count:
        assert time.monotonic() < end, "no turn was sent"
        time.sleep(0.02)


def turn_ms(service: Service) -> float:
    """Length of the only turn at the service."""
    appended = service.server.log.of("input_audio_buffer.append")
    return float(sum(message["audio"]["ms"] for message in appended))


def test_space_held_for_a_second_is_one_turn_of_that_length(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = start(stage, service, pulse)
    assert "or hold Space to talk" in terminal.screen_text()
    playing = pulse.play_to_microphone(tone(2), wait=False)
    terminal.hold("space", 1.0)
    wait_until_sent(service)
    playing.wait()
    terminal.wait_for("interrupt me.")
    assert 1000 - SLACK_MS < turn_ms(service) < 1000 + PREROLL_MS + SLACK_MS
    assert commits(service) == 1
    assert len(service.server.log.of("response.create")) == 1
    terminal.wait_for("You: This is what the user said.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations


def test_the_screen_says_that_letting_go_sends(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = start(stage, service, pulse)
    terminal.key_event("space", PRESS)
    screen = terminal.wait_for("LIVE: let go of Space to send, Esc drops")
    assert "LIVE" in prompt_of(screen)[0]
    terminal.key_event("esc", PRESS)
    terminal.key_event("esc", RELEASE)
    terminal.wait_for(HOLD)
    terminal.key_event("space", RELEASE)
    terminal.type_text("typed after all")
    terminal.press("enter")
    terminal.wait_for("AI: Good to hear")
    assert not commits(service)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_a_tap_opens_the_turn_and_another_sends_it(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = start(stage, service, pulse)
    terminal.press("space")
    terminal.wait_for("LIVE: Space sends, Esc drops")
    time.sleep(0.5)
    assert not commits(service)
    terminal.press("space")
    wait_until_sent(service)
    terminal.wait_for("AI: Good to hear")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_another_window_taking_the_keyboard_sends_what_was_said(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = start(stage, service, pulse)
    terminal.key_event("space", PRESS)
    terminal.wait_for("LIVE: let go of Space")
    time.sleep(0.4)
    terminal.write(b"\x1b[O")
    wait_until_sent(service)
    terminal.wait_for("AI: Good to hear")
    terminal.write(b"\x1b[I")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_being_stopped_sends_what_was_said_and_hold_works_again_afterwards(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = start(stage, service, pulse)
    terminal.key_event("space", PRESS)
    terminal.wait_for("LIVE: let go of Space")
    time.sleep(0.4)
    terminal.signal(signal.SIGTSTP)
    wait_for_state(terminal, psutil.STATUS_STOPPED)
    assert terminal.keyboard is not None and not terminal.keyboard.left_on
    terminal.signal(signal.SIGCONT)
    wait_until_sent(service)
    terminal.wait_for("AI: Good to hear")
    terminal.wait_for(HOLD)
    terminal.hold("space", 0.6)
    wait_until_sent(service, 2)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_keys_arrive_byte_by_byte_and_among_noise(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve("normal")
    terminal = start(stage, service, pulse)
    for data in (b"\x1b[?62;22c", b"\x1b[1114112;1:1u", b"\x1b[5;6;7;8v", b"\x1b[0n"):
        terminal.write(data)
    send_slowly(terminal, b"\x1b[32;;32u")
    terminal.wait_for("LIVE: let go of Space")
    for _ in range(20):
        send_slowly(terminal, b"\x1b[32;1:2;32u", pause_s=0)
    time.sleep(0.3)
    send_slowly(terminal, b"\x1b[32;1:3u")
    wait_until_sent(service)
    terminal.wait_for("AI: Good to hear")
    terminal.write(b"\x1b[120;;120u\x1b[120;1:3u" * 2000)
    terminal.wait_for("x" * 40)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def send_slowly(terminal: Terminal, data: bytes, pause_s: float = 0.01) -> None:
    """One byte at a time, as a bad line delivers."""
    for byte in data:
        terminal.write(bytes([byte]))
        time.sleep(pause_s)


def test_without_releases_space_held_is_no_flicker(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    """A usual terminal repeats the key: it opens a turn, closes it, and is quiet then."""
    service = serve("normal")
    terminal = stage.start(*service.options, env=pulse.env)
    wait_for_sound(terminal)
    terminal.wait_for("Push-to-talk: Space starts")
    terminal.write(b" ")
    terminal.wait_for("LIVE: Space sends")
    time.sleep(0.4)
    for _ in range(40):
        terminal.write(b" ")
        time.sleep(0.01)
    wait_until_sent(service)
    terminal.wait_for("AI: Good to hear")
    assert commits(service) == 1 and "too short" not in terminal.screen_text()
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_space_is_held_leaves_the_keyboard_as_it_was(
    stage: Stage, serve: Serve, pulse: PulseServer, number: signal.Signals
) -> None:
    terminal = start(stage, serve("normal"), pulse)
    terminal.key_event("space", PRESS)
    terminal.wait_for("LIVE")
    check_after(terminal, leave=lambda: terminal.signal(number), exit_code=128 + number)
    assert terminal.keyboard is not None and not terminal.keyboard.left_on
