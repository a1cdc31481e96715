"""Which hosts `NO_PROXY` exempts, as curl, Go and Python's `urllib` agree to read it.

Rule: pure; what cannot be read exempts nothing.
"""

import ipaddress
import re

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
