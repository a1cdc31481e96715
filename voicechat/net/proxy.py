"""Which proxy a link goes through: the option, else the config, else the environment.

Rule: pure; a password is carried, and never shown.

Between whom a link runs, and how foreign words about it are quoted.

Which hosts `NO_PROXY` exempts, as curl, Go and Python's `urllib` agree to read it.

Rule: pure; what cannot be read exempts nothing.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from voicechat.errors import ConfigError
from voicechat.net.address import Address, has_blank, host_and_port, is_loopback, read_address
from voicechat.text.clean import clean_line, mask_secrets
from voicechat.text.phrase import message_key, phrase

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_bypassed(host: str, port: int, rules: str) -> bool:
    """Whether one of the rules names the host.

    Rules stand between commas or blanks: `*`; `name` (itself and all below it); `.name` and
    `*.name` (the same); an IPv4 or IPv6 address; a network as `10.0.0.0/8`; each but the last with
    `:port` behind it, an IPv6 address then in brackets.
    """
    host = host.rstrip(".").lower()
    return any(_matches(rule, host, port) for rule in re.split(r"[,\s]+", rules.lower()) if rule)


def _matches(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    name, wanted_port = _split(rule)
    if wanted_port is not None and wanted_port != port:
        return False
    address = _address(host)
    return _names(name, host) if address is None else _holds(name, address)


def _split(rule: str) -> tuple[str, int | None]:
    """A rule without its port, and the port."""
    if match := re.fullmatch(r"\[([^\]]*)\](?::(\d+))?", rule):
        return match[1], int(match[2]) if match[2] else None
    if rule.count(":") == 1 and (match := re.fullmatch(r"([^:]*):(\d+)", rule)):
        return match[1], int(match[2])
    return rule, None


def _names(rule: str, host: str) -> bool:
    name = rule.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _holds(rule: str, address: _IP) -> bool:
    """Whether an address, or a network, covers an address."""
    try:
        return address in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


def _address(host: str) -> _IP | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_PORTS = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}
_VARIABLES = {
    True: ("WSS_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    False: ("WS_PROXY", "HTTP_PROXY", "ALL_PROXY"),
}
_SHAPE = phrase(
    "A proxy looks like socks5h://user:password@host:port or http://host:port; none is direct"
)
_ENCODE = phrase("Write special characters in it as %XX (# is %23, / is %2F, ? is %3F, : is %3A)")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy to go through."""

    url: str = field(repr=False)
    """With user and password where there are any."""
    source: str
    """Who named it: `--proxy`, `config`, or the environment variable."""

    @property
    def label(self) -> str:
        """`scheme://host:port`, for people: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def scheme(self) -> str:
        """One of http, https, socks4, socks4a, socks5, socks5h."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """Where it stands; an IPv6 address without its brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or _PORTS[self.scheme]

    @property
    def login(self) -> tuple[str, str]:
        """User and password; empty where there are none."""
        parts = urlsplit(self.url)
        return unquote(parts.username or ""), unquote(parts.password or "")

    @property
    def loopback(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(self.host)

    @property
    def has_login(self) -> bool:
        """Whether it is told a user name."""
        return bool(self.login[0])

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen in any text."""
        return (self.url, self.login[1]) if self.login[1] else ()


def choose(
    url: str, *, option: str | None, config: str, environ: Mapping[str, str]
) -> Proxy | None:
    """The proxy for a link to `url`; None: go there directly.

    Args:
        url: The service's address.
        option: What the command line says; None: nothing.
        config: What the config says; empty: nothing.
        environ: `WSS_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` (for ws: `WS_PROXY`, `HTTP_PROXY`,
            `ALL_PROXY`) in this order, lower case first; less what `NO_PROXY` names.  Never asked
            for this machine itself.

    Raises:
        ConfigError: The address or the chosen proxy cannot be read.
    """
    address = read_address(url)
    if option is not None:
        return read_proxy(option, "--proxy")
    if config.strip():
        return read_proxy(config, "config")
    return _from_environment(address, environ)


def _from_environment(address: Address, environ: Mapping[str, str]) -> Proxy | None:
    if address.loopback:
        return None
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if is_bypassed(address.host, address.port, exceptions):
        return None
    for upper in _VARIABLES[address.secure]:
        for name in (upper.lower(), upper):
            if environ.get(name, "").strip():
                return read_proxy(environ[name], name)
    return None


def read_proxy(value: str, source: str) -> Proxy | None:
    """Read what a person or a desktop wrote; None for `none`.

    `socks://` is read as socks5h (names are looked up by the proxy), and an address without a
    scheme as http.

    Raises:
        ConfigError: It is no proxy; the text names the source and the fault, never the value.
    """
    value = value.strip()
    if value.lower() == "none":
        return None
    scheme, separator, rest = value.partition("://")
    scheme, rest = (scheme.lower(), rest) if separator else ("http", value)
    scheme = "socks5h" if scheme == "socks" else scheme
    _check(
        not has_blank(value),
        source,
        message_key("The proxy {where} contains a blank or a control character"),
    )
    _check(scheme in _PORTS, source, message_key("The proxy {where} has an unknown scheme"))
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = host_and_port(parts)
    except ValueError:
        raise _wrong(
            source, message_key("The proxy {where} has no valid host and port"), _ENCODE
        ) from None
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _wrong(
            source, message_key("The proxy {where} has something behind host and port"), _ENCODE
        )
    host = f"[{host}]" if ":" in host else host
    return Proxy(f"{scheme}://{_login(parts, source)}{host}:{port or _PORTS[scheme]}", source)


def _login(parts: SplitResult, source: str) -> str:
    """`user:password@` in the one way that everybody reads alike, or nothing."""
    if not parts.username:
        _check(
            not parts.password,
            source,
            message_key("The proxy {where} has a password but no user name"),
        )
        return ""
    try:
        user = unquote(parts.username, errors="strict")
        password = unquote(parts.password or "", errors="strict")
    except UnicodeDecodeError:
        fault = message_key("The proxy {where} has a user name or password that is not UTF-8")
        raise _wrong(source, fault, _ENCODE) from None
    _check(
        not any(map(_has_control, (user, password))),
        source,
        message_key("The proxy {where} has a control character inside"),
    )
    if parts.scheme.startswith("socks"):
        # RFC 1929 counts bytes in one byte and names no encoding.
        fits = user.isascii() and password.isascii() and max(len(user), len(password)) < 256
        fault = message_key("The proxy {where} has a user name or password that SOCKS cannot carry")
        _check(fits, source, fault)
    else:
        # RFC 7617, 2: the first colon ends the user name.
        _check(
            ":" not in user, source, message_key("The proxy {where} has a colon in the user name")
        )
    return f"{quote(user, safe='')}:{quote(password, safe='')}@"


def _has_control(text: str) -> bool:
    """Whether a control character stands in it."""
    return any(char < " " or char == "\x7f" for char in text)


def _check(holds: bool, source: str, fault: str) -> None:
    if not holds:
        raise _wrong(source, fault, _SHAPE)


def _wrong(source: str, fault: str, hint: str) -> ConfigError:
    where = phrase("in the config") if source == "config" else phrase("in {source}", source=source)
    return ConfigError(phrase(fault, where=where), hint)


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a service."""

    service: str
    """`host` or `host:port`, as errors name it."""
    proxy: Proxy | None = None
    deadline_s: float = 10.0
    """For everything from the name lookup to the upgrade."""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def gate(self) -> str:
        """The proxy as errors name it."""
        return (
            phrase("The proxy {label}", label=self.proxy.label)
            if self.proxy
            else phrase("The network")
        )

    def quote(self, foreign: str, limit: int = 300) -> str:
        """Foreign words on one line, without control characters, keys and passwords."""
        secrets = self.secrets + (self.proxy.secrets if self.proxy else ())
        return mask_secrets(clean_line(mask_secrets(foreign, secrets), limit))
