"""The loopback server: who may come in, and one session per client.

A browser on this machine is the attacker to think of: its address is the loopback too.  So any
Origin is refused, the Host must be ours (a rebound name is not), and every client shows the token.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from voicechat.cascade.roles import Parts
from voicechat.cascade.server.session import ServerSession

PATH = "/v1/realtime"
_LONGEST_MESSAGE = 24 * 2**20
"""Bytes: 15 MiB of sound in base64, and what is around it."""
_MOST_CLIENTS = 8
_MOST_WAITING = 256 * 1024
"""Bytes sent but not taken by the client, at which a reply waits."""
_WRONG_TOKEN_S = 0.35
"""What one wrong token costs; one after the other, so about three tries a second."""


_METHOD = re.compile(rb"[A-Z]{1,16}( |$)")
_BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 12\r\n\r\nBad Request\n"
)


class _HungUp(Exception):
    """The client went away: ends everything of its session."""


class _Door(ServerConnection):
    """Answers what is no HTTP at all (a TLS greeting, say), which the library drops in silence."""

    _opened = False

    def data_received(self, data: bytes) -> None:
        if not self._opened and not _METHOD.match(data):
            self.transport.write(_BAD_REQUEST)
            self.transport.close()
            return
        self._opened = True
        super().data_received(data)


class EventQueue:
    """Server events on their way to one client, in order; its task is the only one that writes."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._waiting: list[str] = []
        self._size = 0
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()
        self._gone = False

    def send(self, event: dict[str, Any]) -> None:
        """Queue one event, encoded now."""
        message = json.dumps(event, separators=(",", ":"))
        self._waiting.append(message)
        self._size += len(message)
        self._filled.set()

    async def room(self) -> None:
        """Wait until the client has taken most of it; always lets others run."""
        await asyncio.sleep(0)
        while self._size > _MOST_WAITING and not self._gone:
            self._taken.clear()
            await self._taken.wait()

    async def run(self) -> None:
        """Write until the client is gone."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._filled.wait()
                self._filled.clear()
                await self._drain()
        self._gone = True
        self._taken.set()

    async def _drain(self) -> None:
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            await self._connection.send(message)
            self._size -= len(message)
            self._taken.set()


class HandshakeGuard:
    """Lets in who shows the token and comes from no web page."""

    def __init__(self, token: str, clients: Callable[[], int]) -> None:
        self._expected = f"Bearer {token}".encode()
        self._clients = clients
        self._wrong = asyncio.Lock()

    async def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """None: come in."""
        refusal = self._refusal(request, connection.local_address[1])
        if refusal is None and not self._shows_token(request):
            async with self._wrong:
                await asyncio.sleep(_WRONG_TOKEN_S)
            refusal = HTTPStatus.UNAUTHORIZED
        if refusal is None and urlsplit(request.path).path != PATH:
            refusal = HTTPStatus.NOT_FOUND
        if refusal is None and self._clients() >= _MOST_CLIENTS:
            refusal = HTTPStatus.SERVICE_UNAVAILABLE
        return connection.respond(refusal, f"{refusal.phrase}\n") if refusal else None

    def _refusal(self, request: Request, port: int) -> HTTPStatus | None:
        known = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        hosts = request.headers.get_all("Host")
        if request.headers.get_all("Origin") or len(hosts) != 1 or hosts[0] not in known:
            return HTTPStatus.FORBIDDEN
        return None

    def _shows_token(self, request: Request) -> bool:
        shown = request.headers.get_all("Authorization")
        given = shown[0].encode("utf-8", "surrogateescape") if len(shown) == 1 else b""
        return hmac.compare_digest(given, self._expected)


class Connections:
    """Everything that serves: the gate, the parts, and who is here."""

    def __init__(self, parts: Parts, token: str) -> None:
        self._parts = parts
        self._present = 0
        self.gate = HandshakeGuard(token, lambda: self._present)

    async def attend(self, connection: ServerConnection) -> None:
        """One client's session, from its first message to its last."""
        self._present += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._converse(connection, tasks)
                raise _HungUp
        except* _HungUp:
            pass
        finally:
            self._present -= 1

    async def _converse(self, connection: ServerConnection, tasks: asyncio.TaskGroup) -> None:
        outbox = EventQueue(connection)
        session = ServerSession(self._parts, _model(connection), outbox.send, outbox.room, tasks)
        session.open()
        tasks.create_task(outbox.run())
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                session.receive(message)
                await outbox.room()


async def listen(parts: Parts, token: str, port: int = 0) -> Server:
    """Serve on 127.0.0.1; port 0 takes any free one.

    Raises:
        OSError: The port is taken.
    """
    desk = Connections(parts, token)
    quiet = logging.getLogger("voicechat.cascade.websockets")
    quiet.setLevel(logging.CRITICAL)
    return await serve(
        desk.attend,
        "127.0.0.1",
        port,
        process_request=desk.gate,
        compression=None,
        max_size=_LONGEST_MESSAGE,
        open_timeout=5,
        ping_interval=20,
        ping_timeout=60,
        close_timeout=0.5,
        server_header=None,
        logger=quiet,
        create_connection=_Door,
    )


def _model(connection: ServerConnection) -> str:
    query = urlsplit(connection.request.path).query if connection.request else ""
    return parse_qs(query).get("model", ["local"])[0][:128]
