"""Messages of any size: large ones are read, endless ones end the line, none is unpacked."""

import asyncio
import struct
import zlib

import pytest
from websockets.asyncio.server import ServerConnection

from tests.net.servers import Raw, raw, upgraded, websocket
from tests.net.test_websocket import end, here
from voicechat.net.websocket import connect

MIB = 1024 * 1024


@pytest.mark.fault("P04")
@pytest.mark.parametrize("size", [2 * MIB, 15 * MIB])
async def test_a_large_message_is_read_whole(size: int) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * size)
        await connection.send("after it")
        await connection.wait_closed()

    async with websocket(talk) as server, connect(here(server.port), {}, proxy=None) as link:
        messages = aiter(link)
        assert len(await anext(messages)) == size
        assert await anext(messages) == "after it"


@pytest.mark.fault("P05")
async def test_nothing_is_ever_unpacked() -> None:
    """Compression is not offered, and a server that packs all the same breaks the rules."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(32)) + packer.flush()
    asked = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        asked.extend(state.received)
        writer.write(b"\xc1\x7f" + struct.pack("!Q", len(bomb)) + bomb)
        await reader.read()

    async with raw(upgraded(talk)) as server, connect(here(server.port), {}, proxy=None) as link:
        closed = await end(link)
    assert (closed.code, closed.by_us) == (1002, True)
    assert b"extensions" not in bytes(asked).lower()
