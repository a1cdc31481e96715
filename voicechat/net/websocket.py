"""The socket through its proxy; only importer of `websockets` and `python_socks`.

Rule: one deadline over everything until the link is up, no redirect is ever followed, and no
header or address reaches a log.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import python_socks
from websockets import exceptions
from websockets.asyncio import client
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI

from voicechat import __version__
from voicechat.errors import VoiceChatError
from voicechat.net import connect_errors
from voicechat.net import tls as trust
from voicechat.net.address import Address, read_address
from voicechat.net.close_codes import LinkClosed
from voicechat.net.http_connect import EYEBALLS_S, SHUTDOWN_S, open_tunnel
from voicechat.net.proxy import Proxy, Route
from voicechat.net.tcp_backlog import LOW_WATER, TcpBacklog

__all__ = ["Link", "LinkClosed", "WebSocketLink", "connect"]

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message we accept."""
MAX_QUEUE = 4096
"""Frames that wait for a busy reader; while reading pauses, the server's pings go unanswered."""
CLOSE_S = 0.5
"""For the closing handshake; some services just drop the line instead."""
LEAVE_S = 1.0
"""For everything a close does, also when a full buffer leaves no room for the close frame."""

# websockets logs request headers at DEBUG; its logger must not inherit that from the root, nor
# fall back on stderr, where the screen is.
_quiet = logging.getLogger("voicechat.websockets")
_quiet.setLevel(logging.WARNING)
_quiet.addHandler(logging.NullHandler())


class Link(Protocol):
    """A line that carries messages in order; made by an async context manager that closes it."""

    proxy_label: str
    """The proxy it goes through, without password; empty: none."""
    bytes_sent: int
    """Of messages, without framing."""

    @property
    def heard_at(self) -> float:
        """When something came last, of whatever kind (monotonic seconds); now, while things that
        came wait for a busy reader."""

    @property
    def answered(self) -> int:
        """The number of the last ping that was answered; 0: none ever was."""

    @property
    def waiting(self) -> int:
        """Bytes sent that the next machine on the way has not acknowledged."""

    @property
    def unsent(self) -> int:
        """Bytes sent that have not left this machine."""

    def ask(self) -> None:
        """Send a ping, numbered from 1; never waits, never raises."""

    def give_up(self) -> None:
        """The other side is gone: there is nobody to say goodbye to."""

    async def send(self, message: str | bytes) -> None:
        """Send one message, str as text and bytes as binary; waits while the line is full.

        Raises:
            LinkClosed: The link is down.
        """

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Messages as they come: text as str, binary as bytes.

        Raises:
            LinkClosed: Always, in the end; also after a friendly close.
        """

    async def close(self) -> None:
        """Hang up; never raises, and takes a second at most."""


class WebSocketLink:
    """A WebSocket that is up."""

    def __init__(self, connection: "_Connection", route: Route) -> None:
        self._connection = connection
        self._route = route
        self._outgoing = TcpBacklog(connection.transport)
        self._is_given_up = False
        self.proxy_label = route.proxy.label if route.proxy else ""
        self.bytes_sent = 0
        """Of messages, without framing."""
        self.bytes_received = 0

    @property
    def heard_at(self) -> float:
        """See `Link.heard_at`."""
        is_behind = self._connection.recv_messages.paused
        return time.monotonic() if is_behind else self._connection.heard_at

    @property
    def answered(self) -> int:
        """See `Link.answered`."""
        return self._connection.answered

    @property
    def waiting(self) -> int:
        """See `Link.waiting`."""
        return self._outgoing.waiting

    @property
    def unsent(self) -> int:
        """See `Link.unsent`."""
        return self._outgoing.unsent

    def ask(self) -> None:
        """See `Link.ask`."""
        self._connection.ask()

    def give_up(self) -> None:
        """See `Link.give_up`."""
        self._is_given_up = True

    async def send(self, message: str | bytes) -> None:
        """See `Link.send`; a half of a surrogate pair goes out as `?`."""
        is_text = isinstance(message, str)
        data = message.encode("utf-8", "replace") if isinstance(message, str) else message
        try:
            await self._connection.send(data, text=is_text)
        except exceptions.ConnectionClosed as error:
            raise _closed(error, self._route) from None
        self.bytes_sent += len(data)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """See `Link.__aiter__`."""
        while True:
            try:
                message = await self._connection.recv()
            except exceptions.ConnectionClosed as error:
                raise _closed(error, self._route) from None
            self.bytes_received += _size(message)
            yield message

    async def close(self) -> None:
        """See `Link.close`."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.0 if self._is_given_up else LEAVE_S):
                    await self._connection.close()
        finally:
            self._connection.transport.abort()


