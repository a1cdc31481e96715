"""`[talk] interrupt = "words"`: a noise of the user's lets the reply go on, words cut it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.e2e.screen.conftest import Serve, Service, Stage
from tests.e2e.screen.test_live import tone, wait_for_sound
from tests.fakes.ga_script import SCRIPTS
from tests.fakes.pulse import RATE, PulseServer
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.terminal, pytest.mark.sound]
NOISE = tone(0.5) + bytes(RATE * 2 * 2)


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as server:
        yield server


def talk_over(stage: Stage, service: Service, pulse: PulseServer) -> Terminal:
    """Ask for a long reply, and make a sound of half a second while it plays."""
    config = stage.home / "config.toml"
    config.write_text('[talk]\ninterrupt = "words"\n')
    options = ("--hands-free", "--config", str(config), *service.options)
    terminal = stage.start(*options, env=pulse.env)
    wait_for_sound(terminal)
    terminal.type_text("tell me a lot")
    terminal.press("enter")
    terminal.wait_for("> speaking")
    terminal.wait_for("AI: Good to hear")
    pulse.play_to_microphone(NOISE)
    return terminal


def count(service: Service, kind: str, direction: str = "in") -> int:
    return len(service.server.log.of(kind, direction))


def wait_until(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_a_listening_noise_lets_the_reply_go_on_unanswered(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve(replace(SCRIPTS["long_reply"], user_text="Mm-hmm."))
    terminal = talk_over(stage, service, pulse)
    terminal.wait_for("You: Mm-hmm.")
    time.sleep(1.5)
    screen = terminal.screen_text()
    assert "> speaking" in screen and "[cut" not in screen
    assert count(service, "response.create") == 1
    assert not count(service, "response.cancel")
    assert not count(service, "conversation.item.truncate")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations


def test_words_cut_the_reply_and_are_answered(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve(replace(SCRIPTS["long_reply"], user_text="No, stop it."))
    terminal = talk_over(stage, service, pulse)
    terminal.wait_for("[cut at")
    wait_until(lambda: count(service, "response.create") == 2, "no answer was asked for")
    assert count(service, "conversation.item.truncate") == 1
    terminal.wait_for(lambda text: text.rfind("AI: Good") > text.find("You: No, stop it.") > 0)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations


def test_what_nobody_talks_over_is_answered_at_once(
    stage: Stage, serve: Serve, pulse: PulseServer
) -> None:
    service = serve(replace(SCRIPTS["normal"], transcription_delay_ms=4000))
    config = stage.home / "config.toml"
    config.write_text('[talk]\ninterrupt = "words"\n')
    options = ("--hands-free", "--config", str(config), *service.options)
    terminal = stage.start(*options, env=pulse.env)
    wait_for_sound(terminal)
    terminal.wait_for("LIVE, hands-free")
    pulse.play_to_microphone(NOISE)
    screen = terminal.wait_for("AI: Good to hear")
    assert "This is what the user said." not in screen
    assert count(service, "response.create") == 1
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations
