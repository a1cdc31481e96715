"""The fault proxy does what it says, as seen by plain sockets on both sides."""

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.fakes.fault_profiles import PORTAL, PROFILES
from tests.fakes.fault_proxy import FaultProxy, Mark

SHORT_S = 0.3


class Echo:
    """A server that gives everything back, and remembers it."""

    def __init__(self) -> None:
        self.port = 0
        self.received = bytearray()
        self.pieces = 0
        self.ends: list[str] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = "fin"
        self.writers.append(writer)
        try:
            while data := await reader.read(65536):
                self.pieces += 1
                self.received += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            end = "rst"
        self.ends.append(end)
        writer.close()


@asynccontextmanager
async def echo() -> AsyncIterator[Echo]:
    state = Echo()
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for writer in state.writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def visit(
    proxy: FaultProxy,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def nothing_comes(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(SHORT_S):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


async def test_bytes_go_there_and_back_and_are_counted() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            async with visit(proxy) as (reader, writer):
                data = bytes(range(256)) * 2000
                writer.write(data)
                assert await reader.readexactly(len(data)) == data
            assert proxy.passed("up") == proxy.passed("down") == len(data)
            assert proxy.visits == 1


async def test_an_end_is_told_to_the_other_side() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            async with visit(proxy) as (reader, writer):
                writer.write(b"bye")
                writer.write_eof()
                assert await reader.read() == b"bye"
            assert server.ends == ["fin"]


async def test_what_is_delayed_comes_late_and_in_order() -> None:
    async with echo() as server:
        with FaultProxy(server.port, seed=3) as proxy:
            proxy.delay(150, jitter_ms=100)
            async with visit(proxy) as (reader, writer):
                began = time.monotonic()
                for number in range(20):
                    writer.write(bytes([number]))
                    await asyncio.sleep(0.005)
                assert await reader.readexactly(20) == bytes(range(20))
                assert time.monotonic() - began > 0.1


async def test_a_rate_is_kept() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.rate(20_000, "up")
            async with visit(proxy) as (reader, writer):
                began = time.monotonic()
                writer.write(bytes(10_000))
                await reader.readexactly(10_000)
                assert time.monotonic() - began > 0.4


async def test_a_drip_is_one_byte_at_a_time() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.drip(20, "down")
            async with visit(proxy) as (reader, writer):
                began = time.monotonic()
                writer.write(b"0123456789")
                assert await reader.readexactly(10) == b"0123456789"
                assert time.monotonic() - began > 0.15


async def test_a_stall_holds_everything_until_it_ends() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            async with visit(proxy) as (reader, writer):
                proxy.stall("down")
                writer.write(b"x" * 1000)
                assert await nothing_comes(reader)
                assert bytes(server.received) == b"x" * 1000
                proxy.resume()
                assert await reader.readexactly(1000) == b"x" * 1000


async def test_a_stalled_reader_is_felt_by_the_sender() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.stall("up")
            async with visit(proxy) as (_, writer):
                writer.write(bytes(20_000_000))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(writer.drain(), SHORT_S)
                writer.transport.abort()


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_cut_is_seen_by_both_sides(how: str) -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            async with visit(proxy) as (reader, writer):
                writer.write(b"hello")
                await reader.readexactly(5)
                proxy.cut("fin" if how == "fin" else "rst")
                if how == "fin":
                    assert await reader.read() == b""
                else:
                    with pytest.raises(ConnectionResetError):
                        await reader.read()
            for _ in range(200):
                if server.ends:
                    break
                await asyncio.sleep(0.01)
            assert server.ends == [how]
            assert proxy.journeys[0].ended == how


async def test_a_cut_at_a_byte_lets_exactly_so_many_through() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.mark("up", Mark(777, "cut", "fin"))
            async with visit(proxy) as (reader, writer):
                writer.write(bytes(5000))
                await reader.read()
            assert proxy.passed("up") == 777
            async with visit(proxy) as (reader, writer):
                writer.write(bytes(5000))
                await reader.readexactly(5000)  # The mark was for one connection.


async def test_a_black_hole_tells_nobody() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            async with visit(proxy) as (reader, writer):
                writer.write(b"hello")
                await reader.readexactly(5)
                proxy.blackhole()
                writer.write(b"are you there")
                assert await nothing_comes(reader)
                writer.transport.abort()
                await asyncio.sleep(SHORT_S)
                assert bytes(server.received) == b"hello" and not server.ends
            async with visit(proxy) as (reader, writer):
                writer.write(b"new")
                assert await reader.readexactly(3) == b"new"


async def test_one_bit_is_flipped_where_it_was_asked_for() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.corrupt("down", 10, bit=7)
            async with visit(proxy) as (reader, writer):
                writer.write(bytes(20))
                assert await reader.readexactly(20) == bytes(10) + b"\x80" + bytes(9)


async def test_a_truncated_connection_ends_early() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.truncate("down", 7)
            async with visit(proxy) as (reader, writer):
                writer.write(b"0123456789")
                assert await reader.read() == b"0123456"


async def test_bytes_come_twice() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.dup("down", 2, 3)
            async with visit(proxy) as (reader, writer):
                writer.write(b"012345")
                assert await reader.readexactly(9) == b"012342345"


async def test_writes_are_split_and_merged() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.split("up")
            async with visit(proxy) as (reader, writer):
                writer.write(b"x" * 200)
                await reader.readexactly(200)
            assert proxy.journeys[0].ways["up"].writes == 200
            proxy.pass_on()
            proxy.merge(300, "up")
            before = server.pieces
            async with visit(proxy) as (reader, writer):
                for _ in range(20):
                    writer.write(b"y")
                    await asyncio.sleep(0.005)
                await reader.readexactly(20)
            assert server.pieces - before <= 3


async def test_doors_are_shut_in_every_way_and_opened_again() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            port = proxy.port
            proxy.refuse()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            proxy.hang()
            async with visit(proxy) as (reader, writer):
                writer.write(b"hello")
                assert await nothing_comes(reader)
            proxy.answer(PORTAL)
            async with visit(proxy) as (reader, writer):
                writer.write(b"GET / HTTP/1.1\r\n\r\n")
                assert await reader.read() == PORTAL
            proxy.let_in()
            assert proxy.port == port
            async with visit(proxy) as (reader, writer):
                writer.write(b"in")
                assert await reader.readexactly(2) == b"in"


async def test_who_has_vanished_does_not_even_refuse() -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.vanish()
            with socket.socket() as caller:
                caller.settimeout(0.5)
                code = caller.connect_ex(("127.0.0.1", proxy.port))
            assert code in (errno.EAGAIN, errno.EINPROGRESS, errno.ETIMEDOUT)
            proxy.let_in()
            async with visit(proxy) as (reader, writer):
                writer.write(b"in")
                assert await reader.readexactly(2) == b"in"


async def test_the_same_seed_makes_the_same_chance() -> None:
    first, second = FaultProxy(1, seed=5), FaultProxy(1, seed=5)
    assert [first.dice.random() for _ in range(5)] == [second.dice.random() for _ in range(5)]
    for each in (first, second):
        each._loop.close()


def test_there_are_twelve_profiles() -> None:
    assert len(PROFILES) == 12
    for name, profile in PROFILES.items():
        assert profile.name == name
        times = [step.at_s for step in profile.steps]
        assert times == sorted(times)
        assert not profile.period_s or profile.period_s >= max(times)


@pytest.mark.parametrize("name", sorted(PROFILES))
async def test_every_profile_lets_a_connection_through_in_the_end(name: str) -> None:
    async with echo() as server:
        with FaultProxy(server.port) as proxy:
            proxy.play(name, tempo=40)
            await asyncio.sleep(1.0)
            if name in ("flap", "spiky", "mobile"):
                proxy.play("good")
            async with asyncio.timeout(20), visit(proxy) as (reader, writer):
                writer.write(b"in")
                assert await reader.readexactly(2) == b"in"