def _size(message: str | bytes) -> int:
    if isinstance(message, str) and not message.isascii():
        message = message.encode()
    return len(message)


@asynccontextmanager
async def connect(
    url: str,
    headers: Mapping[str, str],
    *,
    proxy: Proxy | None,
    ca_file: str = "",
    deadline_s: float = 10.0,
) -> AsyncIterator[WebSocketLink]:
    """A link to `url`, closed on leaving.

    Args:
        url: `wss://…`, or `ws://…` on this machine; `http(s)` is read as `ws(s)`.
        headers: Of the handshake; these hold the key.
        proxy: From `choose`; None: directly.
        ca_file: PEM file with certificates to trust beside those of this machine.
        deadline_s: Seconds for DNS, proxy, TCP, TLS and upgrade together.

    Raises:
        ConfigError: The address, a header or `ca_file` cannot be used; nothing was sent.
        ProxyError, ProxyRefusedError: The proxy is at fault.
        TlsError: A certificate does not hold.
        LinkError, ServiceError, RefusedError: The service was not reached, or said no.
    """
    address = read_address(url)
    trust.check_line(address, proxy)
    trust.check_headers(headers)
    route = Route(address.label, proxy, deadline_s, trust.secrets_of(headers))
    link = WebSocketLink(await _open(address, headers, route, ca_file), route)
    try:
        yield link
    finally:
        await link.close()


async def _open(
    address: Address, headers: Mapping[str, str], route: Route, ca_file: str
) -> "_Connection":
    dial = _Dial(address, route, trust.tls_context(ca_file), headers)
    try:
        async with asyncio.timeout(route.deadline_s):
            connection = await dial
    except Exception as error:
        # Without a cause: a foreign traceback may show headers or the proxy's password.
        raise _explain(error, dial, route) from None
    assert isinstance(connection, _Connection)
    return connection


