"""A server of tools at an address (streamable HTTP), through the proxy and with the user's headers.

Rule: headers may hold keys, so they never leave this machine in the clear.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voicechat.errors import ConfigError

CONNECT_S = 20.0
LEAVE_S = 0.5
"""For saying goodbye (DELETE) to a server that may not listen any more."""
_REFUSALS = {
    401: "It wants a key. Look at headers",
    402: "It wants money",
    403: "It refuses us. Look at headers",
    404: "It is not there (404). Look at url",
    407: "The proxy wants a password. Put it into the proxy's address",
}


AdmitProxy = Callable[[str], Awaitable[str]]
"""The proxy for an address, as an address that holds the password only if the proxy takes it."""


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
async def over_http(
    way: Way, on_trouble: Callable[[str], None], admit_proxy: AdmitProxy | None = None
) -> AsyncIterator[Any]:
    """The pair of streams that the official client takes for a transport.

    Args:
        on_trouble: Gets what went wrong on the way, in words; the client itself only says that
            the connection is closed.
        admit_proxy: Asks the proxy of an address whether it takes the password.

    Raises:
        VoiceChatError: What `admit_proxy` raises.
        ConfigError: The address, its scheme or `ca_file` cannot be used.
    """
    check_way(way)
    if way.proxy and admit_proxy:  # httpx2 sends the password unasked.
        way = replace(way, proxy=await admit_proxy(way.url))
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

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
            return response

    async with (
        Listening(
            headers=dict(way.headers),
            proxy=way.proxy or None,
            verify=_trust(way.ca_file),
            timeout=httpx2.Timeout(CONNECT_S, read=None),
            trust_env=False,
        ) as client,
        streamable_http_client(way.url, http_client=client) as streams,
    ):
        yield streams


def _words_for_status(status: int) -> str:
    return _REFUSALS.get(status, f"It answered {status}")


def _words_for(error: Exception, has_proxy: bool) -> str:
    """Whose fault it is, and what was said; the text may still hold secrets."""
    import httpx2

    said = f" ({error or type(error).__name__})"
    # socksio's errors are none of httpx2's.
    if isinstance(error, httpx2.ProxyError) or type(error).__module__.startswith("socksio"):
        return f"The proxy on the way to it failed{said}"
    if isinstance(error, httpx2.TimeoutException):
        return "It did not answer in time"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return f"Its certificate is not trusted{said}"
    way = " through the proxy" if has_proxy else ""
    return f"It cannot be reached{way}{said}"


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
        raise ConfigError("Its url is no address", 'It looks like "https://host/mcp"')
    is_near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if way.headers and parts.scheme == "http" and not (is_near and not way.proxy):
        raise ConfigError("Its headers would be readable on the way", "Use https://")


def _trust(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=Path(ca_file).expanduser())
        except (OSError, ValueError) as error:
            raise ConfigError("ca_file holds no certificates that can be read") from error
    return context
