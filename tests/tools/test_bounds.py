"""Servers of tools that send without end, over HTTP and stdio: bounded, and told."""

import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tools.bench import at_work, program
from voicechat.config.schema import McpSection
from voicechat.tools import bounds
from voicechat.tools.bounds import (
    LARGEST_MESSAGE,
    LARGEST_SCHEMA,
    MOST_OFFERS,
    Flood,
    Listing,
    bounded_body,
    bounded_events,
)

pytestmark = pytest.mark.fault("S18")
PIECES = {
    "application/json": b"x" * 65_536,
    "text/event-stream": b"x" * 65_536,
    "text/event-stream; charset=utf-8": b": still here\n\n" * 5_000,
}
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "x", "version": "1"},
}
ONE = {"name": "a", "inputSchema": {"type": "object"}}


def most_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@asynccontextmanager
async def serving(
    tools: Callable[[Any], dict[str, Any]], floods: str = "", kind: str = ""
) -> AsyncIterator[dict[str, McpSection]]:
    """A server over HTTP that answers one method without end; `tools`: its page at a cursor."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = head.partition("content-length:")[2].split()[:1]
                body = await reader.readexactly(int(size[0]) if size else 0)
                await reply(head, json.loads(body or b"{}"), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def reply(head: str, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        method = asked.get("method", "")
        if not head.startswith("post") or "id" not in asked:
            status = "202 Accepted" if head.startswith("post") else "405 No"
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
        elif method == floods:
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\n".encode())
            while True:
                writer.write(PIECES[kind])
                await writer.drain()
        else:
            params = asked.get("params") or {}
            result = HELLO if method == "initialize" else tools(params.get("cursor"))
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
            what = f"content-type: application/json\r\ncontent-length: {len(body)}"
            writer.write(f"HTTP/1.1 200 OK\r\n{what}\r\n\r\n".encode() + body)
        await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/mcp"
        yield {"far": McpSection(url=url, allow=True, timeout_s=20)}


@pytest.mark.parametrize("kind", PIECES)
@pytest.mark.parametrize("method", ["initialize", "tools/list", "tools/call"])
async def test_an_endless_answer_over_http_is_bounded_and_told(kind: str, method: str) -> None:
    async with (
        serving(lambda _: {"tools": [ONE]}, method, kind) as servers,
        at_work(servers=servers) as bench,
    ):
        before, began = most_mib(), time.monotonic()
        if method == "tools/call":
            assert (await bench.call("far__a")).is_error
        while not any("does not work" in line for line in bench.told):
            assert time.monotonic() < began + 30, bench.told
            await asyncio.sleep(0.02)
        assert most_mib() - before < 60
        assert any("It sent" in line and "MB" in line for line in bench.told), bench.told


async def test_a_tool_that_is_listed_twice_is_offered_once() -> None:
    async with (
        serving(lambda _: {"tools": [ONE, {**ONE, "title": "again"}]}) as servers,
        at_work(servers=servers) as bench,
    ):
        assert [tool.name for tool in bench.toolbox.tools()] == ["far__a"]
        assert bench.told == ["The tool server far: the tool a is listed twice: the first counts"]


async def test_a_list_that_does_not_end_is_cut_and_told() -> None:
    async with (
        serving(
            lambda at: {"tools": [{**ONE, "name": f"t{at}"}], "nextCursor": f"{at}1"}
        ) as servers,
        at_work(servers=servers) as bench,
    ):
        assert 0 < len(bench.toolbox.tools()) <= MOST_OFFERS
        assert any("does not end" in line for line in bench.told)


async def test_too_many_tools_and_too_large_ones_are_left_out_and_told() -> None:
    huge = {"type": "object", "description": "x" * LARGEST_SCHEMA}
    tools = [{**ONE, "name": "huge", "inputSchema": huge}, {**ONE, "name": "n" * 1000}]
    tools += [{**ONE, "name": f"t{number}"} for number in range(5_000)]
    async with serving(lambda _: {"tools": tools}) as servers, at_work(servers=servers) as bench:
        names = [tool.name for tool in bench.toolbox.tools()]
        assert names == [f"far__t{number}" for number in range(MOST_OFFERS)]
        told = " ".join(bench.told)
        assert "parameters of huge are too large" in told
        assert "longer than 128 characters" in told and "only its first 128 tools" in told


async def test_a_line_without_end_over_stdio_is_bounded_and_told(tmp_path: Path) -> None:
    source = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    before = most_mib()
    servers = {"near": McpSection(program(tmp_path, source), allow=True)}
    async with at_work(servers=servers) as bench:
        assert bench.toolbox.tools() == ()
        assert bench.told == ["The tool server near does not work: It sent more than 4 MB at once"]
    assert most_mib() - before < 60


async def test_a_body_may_not_be_larger_nor_last_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pieces(count: int, size: int, pause_s: float = 0.0) -> AsyncIterator[bytes]:
        for _ in range(count):
            await asyncio.sleep(pause_s)
            yield b"x" * (size - 1) + b"\n"

    assert len([one async for one in bounded_body(pieces(4, LARGEST_MESSAGE // 4))]) == 4
    with pytest.raises(Flood, match="4 MB"):
        [one async for one in bounded_body(pieces(5, LARGEST_MESSAGE // 4))]
    with pytest.raises(Flood, match="4 MB"):
        [one async for one in bounded_events(pieces(99, LARGEST_MESSAGE // 8))]
    monkeypatch.setattr(bounds, "LONGEST_BODY_S", 0.05)
    with pytest.raises(Flood, match="did not end"):
        [one async for one in bounded_body(pieces(1, 10, 60.0))]


def test_nothing_is_said_of_a_good_list() -> None:
    class One:
        name, input_schema = "a", {"type": "object"}

    listing = Listing()
    assert len(listing.fitting([One()])) == 1 and listing.faults == [] and not listing.is_full
