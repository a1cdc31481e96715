"""A real terminal for the real program: a pty, a screen model, keys, signals, and what is left.

with Terminal([sys.executable, "-m", "voicechat"], cols=100, rows=30, env=env) as terminal:
    terminal.wait_for("Ready")
    terminal.press("ctrl+q")
    check_after(terminal, canaries=["sk-canary"], files=[home])
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from tests.fakes.terminal_bytes import foreign_sequences, modes_left_on, plain_text
from tests.fakes.terminal_checks import check_after, problems_after
from tests.fakes.terminal_keyboard import PRESS, RELEASE, REPEAT, Flags, Kind, kitty_bytes
from tests.fakes.terminal_screen import ScreenModel

__all__ = [
    "Terminal",
    "check_after",
    "foreign_sequences",
    "modes_left_on",
    "plain_text",
    "problems_after",
]

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "escape": "\x1b",
    "space": " ",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "insert": "\x1b[2~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "ctrl+up": "\x1b[1;5A",
    "ctrl+down": "\x1b[1;5B",
    "ctrl+space": "\x00",
} | {f"f{n}": f"\x1b{code}" for n, code in enumerate(["OP", "OQ", "OR", "OS", "[15~", "[17~"], 1)}
AFTER_ESC_S = 0.25
"""A lone ESC is told from the start of a sequence by the pause after it."""
REPEATS_AFTER_S, REPEAT_EVERY_S = 0.4, 0.03
"""Of a usual keyboard."""
FIXED_SIZE = ("COLUMNS", "LINES")
"""Variables that make programs blind to a resize; test runners set them, terminals do not."""
QUIET_S = 0.2
"""Nothing written for so long after the end of the program: all is read."""


def key_bytes(key: str) -> bytes:
    """What a terminal sends for a key: a name of `KEYS`, `ctrl+x`, `alt+x` or one character."""
    if key in KEYS:
        return KEYS[key].encode()
    if key.startswith("ctrl+") and len(key) == 6:
        return bytes([ord(key[5].upper()) & 0x1F])
    if key.startswith("alt+"):
        return b"\x1b" + key_bytes(key[4:])
    if len(key) != 1:
        raise ValueError(f"no such key: {key!r}")
    return key.encode()


class Terminal:
    """Runs a command in a terminal of its own; ends it on leaving the `with`.

    `env` is the whole environment of the command, but for TERM and the like; None: ours.
    `kitty`: whether it speaks the kitty keyboard protocol, as far as the program asks for it.

    Attributes:
        raw: Every byte the command ever wrote.
        started_at: `time.monotonic()` of the start.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cols: int = 100,
        rows: int = 30,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        kitty: bool = False,
    ) -> None:
        self.argv = list(argv)
        self.started_at = time.monotonic()
        self._raw = bytearray()
        self.keyboard = Flags() if kitty else None
        self._screen = ScreenModel(cols, rows, self.keyboard)
        self._lock = threading.Lock()
        self._reads = threading.Event()
        self._reads.set()
        self._is_closed = False
        self._last_read = time.monotonic()
        self._master, self._slave = pty.openpty()
        self._set_size(cols, rows)
        self._before = termios.tcgetattr(self._slave)
        self._process = self._spawn(env, cwd)
        self._reader = threading.Thread(target=self._read_on, name="terminal", daemon=True)
        self._reader.start()

    def _spawn(self, env: Mapping[str, str] | None, cwd: Path | None) -> "subprocess.Popen[bytes]":
        base = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        given = os.environ | base if env is None else base | dict(env)
        given = {name: value for name, value in given.items() if name not in FIXED_SIZE}
        tty = self._slave
        return subprocess.Popen(
            self.argv,
            stdin=tty,
            stdout=tty,
            stderr=tty,
            env=given,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(tty, termios.TIOCSCTTY, 0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what is to be seen -------------------------------------------------------------------

    @property
    def raw(self) -> bytes:
        """Every byte the command ever wrote."""
        with self._lock:
            return bytes(self._raw)

    @property
    def pid(self) -> int:
        """Process id of the command."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None: still running; negative: the number of the signal it died of."""
        return self._process.poll()

    @property
    def shows_alternate_screen(self) -> bool:
        """Whether the alternate screen is on."""
        with self._lock:
            return self._screen.is_alternate

    @property
    def termios_is_restored(self) -> bool:
        """Whether the terminal's settings are what they were before the start."""
        return termios.tcgetattr(self._slave) == self._before

    def screen_text(self) -> str:
        """The screen now, line by line, blanks at the ends of lines removed."""
        with self._lock:
            return self._screen.text()

    def modes_left_on(self) -> list[str]:
        """Modes set and not set back so far, in words."""
        return modes_left_on(self.raw)

    def foreign_sequences(self) -> list[str]:
        """Sequences written so far that are not Textual's own."""
        return foreign_sequences(self.raw)

    def rss_bytes(self) -> int:
        """Resident memory of the command now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def wait_for(self, wanted: str | Callable[[str], object], timeout_s: float = 20.0) -> str:
        """Wait for a text on the screen, or for a condition on the screen's text; the screen.

        Raises:
            TimeoutError: It did not come, or the command ended; the text shows the screen.
        """
        holds = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        end = time.monotonic() + timeout_s
        while True:
            ended = self.exit_code is not None and self._is_quiet()
            text = self.screen_text()
            if holds(text):
                return text
            if ended or time.monotonic() > end:
                state = f"ended with {self.exit_code}" if ended else "still runs"
                raise TimeoutError(f"{wanted!r} did not show; the program {state}:\n{text}")
            time.sleep(0.02)

    def wait_exit(self, timeout_s: float = 20.0) -> int:
        """Wait for the end and for all output; the exit code.

        Raises:
            TimeoutError: It goes on; the text shows the screen.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"it goes on:\n{self.screen_text()}") from None
        while not self._is_quiet():
            time.sleep(0.02)
        return code

    # -- what a person does -------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys one after another: `press("up", "enter")`, `press("ctrl+q")`."""
        for key in keys:
            if self.keyboard is not None:
                self.key_event(key, PRESS)
                self.key_event(key, RELEASE)
            else:
                self.write(key_bytes(key))
            time.sleep(AFTER_ESC_S if key in ("esc", "escape") else 0.03)

    def key_event(self, key: str, kind: Kind) -> None:
        """A key goes down, repeats or goes up, in a terminal that speaks the kitty protocol."""
        assert self.keyboard is not None, "not a kitty terminal"
        if data := kitty_bytes(key, kind, self.keyboard.now):
            self.write(data)

    def hold(self, key: str, seconds: float) -> None:
        """Press a key, keep it down while the keyboard repeats it, and let go."""
        start = time.monotonic()
        self.key_event(key, PRESS)
        while (held := time.monotonic() - start) < seconds:
            time.sleep(min(REPEAT_EVERY_S, seconds - held))
            if held > REPEATS_AFTER_S:
                self.key_event(key, REPEAT)
        self.key_event(key, RELEASE)

    def type_text(self, text: str) -> None:
        """Type, character by character as far as the program can tell."""
        self.write(text.encode())

    def paste(self, text: str) -> None:
        """Paste as a terminal with bracketed paste does."""
        self.write(b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def write(self, data: bytes) -> None:
        """Send bytes as if from the keyboard."""
        while data:
            data = data[os.write(self._master, data[:1024]) :]

    def resize(self, cols: int, rows: int) -> None:
        """Give the window another size; the program gets SIGWINCH."""
        with self._lock:
            self._screen.resize(cols, rows)
        self._set_size(cols, rows)

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def stop_reading(self) -> None:
        """From now on take nothing from the program, as a blocked terminal does."""
        self._reads.clear()

    def go_on_reading(self) -> None:
        """Take output again."""
        self._last_read = time.monotonic()
        self._reads.set()

    def hang_up(self) -> None:
        """The window is closed: SIGHUP, and the terminal is gone."""
        self._stop_reader()
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """End what still runs in this terminal, and close it."""
        if self._slave < 0:
            return
        for process in session_members(self.pid):
            process.kill()
        self._process.kill()
        self._process.wait()
        self._stop_reader()
        for fd in (self._master, self._slave):
            if fd >= 0:
                os.close(fd)
        self._master = self._slave = -1

    # -- inside -------------------------------------------------------------------------------

    def _set_size(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._last_read > QUIET_S or self._is_closed

    def _stop_reader(self) -> None:
        self._is_closed = True
        self._reads.set()
        self._reader.join()

    def _read_on(self) -> None:
        while not self._is_closed:
            self._reads.wait()
            readable, _, _ = select.select([self._master], [], [], 0.05)
            if readable and self._reads.is_set() and not self._is_closed:
                self._take(os.read(self._master, 65536))

    def _take(self, data: bytes) -> None:
        self._last_read = time.monotonic()
        with self._lock:
            self._raw += data
            self._screen.feed(data)
            answers, self._screen.answers[:] = "".join(self._screen.answers), []
        if answers:
            os.write(self._master, answers.encode())


def session_members(pid: int) -> list[Any]:
    """Processes of the terminal session that `pid` led, without itself and without zombies."""
    return [process for process in psutil.process_iter() if _is_member(process, pid)]


def _is_member(process: Any, pid: int) -> bool:
    try:
        in_session = process.pid != pid and os.getsid(process.pid) == pid
        return bool(in_session and process.status() != psutil.STATUS_ZOMBIE)
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
