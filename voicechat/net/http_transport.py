"""The HTTP transport: connections opened like all others of the program, through any proxy.

httpx2 by itself forgets its deadlines in a SOCKS handshake, knows no SOCKS4, and blames the service
for what the proxy did; so it only speaks HTTP here, over lines that are up and encrypted already.
Loaded late by those who need it: it brings httpx2 with it.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpcore2
import httpx2
import python_socks
from python_socks.async_.asyncio import Proxy as SocksProxy

from voicechat.net.address import Address
from voicechat.net.connect_errors import connect_error, socks_error
from voicechat.net.http_connect import EYEBALLS_S, SHUTDOWN_S, open_tunnel
from voicechat.net.proxy import Proxy, Route
from voicechat.text.phrase import phrase

_KEEP_S = 30.0
"""How long a line waits for the next request: mostly the next sentence or turn."""
_BUFFER = 2**20
_SOCKS = {
    "socks4": (python_socks.ProxyType.SOCKS4, False),
    "socks4a": (python_socks.ProxyType.SOCKS4, True),
    "socks5": (python_socks.ProxyType.SOCKS5, False),
    "socks5h": (python_socks.ProxyType.SOCKS5, True),
}
"""Kind, and whether the proxy looks names up."""
_MOST_LINES = 100
"""To one service at once; a server of tools holds one open for each call, and one to be told."""


class Transport(httpx2.AsyncBaseTransport):
    """HTTP over our lines, for httpx2."""

    def __init__(self, network: "Network") -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            network_backend=network, max_connections=_MOST_LINES, keepalive_expiry=_KEEP_S
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request; errors are httpcore2's, the system's or ours."""
        url = request.url
        target = httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                request.method, target, headers=request.headers.raw, content=request.stream
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """An answer's body as httpx2 wants it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class Network(httpcore2.AsyncNetworkBackend):
    """Opens lines to one service."""

    def __init__(self, address: Address, route: Route, trust: Callable[[], ssl.SSLContext]) -> None:
        """`route.deadline_s` is for name lookup, proxy, TCP and TLS together."""
        self._address, self._route, self._trust = address, route, trust
        self._trusted: ssl.SSLContext | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> "Line":
        """A line to the service, encrypted where the address says so.

        Raises:
            ConfigError, ProxyError, ProxyRefusedError, TlsError, LinkError: As for any link.
        """
        if self._trusted is None:
            self._trusted = await asyncio.to_thread(self._trust)
        attempt = _Attempt(self._address, self._route, self._trusted)
        try:
            async with asyncio.timeout(self._route.deadline_s):
                return await attempt.run()
        except Exception as error:
            # Without a cause: a foreign traceback may show the proxy's password.
            raise attempt.explain(error) from None


class Line(httpcore2.AsyncNetworkStream):
    """One line that is up; its deadlines are the caller's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except OSError as error:
            # By this name httpcore2 still reads an answer that came before the end of the request.
            raise httpcore2.WriteError(str(error)) from None

    async def aclose(self) -> None:
        """At once: who hangs up in the middle of an answer does not wait for goodbyes."""
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "Line":
        """It is encrypted from the start."""
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: an idle line that has something to tell tells its end."""
        return self._reader.at_eof() if info == "is_readable" else None


class _Attempt:
    """One way to a line; knows how far it came."""

    def __init__(self, address: Address, route: Route, trusted: ssl.SSLContext) -> None:
        self._address, self._route, self._trusted = address, route, trusted
        self._arrived = route.proxy is None
        """Whether the proxy has done its part."""
        self._tls: dict[str, Any] = {}
        if address.secure:
            self._tls = {"ssl": trusted, "server_hostname": address.host}
            self._tls["ssl_shutdown_timeout"] = SHUTDOWN_S

    async def run(self) -> Line:
        address, proxy = self._address, self._route.proxy
        if proxy is None:
            streams = await asyncio.open_connection(
                address.host,
                address.port,
                limit=_BUFFER,
                happy_eyeballs_delay=EYEBALLS_S,
                **self._tls,
            )
        elif proxy.scheme.startswith("socks"):
            way = await self._pass_socks(proxy)
            self._arrived = True
            streams = await asyncio.open_connection(sock=way, limit=_BUFFER, **self._tls)
        else:
            trusted = self._trusted if proxy.scheme == "https" else None
            transport = await open_tunnel(address, proxy, self._route, trusted)
            self._arrived = True
            streams = await self._listen(transport)
        return Line(*streams)

    async def _pass_socks(self, proxy: Proxy) -> socket.socket:
        kind, looks_up = _SOCKS[proxy.scheme]
        user, password = proxy.login
        door = SocksProxy(
            kind, proxy.host, proxy.port, user or None, password or None, rdns=looks_up
        )
        return await door.connect(self._address.host, self._address.port)

    async def _listen(
        self, transport: asyncio.Transport
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Streams over a transport that is up, encrypted first where the address says so."""
        loop = asyncio.get_running_loop()
        try:
            if self._tls:
                encrypted = await loop.start_tls(
                    transport,
                    asyncio.Protocol(),
                    self._trusted,
                    server_hostname=self._address.host,
                    ssl_shutdown_timeout=SHUTDOWN_S,
                )
                assert encrypted is not None
                transport = encrypted
        except BaseException:
            transport.abort()
            raise
        reader = asyncio.StreamReader(_BUFFER, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def explain(self, error: Exception) -> Exception:
        """The error as one of ours, naming the guilty."""
        at_proxy = not self._arrived
        match error:
            case python_socks.ProxyError():
                return socks_error(str(error), error.error_code, self._route)
            case python_socks.ProxyConnectionError():
                error = error.__cause__ if isinstance(error.__cause__, OSError) else error
            case python_socks.ProxyTimeoutError():
                error = TimeoutError()
            case socket.gaierror() if at_proxy and self._route.proxy:
                # socks4 and socks5 look the service up here.
                at_proxy = self._route.proxy.scheme not in ("socks4", "socks5")
        found = connect_error(error, self._route, at_proxy=at_proxy)
        if not found.hint and not at_proxy:
            found.hint = (
                phrase("Is it running?") if self._address.loopback else phrase("Check the network")
            )
        return found
