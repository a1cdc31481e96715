"""Reconnect without a screen: a line that is lost in mid-call costs a script nothing."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.dialects import DIALECTS, Dialect, Listener, received, until
from tests.fakes.fault_proxy import FaultProxy

READERS = ("openai", "gemini", "glm")
"""Families of protocols that are asked in writing."""


class Call:
    """The program in a call through a proxy that can be cut."""

    def __init__(self, server: Any, proxy: FaultProxy, process: asyncio.subprocess.Process) -> None:
        self.server = server
        self.proxy = proxy
        self.process = process
        self.told = Listener(process)

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def until(self, event: str, count: int = 1) -> None:
        await until(lambda: len(self.told.of(event)) >= count, f"{count} of {event}")

    async def end(self) -> int:
        """Of stdin, and of the program; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.told.end()
        return await asyncio.wait_for(self.process.wait(), 20)

    def heard(self, text: str) -> int:
        """How many messages with these words the service got."""
        messages = (json.dumps(entry, ensure_ascii=False) for entry in received(self.server))
        return sum(text in message for message in messages)


@asynccontextmanager
async def calling(
    program: Program, dialect: Dialect, script: Any, *options: str
) -> AsyncIterator[Call]:
    dialect.configure(program)
    async with dialect.serving(script) as server:
        with FaultProxy(server.port) as proxy:
            url = server.url.replace(f":{server.port}", f":{proxy.port}")
            wanted = ("--plain", "--json", "--model", dialect.model, "--url", url, *options)
            async with program.running(*wanted, env=dialect.environ()) as process:
                yield Call(server, proxy, process)


@pytest.mark.parametrize(
    ("name", "way"), [*((name, "cut") for name in READERS), ("openai", "dead"), ("glm", "dead")]
)
@pytest.mark.fault("N21")
async def test_the_line_after_an_outage_is_answered_once(
    program: Program, name: str, way: str
) -> None:
    dialect = DIALECTS[name]
    async with calling(program, dialect, dialect.scripts.typed) as call:
        call.type("first question")
        await call.until("reply_done")
        if way == "cut":
            call.proxy.cut()
        else:
            call.proxy.blackhole()
        call.type("second question")
        await call.until("offline")
        await call.until("retrying")
        await call.until("ready", 2)
        await call.until("reply_done", 2)
        assert await call.end() == 0
        assert call.heard("second question") == 1
    statuses = [event["status"] for event in call.told.of("reply_done")]
    assert statuses == ["completed", "completed"]
    assert call.told.of("retrying")[0]["seconds"] >= 0.0


@pytest.mark.fault("N21")
async def test_the_next_line_knows_what_was_said(program: Program) -> None:
    dialect = DIALECTS["openai"]
    async with calling(program, dialect, dialect.scripts.typed) as call:
        call.type("first question")
        await call.until("reply_done")
        call.proxy.cut()
        await call.until("ready", 2)
        call.type("second question")
        await call.until("reply_done", 2)
        assert await call.end() == 0
        assert call.heard("first question") == 2 and call.heard("second question") == 1


@pytest.mark.fault("N21")
async def test_a_reply_that_was_cut_in_the_middle_is_told_as_that(program: Program) -> None:
    dialect = DIALECTS["openai"]
    options = ("--save-reply", "reply.wav")
    async with calling(program, dialect, dialect.scripts.long, *options) as call:
        call.type("first question")
        told = call.told
        await until(lambda: sum(e["ms"] for e in told.of("reply_audio")) > 2_000, "2 s of a reply")
        call.proxy.cut()
        await call.until("ready", 2)
        call.type("second question")
        await call.until("reply_done", 2)
        assert await call.end() == 0
        assert call.process.stderr is not None
        complaints = (await call.process.stderr.read()).decode()
    first, second = call.told.of("reply_done")
    assert (first["status"], first["code"]) == ("incomplete", "line_lost")
    assert second["status"] == "completed"
    assert "The line was lost in the middle of the answer" in complaints


@pytest.mark.parametrize("budget", ["0", "1"])
@pytest.mark.fault("N21")
async def test_the_call_ends_when_the_budget_is_spent(program: Program, budget: str) -> None:
    dialect = DIALECTS["openai"]
    options = ("--retry-for", budget)
    async with calling(program, dialect, dialect.scripts.typed, *options) as call:
        await call.until("ready")
        call.proxy.refuse()
        call.proxy.cut()
        await call.told.end()
        assert await asyncio.wait_for(call.process.wait(), 20) == 1
    assert bool(call.told.of("retrying")) == (budget != "0")
    assert call.told.events[-1]["exit_code"] == 1


@pytest.mark.fault("N21")
async def test_told_to_stop_in_an_outage_it_stops(program: Program) -> None:
    dialect = DIALECTS["openai"]
    async with calling(program, dialect, dialect.scripts.typed) as call:
        await call.until("ready")
        call.proxy.refuse()
        call.proxy.cut()
        call.type("a question")
        await call.until("retrying", 2)
        call.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(call.process.wait(), 2) == 128 + signal.SIGTERM
