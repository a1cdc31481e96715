"""What stands before a service and lets no WebSocket through, until it is opened.

with Gateway("page_403", service.port) as gateway:
    ...  connect to gateway.url: a page comes back
    gateway.open()
    ...  connect again: the service answers
    assert gateway.visits == 2
"""

import asyncio
import base64
import contextlib
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Self

Manner = Literal["refused", "silent", "page_403", "page_426", "page_503", "swallows", "hangs_up"]
"""`refused`: nobody listens; `silent`: it accepts and says nothing; `page_…`: an answer by HTTP;
`swallows`, `hangs_up`: it becomes a WebSocket, and then nothing comes of it, or its end."""

_HTML = "<html><head><title>Policy</title></head><body>WebSockets are not allowed.</body></html>"
_PAGES = {
    "page_403": ("403 Forbidden", "text/html", _HTML),
    "page_426": ("426 Upgrade Required", "text/plain", "HTTP/2 only"),
    "page_503": ("503 Service Unavailable", "text/plain", "no healthy upstream"),
}


class Gateway:
    """On a port of its own, in a thread of its own; `open` makes it a plain relay.

    Args:
        target: The port of the service behind it.
        tls: Encrypts the near side; the service behind it is not encrypted.
        host: What stands in `url`; by another name of this machine, proxies are used too.
    """

    def __init__(
        self,
        manner: Manner,
        target: int,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.visits = 0
        """Connections that came so far; those to a port where nobody listens are not seen."""
        self._manner: Manner | Literal["open"] = manner
        self._target, self._tls, self._host = target, tls, host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        scheme = "wss" if self._tls else "ws"
        return f"{scheme}://{self._host}:{self.port}/v1/realtime"

    def open(self) -> None:
        """From now on everything goes through."""
        was, self._manner = self._manner, "open"
        if was == "refused":
            self._run(self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        if self._manner != "refused":
            self._run(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._socket.close()

    def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(20)

    async def _listen(self) -> None:
        # Of its own copy: what is bound stays ours until the end.
        sock = self._socket.dup()
        self._server = await asyncio.start_server(self._meet, sock=sock, ssl=self._tls)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.visits += 1
        with contextlib.suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            await self._answer(near, back)
        back.close()

    async def _answer(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self._manner == "open":
            far, forth = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(_pour(near, forth), _pour(far, back))
            return
        if self._manner == "silent":
            await near.read()
            return
        request = await near.readuntil(b"\r\n\r\n")
        if self._manner in ("swallows", "hangs_up"):
            back.write(_upgrade(request))
            await back.drain()
            if self._manner == "swallows":
                await near.read()
            return
        status, kind, body = _PAGES[self._manner]
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        back.write(f"{head}Connection: close\r\n\r\n{body}".encode())
        await back.drain()


def _upgrade(request: bytes) -> bytes:
    """RFC 6455, 4.2.2."""
    headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
    key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    finally:
        target.close()
