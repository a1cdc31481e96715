"""To whom a key is told: TLS that is always verified, no readable line, no broken header.

Rule: what is wrong is said before a single byte goes out, and without showing the key.
"""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path

from voicechat.errors import ConfigError
from voicechat.net.address import Address
from voicechat.net.proxy import Proxy
from voicechat.text.phrase import phrase

_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
"""A token of RFC 9110, 5.6.2."""


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Trust what this machine trusts, and the certificates in `ca_file` (PEM) beside it.

    Raises:
        ConfigError: `ca_file` cannot be read or holds none.
    """
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=Path(ca_file).expanduser())
        except ssl.SSLError:
            text = phrase("ca_file {path!r} holds no certificate in PEM form", path=ca_file)
            raise ConfigError(text) from None
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or phrase("no usable path")
            text = phrase("ca_file {path!r} cannot be read: {why}", path=ca_file, why=reason)
            raise ConfigError(text) from None
    return context


def check_line(address: Address, proxy: Proxy | None) -> None:
    """Let a key go in the clear only where nobody else can listen.

    Raises:
        ConfigError: `ws://` would leave this machine.
    """
    if address.secure:
        return
    if not address.loopback:
        text = phrase("ws:// would send the key readably to {who}", who=address.label)
        raise ConfigError(text, phrase("Use wss://; ws:// is for this machine only"))
    if proxy and not proxy.loopback:
        text = phrase(
            "ws:// would send the key readably through the proxy {label}", label=proxy.label
        )
        raise ConfigError(text, phrase("Use wss://, or no proxy for this machine"))


def check_headers(headers: Mapping[str, str]) -> None:
    """Let no value end a header and begin another one.

    Raises:
        ConfigError: A name is no token, or a value is not plain ASCII text.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ConfigError(phrase("A header of the handshake has an impossible name"))
        if re.search(r"[^\t\x20-\x7e]", value):
            text = phrase(
                "What goes into the header {name} (the key?) has a character that no key has",
                name=name,
            )
            hint = phrase("Copy the key again; watch for line ends and quotation marks")
            raise ConfigError(text, hint)


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Values of headers that hold a key, and their last words (which follow `Bearer`)."""
    kept = [
        value
        for name, value in headers.items()
        if re.search("(?i)key|auth|token|secret|cookie", name) and value.strip()
    ]
    return tuple(dict.fromkeys(part for value in kept for part in (value, value.split()[-1])))
