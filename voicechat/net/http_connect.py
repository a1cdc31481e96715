"""The way through an HTTP proxy: CONNECT (RFC 9110, 9.3.6) and its answer.

Rule: every error that leaves is one of ours and names the proxy; what lies behind the tunnel, and
the deadline, are the caller's.
"""

import asyncio
import base64
import re
import ssl
import time
from dataclasses import dataclass
from typing import Any

from voicechat import __version__
from voicechat.errors import VoiceChatError
from voicechat.net.address import Address
from voicechat.net.connect_errors import connect_error, no_http, proxy_answer
from voicechat.net.http_refusals import offers_basic, refused_login
from voicechat.net.proxy import Proxy, Route

SHUTDOWN_S = 0.5
"""For the goodbye of an encrypted line."""
_LONGEST_HEAD = 64 * 1024
_STATUS = re.compile(r"HTTP/1\.[01] +(\d{3})(?: .*)?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
"""Bare line feeds are understood (RFC 9112, 2.2)."""
EYEBALLS_S = 0.25
"""Head start of one address before the next is tried (RFC 8305, 5)."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer, names in lower case."""

    status: int
    headers: dict[str, str]


class _Asking(asyncio.Protocol):
    """Sends one request and waits for the head of its answer; the body is not read."""

    def __init__(self, request: bytes) -> None:
        self.head: asyncio.Future[Head | None] = asyncio.get_running_loop().create_future()
        """Of the final answer; None: what came is no HTTP/1."""
        self._request = request
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self.head.done() and (end := _HEAD_END.search(self._buffer)):
            head = _parse(bytes(self._buffer[: end.start()]))
            del self._buffer[: end.end()]
            if head is None or not 100 <= head.status < 200:  # RFC 9110, 15.2: more will come.
                self._answer(head)
        if len(self._buffer) > _LONGEST_HEAD:
            self._answer(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.head.done():
            return
        if self._buffer:  # What came of a foreign protocol tells more than the end of it.
            self._answer(_parse(bytes(self._buffer)))
        else:
            self.head.set_exception(exc or EOFError())

    def _answer(self, head: Head | None) -> None:
        if not self.head.done():
            self.head.set_result(head)


async def open_tunnel(
    address: Address, proxy: Proxy, route: Route, context: ssl.SSLContext | None
) -> asyncio.Transport:
    """A transport whose other end is the service.

    The password goes only to a proxy that asks for it in the way it is then sent (RFC 9110, 11.7).

    Args:
        address: Of the service.
        proxy: http or https.
        route: For the words of errors.
        context: To verify an https proxy with; None for http.

    Raises:
        ProxyError, ProxyRefusedError, TlsError, LinkError: In the way of `failures`.
    """
    try:
        transport, head = await _ask(_request(address), proxy, context)
        if head and head.status == 407 and proxy.has_login and offers_basic(head.headers):
            # On another line: many hang up after this answer without saying so.
            transport.abort()
            transport, head = await _ask(_request(address, proxy.login), proxy, context)
            if head and head.status in (401, 407):
                transport.abort()
                raise refused_login(route)
    except Exception as error:
        if isinstance(error, VoiceChatError):
            raise
        if isinstance(error, EOFError):
            raise no_http(route, at_proxy=True, ended=True) from None
        raise connect_error(error, route, at_proxy=True) from None
    if head is None or not 200 <= head.status < 300:
        transport.abort()
        raise _refusal(route, head)
    return transport


async def _ask(
    request: bytes, proxy: Proxy, context: ssl.SSLContext | None
) -> tuple[asyncio.Transport, Head | None]:
    """A new line to the proxy, and the head of its answer."""
    tls: dict[str, Any] = {}
    if context:
        tls = {"server_hostname": proxy.host, "ssl_shutdown_timeout": SHUTDOWN_S}
    transport, asking = await asyncio.get_running_loop().create_connection(
        lambda: _Asking(request),
        proxy.host,
        proxy.port,
        ssl=context,
        happy_eyeballs_delay=EYEBALLS_S,
        **tls,
    )
    try:
        return transport, await asking.head
    except BaseException:
        transport.abort()
        raise


def _refusal(route: Route, head: Head | None) -> VoiceChatError:
    if head is None:
        return no_http(route, at_proxy=True, ended=False)
    return proxy_answer(route, head.status, head.headers, time.time())


def _request(address: Address, login: tuple[str, str] | None = None) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    target = f"{host}:{address.port}"
    lines = [
        f"CONNECT {target} HTTP/1.1",
        f"Host: {target}",
        f"User-Agent: voicechat/{__version__}",
    ]
    if login:
        # RFC 7617: Basic, with UTF-8 as the only sensible encoding.
        given = base64.b64encode(":".join(login).encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {given}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _parse(raw: bytes) -> Head | None:
    """An answer's head; None where it is no HTTP/1.  Of a header that comes twice, all is kept."""
    first, *rest = re.split("\r?\n", raw.decode("iso-8859-1"))
    match = _STATUS.fullmatch(first)
    if match is None:
        return None
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(int(match[1]), headers)
