"""However the program ends, it ends soon, with the right code, and the terminal is as before."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.screen.conftest import KEY, Serve, Stage
from tests.e2e.screen.test_talk import saved
from tests.fakes.terminal import Terminal, check_after

pytestmark = pytest.mark.terminal
CRASHING = Path(__file__).with_name("crashing.py")


@pytest.mark.fault("T08")
def test_ctrl_c_asks_first_and_quits_the_second_time(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", *serve("normal").options)
    terminal.wait_for("- ready")
    terminal.press("ctrl+c")
    terminal.wait_for("Press Ctrl+C again to quit")
    assert terminal.exit_code is None
    check_after(terminal, leave=lambda: terminal.press("ctrl+c"))


@pytest.mark.fault("T08")
def test_ctrl_c_held_down_quits(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local")
    terminal.wait_for("- ready")
    check_after(terminal, leave=lambda: terminal.write(b"\x03" * 40))


@pytest.mark.fault("T09")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
)
@pytest.mark.parametrize("model", ["local", "openai"])
def test_a_signal_ends_it_in_order(
    stage: Stage, serve: Serve, number: signal.Signals, code: int, model: str
) -> None:
    options = ("--model", "local") if model == "local" else serve("long_reply").options
    terminal = stage.start("--text", *options)
    terminal.wait_for("- ready")
    terminal.type_text("hello")
    terminal.press("enter")
    terminal.wait_for("AI:")
    check_after(
        terminal,
        leave=lambda: terminal.signal(number),
        exit_code=code,
        canaries=[KEY],
        files=[stage.home],
    )
    assert [item["role"] for item in saved(stage)] == ["user", "assistant"]


def test_a_signal_in_the_very_beginning_ends_it_too(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local")
    end = time.monotonic() + 20
    while not terminal.raw and time.monotonic() < end:
        time.sleep(0.001)
    check_after(terminal, leave=lambda: terminal.signal(signal.SIGTERM), exit_code=143)


@pytest.mark.fault("X02")
def test_quitting_while_it_still_connects(stage: Stage) -> None:
    with socket_that_never_answers() as port:
        url = f"ws://127.0.0.1:{port}/v1/realtime"
        terminal = stage.start("--text", "--model", "gpt-realtime", "--url", url)
        terminal.wait_for("connecting")
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


class socket_that_never_answers:  # noqa: N801 - reads as a sentence
    """Takes connections and says nothing; a context that gives its port."""

    def __enter__(self) -> int:
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.mark.fault("T10")
@pytest.mark.parametrize("stop", [signal.SIGTSTP, signal.SIGSTOP])
def test_stopped_and_continued_it_goes_on_as_before(
    stage: Stage, serve: Serve, stop: signal.Signals
) -> None:
    terminal = stage.start("--text", *serve("normal").options)
    terminal.wait_for("- ready")
    terminal.type_text("before")
    terminal.wait_for("before")
    terminal.signal(stop)
    wait_for_state(terminal, psutil.STATUS_STOPPED)
    if stop is signal.SIGTSTP:
        assert terminal.termios_is_restored and not terminal.modes_left_on()
    terminal.signal(signal.SIGCONT)
    wait_for_state(terminal, psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)
    terminal.wait_for("before")
    terminal.type_text(" and after")
    terminal.wait_for("before and after")
    terminal.press("enter")
    terminal.wait_for("AI: Good to hear you.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def wait_for_state(terminal: Terminal, *states: str) -> None:
    end = time.monotonic() + 10
    while psutil.Process(terminal.pid).status() not in states:
        assert time.monotonic() < end, f"is {psutil.Process(terminal.pid).status()}"
        time.sleep(0.02)


@pytest.mark.fault("T09", "T11")
def test_a_closed_window_ends_it(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", *serve("long_reply").options)
    terminal.wait_for("- ready")
    terminal.type_text("hello")
    terminal.press("enter")
    terminal.wait_for("AI:")
    terminal.hang_up()
    assert terminal._process.wait(2.5) == 129
    assert [item["role"] for item in saved(stage)] == ["user", "assistant"]


@pytest.mark.fault("T11")
def test_a_closed_window_that_tells_nobody_ends_it_too(stage: Stage) -> None:
    """No SIGHUP comes to a program that is not of the terminal's session."""
    code = "import os,sys; os.setsid(); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    argv = [sys.executable, "-c", f"import os\nif os.fork(): os.wait(); raise SystemExit\n{code}"]
    terminal = stage.start("-m", "voicechat", "--text", "--model", "local", argv=argv)
    terminal.wait_for("- ready")
    (child,) = psutil.Process(terminal.pid).children()
    terminal.hang_up()
    _, alive = psutil.wait_procs([child], timeout=3)
    assert not alive


@pytest.mark.fault("T14")
def test_a_terminal_that_takes_nothing_holds_nothing_up(stage: Stage, serve: Serve) -> None:
    service = serve("normal")
    terminal = stage.start("--text", *service.options, cols=200, rows=60)
    terminal.wait_for("- ready")
    terminal.stop_reading()
    for number in range(12):
        terminal.write(f"number {number}\r".encode())
        end = time.monotonic() + 20
        while len(saved(stage)) < 2 * (number + 1):
            assert time.monotonic() < end, f"only {len(saved(stage))} items"
            time.sleep(0.02)
    terminal.go_on_reading()
    terminal.wait_for("number 11")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("T14")
def test_a_terminal_that_takes_nothing_does_not_hold_the_end_up(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", *serve("long_reply").options, cols=200, rows=60)
    terminal.wait_for("- ready")
    terminal.stop_reading()
    terminal.write(b"go on\r")
    time.sleep(3)
    terminal.signal(signal.SIGTERM)
    assert terminal._process.wait(2.5) == 143
    assert terminal.termios_is_restored


@pytest.mark.fault("T13", "S03")
def test_a_bug_ends_it_with_one_line_and_no_traceback(stage: Stage) -> None:
    for kind in ("session", "screen"):
        terminal = stage.start(kind, argv=[sys.executable, str(CRASHING)])
        terminal.wait_for("internal error: RuntimeError", timeout_s=20)
        check_after(terminal, exit_code=1, canaries=[KEY], files=[stage.home])


@pytest.mark.fault("T07")
def test_not_a_terminal_is_one_line_and_code_2(stage: Stage) -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "voicechat", "--text"],
        env=stage.env | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "--plain" in done.stderr


@pytest.mark.fault("T07")
@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_knows_only_lines_is_one_line_and_code_2(stage: Stage, term: str) -> None:
    terminal = stage.start("--text", env={"TERM": term})
    assert terminal.wait_exit() == 2
    assert "--plain" in terminal.screen_text() and b"\x1b" not in terminal.raw


@pytest.mark.fault("T16")
def test_the_c_locale_changes_nothing_but_the_language(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", *serve("cjk").options, env={"LC_ALL": "C", "LANG": "C"})
    terminal.wait_for("- ready")
    terminal.type_text("hello")
    terminal.press("enter")
    terminal.wait_for("今天北京的天气很好")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_descriptor_2_in_a_file_gets_what_the_end_has_to_say(stage: Stage) -> None:
    log = stage.home / "log"
    script = f'exec "{sys.executable}" "{CRASHING}" session 2>"{log}"'
    terminal = stage.start(argv=["/bin/sh", "-c", script])
    assert terminal.wait_exit() == 1
    assert log.read_text().startswith("voicechat: internal error: RuntimeError")
    assert os.stat(log).st_size < 400
