"""What people write about a service (address, key, headers), checked before anything is sent.

Rule: pure, and no error quotes a value, because a key may stand in it.
"""

import contextlib
import ipaddress
import json
from urllib.parse import urlsplit

from voicechat.errors import ConfigError
from voicechat.net.address import Address, read_address
from voicechat.text.phrase import phrase

_KEY_HEADERS = {"gemini": "x-goog-api-key: {key}"}
"""How keys are sent, by the language of the service; else as a bearer token."""
_BEARER = "Authorization: Bearer {key}"


def read_url(url: str) -> Address:
    """The address of a service.

    Raises:
        ConfigError: It is no http address.
    """
    with contextlib.suppress(ConfigError, ValueError):
        if urlsplit(url.strip()).scheme in ("http", "https"):
            return read_address(url)
    raise ConfigError(
        phrase("The address of a service is wrong"), phrase("It looks like https://host/v1")
    )


def read_headers(text: str) -> dict[str, str]:
    """Headers from a JSON object of texts; none from an empty text.

    Raises:
        ConfigError: It is no such object.
    """
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(text or "{}")
        if isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values()):
            return value
    raise ConfigError(phrase("The headers for the services are no JSON object of texts"))


def key_headers(key: str, written: str) -> dict[str, str]:
    """The header that holds the key; none without a key."""
    name, _, value = (written or _BEARER).partition(":")
    return {name.strip(): value.strip().replace("{key}", key)} if key else {}


def key_way(kind: str) -> str:
    """How a service of this kind is sent keys; empty: in the usual way."""
    return _KEY_HEADERS.get(kind, "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by name or number; no name is looked up."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
