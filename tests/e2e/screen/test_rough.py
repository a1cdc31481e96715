"""A terminal that was left in disorder, stopped, blocked; a program that hardly gets to run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from tests.e2e.screen.conftest import Serve, Stage
from tests.e2e.screen.test_end import wait_for_state
from tests.e2e.screen.test_talk import saved
from tests.e2e.voice.listening import loud_ms
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.pulse import PulseServer, wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.terminal, pytest.mark.long]


def say(terminal: Terminal, text: str) -> None:
    terminal.type_text(text)
    terminal.press("enter")


@pytest.mark.fault("T12")
@pytest.mark.parametrize("kitty", [False, True])
def test_after_a_kill_the_next_start_draws_well_and_leaves_all_in_order(
    stage: Stage, kitty: bool
) -> None:
    """In a shell, as a person would: killed, started again, left."""
    shell = ["bash", "--norc", "--noprofile", "-i"]
    terminal = stage.start(argv=shell, env={"PS1": "prompt> "}, kitty=kitty)
    terminal.wait_for("prompt>")
    command = f"{sys.executable} -m voicechat --text --model local"
    say(terminal, command)
    terminal.wait_for("- ready")
    say(terminal, "before the kill")
    terminal.wait_for("AI: before the kill")
    for child in psutil.Process(terminal.pid).children():
        child.kill()
    terminal.wait_for("prompt>")
    assert terminal.modes_left_on()
    terminal.write(b"clear\r")
    terminal.wait_for(lambda text: "- ready" not in text)
    terminal.write(f"{command} --resume\r".encode())
    screen = terminal.wait_for("- ready")
    assert "You: before the kill" in screen and "prompt>" not in screen
    terminal.press("ctrl+q")
    terminal.wait_for(lambda text: "prompt>" in text and "F1 Help" not in text)
    assert terminal.modes_left_on() == []
    terminal.write(b"exit\r")
    assert terminal.wait_exit() == 0
    assert terminal.termios_is_restored


@pytest.mark.fault("T10", "N33")
def test_a_line_that_was_lost_while_stopped_is_made_again(stage: Stage, serve: Serve) -> None:
    service = serve("normal")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    say(terminal, "before")
    terminal.wait_for("interrupt me.")
    terminal.signal(signal.SIGTSTP)
    wait_for_state(terminal, psutil.STATUS_STOPPED)
    assert terminal.termios_is_restored and not terminal.modes_left_on()
    service.control(do="reset")
    time.sleep(1)
    terminal.signal(signal.SIGCONT)
    terminal.wait_for("The line is back")
    say(terminal, "after")
    terminal.wait_for(lambda text: "AI: Good to hear you." in text.split("You: after")[-1])
    assert service.server.attempts == 2
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("T10")
@pytest.mark.parametrize("kitty", [False, True])
def test_stopped_and_continued_many_times_the_terminal_is_as_before(
    stage: Stage, kitty: bool
) -> None:
    """Also where the next signal comes before the last one was dealt with."""
    terminal = stage.start("--text", "--model", "local", kitty=kitty)
    terminal.wait_for("- ready")
    dice = random.Random(kitty)
    for _ in range(60):
        terminal.signal(signal.SIGSTOP)
        time.sleep(dice.random() * 0.02)
        terminal.signal(signal.SIGCONT)
        time.sleep(dice.random() * 0.05)
    say(terminal, "still here")
    terminal.wait_for("AI: still here")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=6)


@pytest.mark.sound
@pytest.mark.fault("T14")
def test_a_blocked_terminal_does_not_hold_up_sound_and_saving(stage: Stage, serve: Serve) -> None:
    """As with Ctrl-S, from before the question to after the answer."""
    service = serve(replace(SCRIPTS["normal"], replies=(Reply(audio_ms=6000),), pace=1.0))
    with PulseServer() as pulse:
        terminal = stage.start(*service.options, cols=200, rows=60, env=pulse.env)
        terminal.wait_for(lambda text: "- ready" in text and "Push-to-talk" in text)
        memory = terminal.rss_bytes()
        with pulse.record_loudspeaker() as heard:
            terminal.stop_reading()
            terminal.write(b"talk to me\r")
            wait_until(lambda: loud_ms(heard.pcm) > 5700, "the whole reply", 30)
        wait_until(lambda: len(saved(stage)) == 2, "both sides on the disk")
        assert terminal.rss_bytes() < memory + 30_000_000
        terminal.go_on_reading()
        terminal.wait_for("interrupt me.")
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("T14")
def test_a_terminal_of_a_kilobyte_a_second_is_only_slow(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", *serve("normal").options)
    terminal.wait_for("- ready")
    terminal.stop_reading()
    for number in range(3):
        terminal.write(f"number {number}\r".encode())
        wait_until(lambda n=number: len(saved(stage)) == 2 * n + 2, "the answer on the disk", 30)  # type: ignore[misc]
        terminal._take(os.read(terminal._master, 1024))
    terminal.go_on_reading()
    terminal.wait_for("number 2")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@contextmanager
def starved(pid: int) -> Iterator[None]:
    """One processor for all threads of the program, and for four others that want it whole."""
    processor = max(os.sched_getaffinity(0))
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {processor})
    code = f"import os; os.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.fault("X05")
@pytest.mark.timeout(200)
@pytest.mark.parametrize("model", ["service", "local"])
def test_hardly_any_processor_time_breaks_no_line(stage: Stage, serve: Serve, model: str) -> None:
    service = serve("long_reply")
    options = service.options if model == "service" else ("--model", "local")
    terminal = stage.start("--text", *options)
    terminal.wait_for("- ready")
    with starved(terminal.pid):
        for number in range(2):
            say(terminal, f"question {number}")
            terminal.wait_for(f"You: question {number}", timeout_s=60)
            time.sleep(6)
        screen = terminal.screen_text()
    assert "ERROR" not in screen and "OFFLINE" not in screen
    assert service.server.attempts <= 1
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=6)
