"""Every state that somebody may leave in, and every way to leave: started, left, and looked at."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conversation.journal.test_file import mounted
from tests.e2e.screen.conftest import KEY, Service, Stage
from tests.fakes.pulse import PulseServer
from tests.fakes.terminal import Terminal, problems_after
from voicechat.conversation.journal import load

PATIENCE_S = 6.0
"""The program has 2 s; a machine that is busy with other things gets more."""

Ready = tuple[Terminal, Path, list[str]]
"""The program in its state, its data folder, and who has said something that must be kept."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """One way to leave."""

    leave: Callable[[Terminal], object]
    code: int


LEAVINGS = {
    "Ctrl-Q": Leaving(lambda terminal: terminal.press("ctrl+q"), 0),
    "Ctrl-C twice": Leaving(lambda terminal: terminal.press("ctrl+c", "ctrl+c"), 0),
    "TERM": Leaving(lambda terminal: terminal.signal(signal.SIGTERM), 143),
    "HUP": Leaving(lambda terminal: terminal.signal(signal.SIGHUP), 129),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one cell of the grid went."""

    state: str
    leaving: str
    seconds: float
    problems: tuple[str, ...]


def run_cell(state: str, leaving: str, home: Path) -> Outcome:
    """Bring the program into a state in a home of its own, leave, and see what is left."""
    way = LEAVINGS[leaving]
    with STATES[state](home) as (terminal, data, roles):
        began = time.monotonic()
        way.leave(terminal)
        while terminal.exit_code is None and time.monotonic() - began < PATIENCE_S:
            time.sleep(0.005)
        seconds = time.monotonic() - began
        problems = problems_after(terminal, exit_code=way.code, canaries=[KEY], files=[home])
        problems += _journal_problems(data, roles)
    return Outcome(state, leaving, seconds, tuple(problems))


def _journal_problems(data: Path, roles: list[str]) -> list[str]:
    problems: list[str] = []
    found: list[str] = []
    for path in data.glob("conversations/*.jsonl"):
        loaded = load(path)
        found += [item.role for item in loaded.items]
        problems += [f"{loaded.damaged_lines} damaged lines"] * bool(loaded.damaged_lines)
    return problems + [f"kept: {found}, not {roles}"] * (found[: len(roles)] != roles)


# -- the states -----------------------------------------------------------------------------------


@contextmanager
def called(
    home: Path, script: str, *options: str, **env: str
) -> Iterator[tuple[Terminal, Service]]:
    """The program, connected."""
    with ExitStack() as open_:
        stage = Stage(home)
        open_.callback(stage.close)
        service = open_.enter_context(Service(script))
        terminal = stage.start(*options, *service.options, env=env)
        terminal.wait_for("- ready")
        yield terminal, service


def ask(terminal: Terminal, text: str, answer: str) -> None:
    terminal.type_text(text)
    terminal.press("enter")
    terminal.wait_for(lambda screen: answer in screen.partition(text)[2])


@contextmanager
def idle(home: Path) -> Iterator[Ready]:
    with called(home, "normal", "--text") as (terminal, _):
        ask(terminal, "hello", "interrupt me.")
        terminal.wait_for("- ready")
        yield terminal, home / "data", ["user", "assistant"]


@contextmanager
def talking(home: Path) -> Iterator[Ready]:
    with called(home, "long_reply", "--text") as (terminal, _):
        ask(terminal, "hello", "AI: Good")
        yield terminal, home / "data", ["user", "assistant"]


@contextmanager
def line_dead(home: Path) -> Iterator[Ready]:
    """The server neither reads nor answers any more; its TCP is there."""
    with called(home, "long_reply", "--text") as (terminal, service):
        ask(terminal, "hello", "AI: Good")
        service.control(do="deaf")
        service.control(do="hold")
        terminal.type_text("are you there?")
        terminal.press("enter")
        terminal.wait_for("You: are you there?")
        yield terminal, home / "data", ["user", "assistant", "user"]


@contextmanager
def sound_stalled(home: Path) -> Iterator[Ready]:
    with PulseServer() as pulse, called(home, "long_reply", **pulse.env) as (terminal, _):
        ask(terminal, "hello", "AI: Good")
        pulse.stall()
        time.sleep(0.3)
        yield terminal, home / "data", ["user", "assistant"]


@contextmanager
def disk_full(home: Path) -> Iterator[Ready]:
    """Full since the first answer; what was kept before must be whole."""
    with mounted(home / "disk", "64k") as disk:
        data = disk / "data"
        with called(home, "normal", "--text", VOICECHAT_DATA=str(data)) as (terminal, _):
            ask(terminal, "hello", "interrupt me.")
            terminal.wait_for("- ready")
            fill(disk / "ballast")
            terminal.paste("more " * 900)
            terminal.press("enter")
            terminal.wait_for("Cannot save the conversation")
            yield terminal, data, ["user", "assistant"]


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


STATES = {
    "idle": idle,
    "talking": talking,
    "line dead": line_dead,
    "sound stalled": sound_stalled,
    "disk full": disk_full,
}
