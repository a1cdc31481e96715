"""The real program on a bad road: a terminal, a stand-in service, and the fault proxy between."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.screen.conftest import KEY, Service, Stage
from tests.fakes.fault_checks import Footprint, Heartbeat
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.ga_script import Script
from tests.fakes.terminal import Terminal, check_after, problems_after

COLS, ROWS = 100, 40


@dataclass
class Road:
    """A service, the proxy before it, and the program that goes through the proxy."""

    stage: Stage
    service: Service
    proxy: FaultProxy
    terminal: Terminal
    pid: int
    """Of the program."""

    def say(self, text: str) -> None:
        self.terminal.type_text(text)
        self.terminal.press("enter")

    def ask(self, text: str, answer: str, timeout_s: float = 30.0) -> None:
        """Say something, and wait for the answer below it."""
        self.say(text)
        self.wait_below(text, answer, timeout_s)

    def wait_below(self, text: str, wanted: str, timeout_s: float = 30.0) -> str:
        """Wait for something on the screen below `text`."""

        def holds(screen: str) -> bool:
            return f"You: {text}" in screen and wanted in screen.rsplit(f"You: {text}", 1)[1]

        return self.terminal.wait_for(holds, timeout_s)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(self.terminal, COLS, ROWS)

    def footprint(self) -> Footprint:
        return Footprint.of(self.pid)

    def finish(self) -> None:
        """Leave, and look at all that must hold afterwards."""
        check = self._check_in_tmux if self.pid != self.terminal.pid else check_after
        check(
            self.terminal,
            leave=lambda: self.terminal.press("ctrl+q"),
            canaries=[KEY],
            files=[self.stage.home],
            within_s=6.0,
        )
        assert not self.service.server.violations

    def _check_in_tmux(self, terminal: Terminal, **how: Any) -> None:
        """What tmux itself writes to the terminal is its own affair."""
        problems = problems_after(terminal, **how)
        assert [one for one in problems if not one.startswith("foreign sequence")] == []


class Tmux:
    """Stands between the program and the terminal."""

    def __init__(self, home: Path) -> None:
        settings = home / "tmux.conf"
        settings.write_text("set -g status off\nset -s escape-time 10\n")
        self._command = ["tmux", "-S", str(home / "tmux"), "-f", str(settings)]
        self.argv = [*self._command, "new-session"]

    def pid(self) -> int:
        """Of what it runs."""
        asked = [*self._command, "list-panes", "-a", "-F", "#{pane_pid}"]
        return int(subprocess.run(asked, capture_output=True, check=True, timeout=10).stdout)


class Roads:
    """Makes roads; all of them end with the test."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._open = ExitStack()

    def make(
        self,
        script: Script | str,
        *options: str,
        env: Mapping[str, str] | None = None,
        in_tmux: bool = False,
    ) -> Road:
        """The program, connected and ready: with the sound that `env` names, else without."""
        stage = Stage(self._home)
        self._open.callback(stage.close)
        service = self._open.enter_context(Service(script))
        proxy = self._open.enter_context(FaultProxy(service.server.port))
        url = ("--model", "gpt-realtime", "--url", proxy.url())
        options = options if env else ("--text", *options)
        tmux = Tmux(self._home)
        argv = [*tmux.argv, sys.executable, "-m", "voicechat"] if in_tmux else None
        terminal = stage.start(*options, *url, cols=COLS, rows=ROWS, env=env, argv=argv)
        terminal.wait_for("- ready")
        pid = tmux.pid() if in_tmux else terminal.pid
        return Road(stage, service, proxy, terminal, pid)

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def roads(tmp_path: Path) -> Iterator[Roads]:
    roads = Roads(tmp_path)
    yield roads
    roads.close()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()
