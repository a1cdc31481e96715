"""A toolbox at work, real programs for it, and what came out."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.tools import mcp_program
from voicechat.config.schema import McpSection, ToolSection
from voicechat.events import SendToolResult, ToolCalled
from voicechat.tools import Toolbox

LONG_S = 30.0
Start = Callable[..., int]
"""Starts the server of tools over HTTP, at a port or any; returns its port."""
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Bench:
    """Calls tools and keeps the answers."""

    def __init__(
        self,
        tools: Mapping[str, ToolSection] | None = None,
        servers: Mapping[str, McpSection] | None = None,
        environ: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.told: list[str] = []
        self.toolbox = Toolbox(
            tools or {},
            servers or {},
            environ or environment(),
            notify=lambda notice: self.told.append(notice.message),
            **more,
        )
        self.answers: dict[str, SendToolResult] = {}
        self._count = 0

    def begin(self, name: str, arguments: str = "{}") -> str:
        """Call a tool; returns the call's id."""
        self._count += 1
        call_id = f"call_{self._count}"
        self.toolbox.call(ToolCalled("r1", call_id, name, arguments), self._keep)
        return call_id

    async def call(self, name: str, arguments: str = "{}") -> SendToolResult:
        """Call a tool and wait for its answer."""
        call_id = self.begin(name, arguments)
        await until(lambda: call_id in self.answers)
        return self.answers[call_id]

    def _keep(self, result: SendToolResult) -> None:
        assert result.call_id not in self.answers, "answered twice"
        self.answers[result.call_id] = result


@asynccontextmanager
async def at_work(
    tools: Mapping[str, ToolSection] | None = None,
    servers: Mapping[str, McpSection] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    wait_s: float = LONG_S,
    **more: Any,
) -> AsyncIterator[Bench]:
    """A toolbox that runs while the block does; its servers get `wait_s` before."""
    bench = Bench(tools, servers, environ, **more)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bench.toolbox.run())
        await bench.toolbox.wait_ready(wait_s)
        try:
            yield bench
        finally:
            running.cancel()


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}


def program(folder: Path, source: str, name: str = "tool.py") -> tuple[str, ...]:
    """A Python program as a command."""
    path = folder / name
    path.write_text(source, "utf-8")
    return (sys.executable, str(path))


async def until(holds: Callable[[], bool], within_s: float = LONG_S) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process exists, and is no corpse."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


async def pid_in(path: Path) -> int:
    """The process id that a program wrote into a file."""
    await until(path.exists)
    return int(path.read_text())  # noqa: ASYNC240 - a few bytes


@contextmanager
def serving(folder: Path) -> Iterator[Start]:
    """Starts the server of tools over HTTP; each start ends the one before."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*options: str) -> int:
        for old in running:
            old.kill()
            old.wait()
        found = folder / f"port-{len(running)}"
        source = str(Path(mcp_program.__file__))
        command = [sys.executable, source, "http", str(found), *options]
        running.append(subprocess.Popen(command, env=environment(), cwd=Path.cwd()))
        for _ in range(1500):
            if found.exists():
                return int(found.read_text())
            subprocess.run(["sleep", "0.02"], check=True)
        raise AssertionError("the server did not start")

    try:
        yield begin
    finally:
        for process in running:
            process.kill()
            process.wait()
