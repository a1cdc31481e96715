"""A server of tools at an address (streamable HTTP), through the proxy and with the user's headers.

Rule: headers may hold keys, so they never leave this machine in the clear.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from voicechat.errors import ConfigError, VoiceChatError
from voicechat.net.address import is_loopback, read_address
from voicechat.net.proxy import Route, read_proxy
from voicechat.net.tls import secrets_of, tls_context
from voicechat.text.phrase import phrase, without_stop
from voicechat.tools.bounds import COMPRESSED, Flood, bounded_body, bounded_events

CONNECT_S = 20.0
LEAVE_S = 0.5
"""For saying goodbye (DELETE) to a server that may not listen any more."""
_REFUSALS = {
    401: phrase("It wants a key. Look at headers"),
    402: phrase("It wants money"),
    403: phrase("It refuses us. Look at headers"),
    404: phrase("It is not there (404). Look at url"),
    407: phrase("The proxy wants a password. Put it into the proxy's address"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """How an address is reached."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    proxy: str = field(default="", repr=False)
    """Address of the proxy, which may hold a password; empty: none."""
    ca_file: str = ""
    """More certificates to trust (PEM)."""


@asynccontextmanager
async def over_http(way: Way, on_trouble: Callable[[str], None]) -> AsyncIterator[Any]:
    """The pair of streams that the official client takes for a transport.

    Args:
        on_trouble: Gets what went wrong on the way, in words; the client itself only says that
            the connection is closed.

    Raises:
        ConfigError: The address, its scheme or `ca_file` cannot be used.
    """
    check_way(way)
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    from voicechat.net.http_transport import Network, Transport

    class Listening(httpx2.AsyncClient):
        async def send(self, request: httpx2.Request, **more: Any) -> httpx2.Response:
            limit_s = LEAVE_S if request.method == "DELETE" else None
            try:
                async with asyncio.timeout(limit_s):
                    response = await super().send(request, **more)
            except Exception as error:
                on_trouble(_words_for(error, bool(way.proxy)))
                raise
            if response.status_code >= 400:
                on_trouble(_words_for_status(response.status_code))
            _bound(response, on_trouble)
            return response

    network = Network(read_address(way.url), _route(way), partial(tls_context, way.ca_file))
    async with (
        Listening(
            headers={"Accept-Encoding": "identity", **way.headers},
            transport=Transport(network),
            timeout=None,
            trust_env=False,
        ) as client,
        streamable_http_client(way.url, http_client=client) as streams,
    ):
        yield streams


def _route(way: Way) -> Route:
    proxy = read_proxy(way.proxy, phrase("the options")) if way.proxy else None
    return Route(read_address(way.url).label, proxy, CONNECT_S, secrets_of(way.headers))


def _bound(response: Any, on_trouble: Callable[[str], None]) -> None:
    """Let no answer be larger, or longer, than it may be; `httpx2` reads it from its stream."""
    import httpx2

    kind, given = response.headers.get("content-type", ""), response.stream

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            is_stream = kind.lower().startswith("text/event-stream")
            try:
                if response.headers.get("content-encoding", "identity").lower() != "identity":
                    raise Flood(COMPRESSED)
                async for chunk in (bounded_events if is_stream else bounded_body)(given):
                    yield chunk
            except Flood as flood:
                on_trouble(flood.message)
                raise

        async def aclose(self) -> None:
            await given.aclose()

    response.stream = Bounded()


def _words_for_status(status: int) -> str:
    return _REFUSALS.get(status) or phrase("It answered {code}", code=status)


def _words_for(error: Exception, has_proxy: bool) -> str:
    """Whose fault it is, and what was said; the text may still hold secrets."""
    if isinstance(error, VoiceChatError):
        return without_stop(error.sentence)
    if isinstance(error, TimeoutError):
        return phrase("It did not answer in time")
    why = str(error) or type(error).__name__
    if has_proxy:
        return phrase("It cannot be reached through the proxy ({why})", why=why)
    return phrase("It cannot be reached ({why})", why=why)


def check_way(way: Way) -> None:
    """Refuse what is no address, and headers on a line that others can read.

    Raises:
        ConfigError: As said; the text never holds the address.
    """
    try:
        parts = urlsplit(way.url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ConfigError(
            phrase("Its url is no address"), phrase('It looks like "https://host/mcp"')
        )
    is_near = is_loopback(parts.hostname or "")
    if way.headers and parts.scheme == "http" and not (is_near and not way.proxy):
        raise ConfigError(
            phrase("Its headers would be readable on the way"), phrase("Use https://")
        )
