"""What must hold after every run of the program, seen from outside: its bytes, files and end."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil

from tests.fakes.terminal_bytes import foreign_sequences, modes_left_on, plain_text
from voicechat.conversation.journal import load

if TYPE_CHECKING:
    from tests.fakes.terminal import Terminal

EXIT_WITHIN_S = 2.0
CRASH_WORDS = re.compile(
    r"Traceback \(most recent call last\)|─ Traceback|was never retrieved|was never awaited"
    r"|Exception ignored in|Unraisable|MarkupError|Segmentation fault|Fatal Python error"
)


def check_after(
    terminal: "Terminal",
    *,
    leave: Callable[[], object] | None = None,
    exit_code: int | None = 0,
    canaries: Iterable[str] = (),
    files: Iterable[Path] = (),
    except_files: Iterable[Path] = (),
    within_s: float = EXIT_WITHIN_S,
) -> None:
    """Let the program end (`leave` makes it), and check everything; see `problems_after`.

    Raises:
        AssertionError: With every problem, and the last screen.
    """
    problems = problems_after(
        terminal,
        leave=leave,
        exit_code=exit_code,
        canaries=canaries,
        files=files,
        except_files=except_files,
        within_s=within_s,
    )
    if problems:
        lines = "\n - ".join(problems)
        raise AssertionError(f"after the run:\n - {lines}\nscreen:\n{terminal.screen_text()}")


def problems_after(
    terminal: "Terminal",
    *,
    leave: Callable[[], object] | None = None,
    exit_code: int | None = 0,
    canaries: Iterable[str] = (),
    files: Iterable[Path] = (),
    except_files: Iterable[Path] = (),
    within_s: float = EXIT_WITHIN_S,
) -> list[str]:
    """Everything wrong, in words; empty: all is well.

    Looked at: the end came `within_s` of `leave`; the exit code (None: any; negative: a signal);
    no crash in the output; modes and terminal settings as before; only Textual's own sequences; no
    process left behind; every conversation below `files` loads without a damaged line; and no
    canary in any byte, command line, or file below `files` (`except_files` may hold them, such as
    the config).
    """
    secrets = tuple(canaries)
    command_lines = _command_lines(terminal)
    problems = _end(terminal, leave, exit_code, within_s)
    problems += _screen_problems(terminal)
    problems += [f"left behind: {name}" for name in _left_behind(terminal)]
    problems += _leaks("the output", terminal.raw, secrets)
    problems += _leaks("the visible text", plain_text(terminal.raw).encode(), secrets)
    problems += _leaks("a command line", command_lines, secrets)
    kept = {path.resolve() for path in except_files}
    for path in _all_files(files):
        if path.resolve() not in kept:
            problems += _leaks(str(path), path.read_bytes(), secrets)
            problems += _damage(path)
    return problems


def _end(
    terminal: "Terminal",
    leave: Callable[[], object] | None,
    exit_code: int | None,
    within_s: float,
) -> list[str]:
    asked_at = time.monotonic()
    if leave:
        leave()
    while terminal.exit_code is None and time.monotonic() - asked_at < within_s:
        time.sleep(0.01)
    if terminal.exit_code is None:
        return [f"still runs {within_s} s after it should have ended"]
    code = terminal.wait_exit()
    return [] if exit_code in (None, code) else [f"exit code {code}, not {exit_code}"]


def _screen_problems(terminal: "Terminal") -> list[str]:
    raw = terminal.raw
    crashes = sorted(set(CRASH_WORDS.findall(plain_text(raw))))
    problems = [f"crash in the output: {words}" for words in crashes]
    problems += [f"left on: {mode}" for mode in modes_left_on(raw)]
    problems += [f"foreign sequence: {each}" for each in sorted(set(foreign_sequences(raw)))]
    return problems + ["terminal settings changed"] * (not terminal.termios_is_restored)


def _left_behind(terminal: "Terminal") -> list[str]:
    from tests.fakes.terminal import session_members

    return [f"{process.pid} {process.name()}" for process in session_members(terminal.pid)]


def _command_lines(terminal: "Terminal") -> bytes:
    """Of the program and its children, while they run."""
    lines = [list(terminal.argv)]
    try:
        process = psutil.Process(terminal.pid)
        lines += [each.cmdline() for each in (process, *process.children(recursive=True))]
    except psutil.Error:
        pass
    return "\0".join(word for line in lines for word in line).encode()


def _leaks(where: str, data: bytes, secrets: tuple[str, ...]) -> list[str]:
    """Canaries in some bytes, as they are or percent-encoded; named by their number only."""
    return [
        f"canary {number} in {where}"
        for number, secret in enumerate(secrets)
        if secret.encode() in data or quote(secret, safe="").encode() in data
    ]


def _damage(path: Path) -> list[str]:
    if path.suffix != ".jsonl" or path.parent.name != "conversations":
        return []
    loaded = load(path)
    return [f"{loaded.damaged_lines} damaged lines in {path}"] * bool(loaded.damaged_lines)


def _all_files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from (path for path in place.rglob("*") if path.is_file())
        if place.is_file():
            yield place