class _Connection(client.ClientConnection):
    """One that knows when it heard something last, and ends soon after a close.

    By itself websockets would leave a TCP line open that the other side does not close.

    Attributes:
        heard_at: When bytes came last, monotonic seconds.
        answered: The number of the last ping that was answered.
    """

    _ending: asyncio.TimerHandle | None = None
    answered = 0
    heard_at = 0.0
    _asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.heard_at = time.monotonic()
        super().connection_made(transport)

    def ask(self) -> None:
        """Send a ping without waiting for room, which a line that is full may never have."""
        if self.protocol.state is State.OPEN and not self.transport.is_closing():
            self._asked += 1
            self.protocol.send_ping(self._asked.to_bytes(4))
            self.send_data()

    def acknowledge_pings(self, data: bytes) -> None:
        """Note a pong; one that was not asked for (a heartbeat) answers nothing."""
        number = int.from_bytes(data[:4])
        if len(data) == 4 and self.answered < number <= self._asked:
            self.answered = number

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        super().data_received(data)
        if self.close_deadline is not None and self._ending is None:
            self._ending = self.loop.call_at(self.close_deadline, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._ending is not None:
            self._ending.cancel()


class _Dial(client.connect):
    """One attempt, which follows no redirect and knows how far it came."""

    def __init__(
        self, address: Address, route: Route, trusted: ssl.SSLContext, headers: Mapping[str, str]
    ) -> None:
        tls: dict[str, Any] = {}
        if address.secure:
            tls = {"ssl": trusted, "ssl_shutdown_timeout": SHUTDOWN_S}
        super().__init__(
            address.url,
            additional_headers=dict(headers),
            user_agent_header=f"voicechat/{__version__}",
            proxy=route.proxy.url if route.proxy else None,
            compression=None,
            open_timeout=None,
            # Whoever uses the link knows better how long silence is healthy.
            ping_interval=None,
            close_timeout=CLOSE_S,
            max_size=MAX_MESSAGE,
            max_queue=MAX_QUEUE,
            write_limit=LOW_WATER,
            logger=_quiet,
            create_connection=_Connection,
            happy_eyeballs_delay=EYEBALLS_S,
            **tls,
        )
        self.way_is_open = False
        self._goal = address
        self._route = route
        self._trusted = trusted
        self._make = self.factory
        self.factory = self._arrive

    def _arrive(self, uri: WebSocketURI) -> client.ClientConnection:
        """Called when TCP, or the proxy's tunnel, reaches the service; TLS comes after it."""
        self.way_is_open = True
        return self._make(uri)

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Never follow one: the key is for the host it was given for."""
        return exc

    async def open_tcp_connection(self) -> client.ClientConnection:
        """Go through HTTP proxies with `tunnel`; websockets' own way logs a broken-off answer."""
        proxy = self._route.proxy
        if proxy is None or proxy.scheme.startswith("socks"):
            return await super().open_tcp_connection()
        trusted = self._trusted if proxy.scheme == "https" else None
        transport = await open_tunnel(self._goal, proxy, self._route, trusted)
        connection = self.factory(self.ws_uri)
        if self._goal.secure:
            transport = await self._encrypt(transport)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        return connection

    async def _encrypt(self, transport: asyncio.Transport) -> asyncio.Transport:
        # A connection that was not made cannot bear to be told that it was lost, as it would be.
        encrypted = await asyncio.get_running_loop().start_tls(
            transport,
            asyncio.Protocol(),
            self._trusted,
            server_hostname=self._goal.host,
            ssl_shutdown_timeout=SHUTDOWN_S,
        )
        assert encrypted is not None
        return encrypted


def _explain(error: Exception, dial: _Dial, route: Route) -> VoiceChatError:
    """An error of the attempt as one of ours."""
    at_proxy = route.proxy is not None and not dial.way_is_open
    match error:
        case exceptions.InvalidStatus(response=response):
            body = bytes(response.body)
            return connect_errors.service_answer(route, *_head(response), body, time.time())
        case exceptions.ProxyError(__cause__=python_socks.ProxyError() as cause):
            return connect_errors.socks_error(str(cause), cause.error_code, route)
        case exceptions.InvalidHandshake():
            ended = isinstance(error.__cause__, EOFError)
            return connect_errors.no_http(route, at_proxy=at_proxy, ended=ended)
        case python_socks.ProxyConnectionError():
            error = error.__cause__ if isinstance(error.__cause__, OSError) else error
        case socket.gaierror() if route.proxy and route.proxy.scheme.startswith("socks"):
            at_proxy = False  # socks4 and socks5 look the service up here
    return connect_errors.connect_error(error, route, at_proxy=at_proxy)


def _head(response: Response) -> tuple[int, dict[str, str]]:
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return response.status_code, headers


def _closed(error: exceptions.ConnectionClosed, route: Route) -> LinkClosed:
    by_us = error.sent is not None and not error.rcvd_then_sent
    frame = error.sent if by_us else error.rcvd
    if frame is None:
        return LinkClosed(None, "")
    return LinkClosed(frame.code, route.quote(frame.reason), by_us=by_us)
