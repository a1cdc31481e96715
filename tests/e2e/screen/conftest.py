"""The real program in a real terminal, beside a stand-in service in a thread of its own."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.fakes.ga_script import Script
from tests.fakes.ga_server import GaServer
from tests.fakes.terminal import Terminal

KEY = "sk-test-canary-3c9f71d2a8"
"""Must never be seen anywhere but in the environment."""
KEPT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class Service:
    """A `GaServer` whose loop runs beside the test; `with` it."""

    def __init__(self, script: Script | str = "normal", kind: type[GaServer] = GaServer) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.server = kind(script)

    def __enter__(self) -> "Service":
        self._thread.start()
        self._run(self.server.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self.server.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def options(self) -> tuple[str, ...]:
        """What makes the program talk to this service."""
        return ("--model", "gpt-realtime", "--url", self.server.url)

    def control(self, **command: Any) -> dict[str, Any]:
        """Trigger something, see `ga_control`."""
        return self._run(self.server.control(command))  # type: ignore[no-any-return]

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class Stage:
    """Starts the program with an environment of nothing but what it needs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self._open: list[Terminal] = []
        self.env = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "VOICECHAT_DATA": str(self.data),
            "OPENAI_API_KEY": KEY,
            "PULSE_SERVER": f"unix:{home}/no-such-server",
        }

    def start(
        self,
        *options: str,
        cols: int = 80,
        rows: int = 24,
        argv: list[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        kitty: bool = False,
    ) -> Terminal:
        """The program in a terminal; None in `env` takes a variable away."""
        given = {k: v for k, v in {**self.env, **(env or {})}.items() if v is not None}
        command = argv or [sys.executable, "-m", "voicechat"]
        terminal = Terminal([*command, *options], cols=cols, rows=rows, env=given, kitty=kitty)
        self._open.append(terminal)
        return terminal

    def close(self) -> None:
        for terminal in self._open:
            terminal.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


class Serve(Protocol):
    """Starts a service with a script."""

    def __call__(self, script: Script | str, kind: type[GaServer] = GaServer) -> Service: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a service with a script; it ends with the test."""
    services: list[Service] = []

    def start(script: Script | str, kind: type[GaServer] = GaServer) -> Service:
        services.append(Service(script, kind).__enter__())
        return services[-1]

    yield start
    for service in services:
        service.__exit__()
