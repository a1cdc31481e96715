"""What waits on this machine is seen, and little of it may; real sockets, and a deaf server."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from tests.net.servers import Authority, Raw, raw, upgraded, websocket
from voicechat.errors import LinkError
from voicechat.net import tcp_backlog
from voicechat.net.tcp_backlog import LOW_WATER
from voicechat.net.websocket import MAX_QUEUE, WebSocketLink, connect

PIECE = "x" * 1300
"""About as long as 20 ms of speech."""


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
    """Read nothing any more."""
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    await asyncio.sleep(30)


def here(port: int) -> str:
    return f"ws://127.0.0.1:{port}/"


@asynccontextmanager
async def to_the_deaf(tmp_path: Path, *, tls: bool) -> AsyncIterator[WebSocketLink]:
    authority = Authority(tmp_path)
    context = authority.context() if tls else None
    async with raw(upgraded(deaf), context) as server:
        url = f"{'wss' if tls else 'ws'}://localhost:{server.port}/"
        async with connect(url, {}, proxy=None, ca_file=authority.ca_file) as link:
            yield link


@pytest.mark.fault("N25")
@pytest.mark.parametrize("tls", [False, True])
async def test_a_full_line_is_felt_before_minutes_of_speech_wait(tmp_path: Path, tls: bool) -> None:
    async with to_the_deaf(tmp_path, tls=tls) as link:
        assert link.unsent == 0
        taken = 0
        with contextlib.suppress(TimeoutError):
            while taken < 10_000_000:
                async with asyncio.timeout(1.0):
                    await link.send(PIECE)
                taken += len(PIECE)
        assert taken < 10_000_000, "nobody noticed"
        assert LOW_WATER / 2 < link.unsent <= link.waiting
        assert link.unsent < 8 * LOW_WATER


@pytest.mark.parametrize("tls", [False, True])
async def test_what_arrived_does_not_wait(tmp_path: Path, tls: bool) -> None:
    authority = Authority(tmp_path)
    got = 0

    async def count(connection: ServerConnection) -> None:
        nonlocal got
        async for message in connection:
            got += len(message)

    async with websocket(count, authority.context() if tls else None) as server:
        url = f"{'wss' if tls else 'ws'}://localhost:{server.port}/"
        async with connect(url, {}, proxy=None, ca_file=authority.ca_file) as link:
            for _ in range(300):
                await link.send(PIECE)
            async with asyncio.timeout(10):
                while got < 300 * len(PIECE) or link.waiting:
                    await asyncio.sleep(0.01)
            assert link.unsent == 0 and link.bytes_sent == got


async def test_pings_are_numbered_by_those_that_were_answered() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.pong(b"I am here")  # Not asked for.
        await connection.pong((7).to_bytes(4))
        await connection.wait_closed()

    async with websocket(talk) as server:
        async with connect(here(server.port), {}, proxy=None) as link:
            await asyncio.sleep(0.2)
            assert link.answered == 0
            for number in (1, 2):
                link.ask()
                async with asyncio.timeout(5):
                    while link.answered < number:
                        await asyncio.sleep(0.01)
            assert time.monotonic() - link.heard_at < 5
        link.ask()  # Hung up: nothing happens.


@pytest.mark.fault("N22")
async def test_whoever_is_behind_with_reading_hears_all_the_time() -> None:
    async def talk(connection: ServerConnection) -> None:
        for _ in range(MAX_QUEUE + 10):
            await connection.send("x")
        await connection.wait_closed()

    async with websocket(talk) as server, connect(here(server.port), {}, proxy=None) as link:
        async with asyncio.timeout(10):
            while not link._connection.recv_messages.paused:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert time.monotonic() - link.heard_at < 0.1


@pytest.mark.fault("X02")
async def test_a_line_that_is_given_up_is_left_at_once(tmp_path: Path) -> None:
    async with to_the_deaf(tmp_path, tls=False) as link:
        flood = asyncio.create_task(_flood(link))
        await asyncio.sleep(0.3)
        link.give_up()
        started = time.monotonic()
    assert time.monotonic() - started < 0.5
    await flood


async def _flood(link: WebSocketLink) -> None:
    with contextlib.suppress(LinkError):
        while True:
            await link.send("x" * 1_000_000)


@pytest.mark.fault("N22")
@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::1%lo", True),
        ("192.168.1.7", False),
        ("2001:db8::1", False),
        ("somewhere", False),
    ],
)
def test_a_proxy_on_this_machine_is_told_from_a_network(host: str, is_here: bool) -> None:
    assert tcp_backlog._is_here(host) == is_here


@pytest.mark.fault("N22")
async def test_the_system_ends_a_dead_line_where_the_network_begins_at_this_machine() -> None:
    async with websocket() as server, connect(here(server.port), {}, proxy=None) as link:
        known = link._connection.transport.get_extra_info("socket")
        assert known.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == LOW_WATER
        assert known.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
    with socket.create_server(("0.0.0.0", 0)) as far, socket.socket() as near:
        own = _own_address()
        near.connect((own, far.getsockname()[1]))
        tcp_backlog._notice_death(near)
        expected = 0 if own == "127.0.0.1" else tcp_backlog.DEAD_AFTER_MS
        assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == expected


def _own_address() -> str:
    """An address of this machine in a network, if it has one; nothing is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(asking.getsockname()[0])
