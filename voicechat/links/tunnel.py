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
from voicechat.links.address import Address
from voicechat.links.failures import connect_error, no_http, proxy_answer
from voicechat.links.proxy import Proxy
from voicechat.links.route import Route

SHUTDOWN_S = 0.5
"""For the goodbye of an encrypted line."""
_LONGEST_HEAD = 64 * 1024
_STATUS = re.compile(r"HTTP/1\.[01] (\d{3})(?: .*)?")
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
        self.head: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._request = request
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, _ = self._buffer.partition(b"\r\n\r\n")
        if separator:
            self._answer(bytes(head))
        elif len(self._buffer) > _LONGEST_HEAD:
            self._answer(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.head.done():
            # What came of a foreign protocol tells more than the end of it.
            self._answer(bytes(self._buffer), exc or EOFError())

    def _answer(self, head: bytes, error: Exception | None = None) -> None:
        if self.head.done():
            return
        if error and not head:
            self.head.set_exception(error)
        else:
            self.head.set_result(head)


async def open_tunnel(
    address: Address, proxy: Proxy, route: Route, context: ssl.SSLContext | None
) -> asyncio.Transport:
    """A transport whose other end is the service.

    Args:
        address: Of the service.
        proxy: http or https.
        route: For the words of errors.
        context: To verify an https proxy with; None for http.

    Raises:
        ProxyError, ProxyRefusedError, TlsError, LinkError: In the way of `failures`.
    """
    tls: dict[str, Any] = {}
    if context:
        tls = {"server_hostname": proxy.host, "ssl_shutdown_timeout": SHUTDOWN_S}
    transport: asyncio.Transport | None = None
    try:
        transport, asking = await asyncio.get_running_loop().create_connection(
            lambda: _Asking(_request(address, proxy)),
            proxy.host,
            proxy.port,
            ssl=context,
            happy_eyeballs_delay=EYEBALLS_S,
            **tls,
        )
        head = _parse(await asking.head)
        if head is None or not 200 <= head.status < 300:
            raise _refusal(route, head)
        return transport
    except BaseException as error:
        if transport:
            transport.abort()
        if isinstance(error, Exception) and not isinstance(error, VoiceChatError):
            if isinstance(error, EOFError):
                raise no_http(route, at_proxy=True, ended=True) from None
            raise connect_error(error, route, at_proxy=True) from None
        raise


def _refusal(route: Route, head: Head | None) -> VoiceChatError:
    if head is None:
        return no_http(route, at_proxy=True, ended=False)
    return proxy_answer(route, head.status, head.headers, time.time())


def _request(address: Address, proxy: Proxy) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    target = f"{host}:{address.port}"
    lines = [
        f"CONNECT {target} HTTP/1.1",
        f"Host: {target}",
        f"User-Agent: voicechat/{__version__}",
    ]
    if proxy.has_login:
        # RFC 7617: Basic, with UTF-8 as the only sensible encoding.
        login = base64.b64encode(":".join(proxy.login).encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _parse(raw: bytes) -> Head | None:
    """An answer's head; None where it is no HTTP/1."""
    first, *rest = raw.decode("iso-8859-1").split("\r\n")
    match = _STATUS.fullmatch(first)
    if match is None:
        return None
    pairs = (line.partition(":") for line in rest)
    return Head(int(match[1]), {name.strip().lower(): value.strip() for name, _, value in pairs})
