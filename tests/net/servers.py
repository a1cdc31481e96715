"""Small real servers for links to meet: good ones, rude ones and silent ones."""

import asyncio
import base64
import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, "Raw"], Awaitable[None]]


@dataclass
class Raw:
    """A server that does as told; `received` is all that anybody ever sent to it."""

    port: int = 0
    visits: int = 0
    received: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def raw(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Raw]:
    """Serve `talk` on a free port."""
    state, writers = Raw(), set[asyncio.StreamWriter]()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.visits += 1
        writers.add(writer)
        try:
            await talk(reader, writer, state)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def request(reader: asyncio.StreamReader, state: Raw) -> bytes:
    """The head of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    state.received += head
    return head


def answering(answer: bytes, *, pause_s: float = 0.0) -> Talk:
    """Read a request and give this answer, one byte at a time if there is a pause."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        await request(reader, state)
        for byte in answer if pause_s else b"":
            writer.write(bytes([byte]))
            await asyncio.sleep(pause_s)
        writer.write(b"" if pause_s else answer)
        await writer.drain()

    return talk


def http(status: str, body: str = "", **headers: str) -> Talk:
    """Answer with an HTTP status and body; `_` in header names stands for `-`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return answering(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
    """Accept, and say nothing at all."""
    while data := await reader.read(65536):
        state.received += data


async def hanging_up(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw
) -> None:
    """Accept, read a little, and leave."""
    state.received += await reader.read(1)


def upgraded(then: Talk) -> Talk:
    """A WebSocket handshake made by hand, so that anything can follow (RFC 6455, 4.2.2)."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        head = (await request(reader, state)).decode()
        key = next(line[19:] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        accept = base64.b64encode(digest).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await then(reader, writer, state)

    return talk


@dataclass
class Echo:
    """A WebSocket server that sends everything back."""

    port: int
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of each handshake."""


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def websocket(
    talk: Callable[[ServerConnection], Awaitable[None]] = _echo,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Echo]:
    """A real WebSocket server; `talk` is one call."""
    state = Echo(0)

    async def serve_one(connection: ServerConnection) -> None:
        assert connection.request
        state.headers.append({k.lower(): v for k, v in connection.request.headers.raw_items()})
        await talk(connection)

    async with serve(
        serve_one, "127.0.0.1", 0, ssl=tls, close_timeout=0.2, max_size=None
    ) as server:
        state.port = next(iter(server.sockets)).getsockname()[1]
        yield state


class Authority:
    """A certificate authority that no machine knows, and its certificates."""

    def __init__(self, home: Path) -> None:
        self._ca = trustme.CA()
        self.ca_file = str(home / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)

    def context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """For a server with these names, by default those of this machine."""
        until = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        certificate = self._ca.issue_cert(
            *(names or ("localhost", "127.0.0.1")), not_after=until if expired else None
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


def self_signed(home: Path) -> ssl.SSLContext:
    """For a server that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = home / "self.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def socks4a(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
    """A SOCKS4A proxy, which finds every name on this machine; `received` is what it was asked."""
    head = await reader.readexactly(8)
    user, name = await reader.readuntil(b"\0"), await reader.readuntil(b"\0")
    assert head[:2] == b"\x04\x01" and head[4:] == b"\0\0\0\x01"
    state.received += user[:-1] + b"@" + name[:-1]
    writer.write(b"\0\x5a" + head[2:])
    await relay_to(int.from_bytes(head[2:4]))(reader, writer, state)


def relay_to(port: int) -> Talk:
    """Carry bytes to another port of this machine."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pump(reader, other_writer))
                tasks.create_task(pump(other_reader, writer))
        except* (ConnectionError, ssl.SSLError):
            pass
        finally:
            other_writer.close()

    return talk
