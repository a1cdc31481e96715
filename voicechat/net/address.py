"""Where a link goes: an address as a person wrote it, read once and checked.

Rule: pure, and no error quotes the address itself, because a key may stand in its query.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from voicechat.errors import ConfigError
from voicechat.text.phrase import phrase

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_PORTS = {"ws": 80, "wss": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_SHAPE = phrase("An address looks like wss://host/path")


@dataclass(frozen=True, slots=True)
class Address:
    """A WebSocket address."""

    url: str
    """With scheme `ws` or `wss`."""
    host: str
    """Lower case; an IPv6 address stands without its brackets."""
    port: int

    @property
    def secure(self) -> bool:
        """Whether the line is encrypted."""
        return self.url.startswith("wss:")

    @property
    def loopback(self) -> bool:
        """Whether it never leaves this machine."""
        return is_loopback(self.host)

    @property
    def label(self) -> str:
        """`host`, or `host:port` where the port is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def read_address(url: str) -> Address:
    """Read an address; `http` and `https` are taken for `ws` and `wss`.

    Raises:
        ConfigError: It is none, or has parts that mean nothing here.
    """
    url = url.strip()
    if has_blank(url):
        raise ConfigError(
            phrase("The service's address contains a blank or a control character"), _SHAPE
        )
    parts, host, port = _split(url)
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            phrase("The service's address holds a user name"), phrase("Give the key as a key")
        )
    if parts.fragment:
        raise ConfigError(
            phrase("The service's address has a part after #, which means nothing"), _SHAPE
        )
    scheme = _SCHEMES[parts.scheme]
    url = urlunsplit(parts._replace(scheme=scheme))
    return Address(url, host, _PORTS[scheme] if port is None else port)


def _split(url: str) -> tuple[SplitResult, str, int | None]:
    try:
        parts = urlsplit(url)
        host, port = host_and_port(parts)
    except ValueError:
        raise ConfigError(
            phrase("The service's address has no valid host and port"), _SHAPE
        ) from None
    if parts.scheme not in _SCHEMES:
        raise ConfigError(phrase("The service's address does not begin with wss://"), _SHAPE)
    return parts, host, port


def host_and_port(parts: SplitResult) -> tuple[str, int | None]:
    """Host in its ASCII form and port; ValueError where one is missing or impossible."""
    host, port = (parts.hostname or "").rstrip("."), parts.port
    if port == 0:
        raise ValueError("port 0")
    if ":" in host:
        ipaddress.IPv6Address(host)
        return host, port
    host = host.encode("idna").decode()
    if not _HOST.fullmatch(host):
        raise ValueError("no host")
    return host, port


def has_blank(text: str) -> bool:
    """Whether a blank or a control character stands in it, which could break a request apart."""
    return any(char <= " " or char == "\x7f" for char in text)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1 or `localhost`."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback
