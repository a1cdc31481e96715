"""A server of tools at an address (streamable HTTP), through the proxy and with the user's headers.

Rule: headers may hold keys, so they never leave this machine in the clear.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voicechat.errors import ConfigError

CONNECT_S = 20.0


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
async def over_http(way: Way, refusals: list[int]) -> AsyncIterator[Any]:
    """The pair of streams that the official client takes for a transport.

    Args:
        refusals: Gets the status of every answer that refuses us for good.

    Raises:
        ConfigError: The address, its scheme or `ca_file` cannot be used.
    """
    check_way(way)
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def note(response: httpx2.Response) -> None:
        if response.status_code in (401, 402, 403, 407):
            refusals.append(response.status_code)

    async with (
        httpx2.AsyncClient(
            headers=dict(way.headers),
            proxy=way.proxy or None,
            verify=_trust(way.ca_file),
            timeout=httpx2.Timeout(CONNECT_S, read=None),
            trust_env=False,
            event_hooks={"response": [note]},
        ) as client,
        streamable_http_client(way.url, http_client=client) as streams,
    ):
        yield streams


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
