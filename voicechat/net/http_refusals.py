"""HTTP answers in place of a WebSocket, from the service or from the proxy, as errors of ours.

Rule: pure.  HTML is recognised and never shown.  Statuses: RFC 9110, RFC 6585.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from voicechat.errors import (
    LinkError,
    ProxyError,
    ProxyRefusedError,
    RefusedError,
    ServiceError,
    UpgradeRefusedError,
    VoiceChatError,
)
from voicechat.net.proxy import Route
from voicechat.text.phrase import message_key, phrase

LONGEST_WAIT_S = 60.0
"""However long the other side asks us to wait."""
LOGIN_WAIT_S = 30.0
"""Between tries while the network wants a login page."""

CHECK_KEY = phrase("Check the API key")
_ERRORS: dict[int, tuple[type[VoiceChatError], str, str]] = {
    400: (
        RefusedError,
        message_key("{who} did not accept the request (HTTP {code}){said}"),
        phrase("Check the address and the model"),
    ),
    401: (RefusedError, message_key("{who} refused the key (HTTP {code}){said}"), CHECK_KEY),
    402: (
        RefusedError,
        message_key("{who} wants money (HTTP {code}){said}"),
        phrase("Check the account's balance"),
    ),
    403: (
        RefusedError,
        message_key("{who} denied access (HTTP {code}){said}"),
        phrase("Check the key's rights, the model and your region"),
    ),
    404: (
        RefusedError,
        message_key("{who} knows no such address or model (HTTP {code}){said}"),
        phrase("Check the address and the model"),
    ),
    408: (ServiceError, message_key("{who} waited too long for us (HTTP {code}){said}"), ""),
    425: (ServiceError, message_key("{who} is not ready yet (HTTP {code}){said}"), ""),
    426: (
        RefusedError,
        message_key("{who} wants another protocol (HTTP {code}){said}"),
        phrase("Check the address"),
    ),
    429: (
        ServiceError,
        message_key("{who} has had too many requests from this account (HTTP {code}){said}"),
        "",
    ),
    431: (
        RefusedError,
        message_key("{who} finds the key or a header too long (HTTP {code}){said}"),
        phrase("Check the API key"),
    ),
    451: (
        RefusedError,
        message_key("{who} denied access for legal reasons (HTTP {code}){said}"),
        phrase("It may not serve your region"),
    ),
    500: (ServiceError, message_key("{who} has an internal error (HTTP {code}){said}"), ""),
    502: (
        ServiceError,
        message_key("{who} is not reachable behind its gateway (HTTP {code}){said}"),
        "",
    ),
    503: (ServiceError, message_key("{who} is overloaded or down (HTTP {code}){said}"), ""),
    504: (ServiceError, message_key("{who} does not answer its gateway (HTTP {code}){said}"), ""),
}
_GATEWAYS = {200, 204, 400, 403, 404, 405, 406, 415, 426, 501}
"""What gateways that know no WebSocket answer to the request for one.  Services speak JSON."""
_QUOTA = ("insufficient_quota", "exceeded your current quota", "billing_hard_limit", "billing hard")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SIGN_IN = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9._~+-]*)(?=\s*(?:,|$)|\s+[^\s=,])")
"""A word at the start of a challenge; one with `=` behind it is a parameter of the one before."""
_SIGN_INS = {"ntlm": "NTLM", "negotiate": "Negotiate", "digest": "Digest", "kerberos": "Kerberos"}
_LOGIN = phrase("A browser on this network will probably show it")


def service_answer(
    route: Route, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> VoiceChatError:
    """What an answer of the service means.

    Args:
        route: Whom we asked, and how.
        status: HTTP status; 101 is no answer for this function.
        headers: With names in lower case.
        body: As far as it was read.
        now: Unix time, for a `Retry-After` that is a date.
    """
    if status == 511 or (200 <= status < 300 and _is_html(headers, body)):
        return _login_page(route, status)
    if 300 <= status < 400 and "location" in headers:
        return _redirect(route, status, headers["location"])
    if status == 407:
        return refused_login(route)
    said = _said(route, headers, body)
    if status in (403, 429) and any(word in body.decode("utf-8", "replace") for word in _QUOTA):
        text = phrase(
            "{who} says that the account has no credit left{said}", who=route.service, said=said
        )
        return RefusedError(text, phrase("Check the account's balance and limits"))
    kind, words, hint = _ERRORS.get(status) or _of_class(status)
    if kind is RefusedError and status in _GATEWAYS and not _is_json(body):
        kind = UpgradeRefusedError
    text = phrase(words, who=route.service, code=status, said=said)
    return kind(text, hint, retry_after_s=retry_after_s(headers, now) if kind.retryable else None)


def proxy_answer(
    route: Route, status: int, headers: Mapping[str, str], now: float
) -> VoiceChatError:
    """What a proxy's answer to CONNECT means (RFC 9110, 9.3.6); arguments as above."""
    wait_s = retry_after_s(headers, now)
    if status == 511 or 300 <= status < 400:
        return _login_page(route, status)
    if status in (401, 407):
        offered = sign_ins(headers)
        if offered and "basic" not in offered:
            return _foreign_sign_in(route, offered)
        if not offered and route.proxy and route.proxy.has_login:
            return ProxyRefusedError(
                phrase("{who} wants a password and does not say in which way", who=route.gate),
                phrase("Ask whoever runs it; none was sent"),
            )
        return refused_login(route)
    if status == 403:
        text = phrase(
            "{who} does not allow connections to {goal} (HTTP {code})",
            who=route.gate,
            goal=route.service,
            code=status,
        )
        return ProxyRefusedError(text, phrase("Ask whoever runs it, or use another proxy"))
    if status in (408, 425, 429):
        text = phrase("{who} is busy (HTTP {code})", who=route.gate, code=status)
        return ProxyError(text, retry_after_s=wait_s)
    if status < 500:
        text = phrase("{who} opens no connections (HTTP {code})", who=route.gate, code=status)
        hint = phrase("Perhaps it is an ordinary web server: check the address")
        return ProxyRefusedError(text, hint)
    text = phrase(
        "{who} could not reach {goal} (HTTP {code})",
        who=route.gate,
        goal=route.service,
        code=status,
    )
    return ProxyError(text, phrase("Check the service's address"), retry_after_s=wait_s)


def refused_login(route: Route) -> ProxyRefusedError:
    """The proxy wants a password, or another one."""
    if route.proxy and route.proxy.has_login:
        return ProxyRefusedError(
            phrase("{who} refused the user name or password", who=route.gate),
            phrase("Correct them where the proxy was given ({source})", source=route.proxy.source),
        )
    label = route.proxy.label if route.proxy else "scheme://host:port"
    address = label.replace("://", "://user:password@")
    hint = phrase("Put them into its address: {address}", address=address)
    return ProxyRefusedError(phrase("{who} wants a user name and password", who=route.gate), hint)


def sign_ins(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The ways to sign in that a proxy offers (RFC 9110, 11.7.1), in lower case and its order."""
    offered = headers.get("proxy-authenticate", "")
    names = (found[1].lower() for found in _SIGN_IN.finditer(_QUOTED.sub("", offered)))
    return tuple(dict.fromkeys(names))


def offers_basic(headers: Mapping[str, str]) -> bool:
    """Whether a proxy that wants a password takes it in the way that is spoken here."""
    return "basic" in sign_ins(headers)


def _foreign_sign_in(route: Route, offered: tuple[str, ...]) -> ProxyRefusedError:
    """The proxy wants a sign-in that is not spoken here; no password was sent."""
    ways = " / ".join(_SIGN_INS.get(name, route.quote(name, 30)) for name in offered)
    return ProxyRefusedError(
        phrase(
            "{who} wants to be signed in to by {ways}, which is not spoken here",
            who=route.gate,
            ways=ways,
        ),
        phrase(
            "Run a helper that speaks it, such as px or cntlm, and give its address as the proxy"
        ),
    )


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """`Retry-After` (RFC 9110, 10.2.3) as seconds from now, at most a minute; None: not given."""
    value = headers.get("retry-after", "").strip()
    try:
        wait_s = float(value)
    except ValueError:
        try:
            wait_s = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_S) if wait_s == wait_s else None


def _of_class(status: int) -> tuple[type[VoiceChatError], str, str]:
    if status >= 500:
        return ServiceError, message_key("{who} is in trouble (HTTP {code}){said}"), ""
    if status >= 400:
        return (
            RefusedError,
            message_key("{who} refused the request (HTTP {code}){said}"),
            phrase("Check the address, the key and the model"),
        )
    return (
        RefusedError,
        message_key("{who} answered, but is no realtime service (HTTP {code}){said}"),
        phrase("Check the address"),
    )


def _login_page(route: Route, status: int) -> LinkError:
    text = phrase(
        "{who} seems to want a login page before it lets us to {goal} (HTTP {code})",
        who=route.gate if route.proxy else phrase("This network"),
        goal=route.service,
        code=status,
    )
    return LinkError(text, _LOGIN, retry_after_s=LOGIN_WAIT_S)


def _redirect(route: Route, status: int, location: str) -> VoiceChatError:
    """Never followed: the key is for the host it was given for."""
    try:
        target = urlsplit(urljoin(f"https://{route.service}/", location))
        host, plain = target.hostname or "", target.scheme in ("http", "ws")
    except ValueError:
        host, plain = "", False
    where = route.quote(host, 100) or phrase("another address")
    if plain and host != urlsplit(f"//{route.service}").hostname:
        text = phrase(
            "This network seems to want a login page at {goal} (HTTP {code})",
            goal=where,
            code=status,
        )
        return LinkError(text, _LOGIN, retry_after_s=LOGIN_WAIT_S)
    text = phrase(
        "{who} sends us on to {goal} (HTTP {code}); the key was not sent there",
        who=route.service,
        goal=where,
        code=status,
    )
    return RefusedError(text, phrase("If {who} is right, give its address instead", who=where))


def _said(route: Route, headers: Mapping[str, str], body: bytes) -> str:
    """The service's own words behind a colon, or nothing."""
    if _is_html(headers, body):
        return ""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = message_of(json.loads(text))
    quoted = route.quote(text).rstrip(".")
    return phrase(": {quoted}", quoted=quoted) if quoted else ""


def message_of(value: Any) -> str:
    """The message in an error body (mostly `{"error": {"message": …}}`), or nothing."""
    for _ in range(4):
        match value:
            case str():
                return value
            case [first, *_]:
                value = first
            case {"error": inner} | {"message": inner} | {"detail": inner} if inner:
                value = inner
            case {"code": str(inner)}:
                value = inner
            case _:
                return ""
    return ""


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict | list)
    except (ValueError, RecursionError):
        return False


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "html" in headers.get("content-type", "").lower() or start.startswith(
        (b"<!doctype", b"<html", b"<head", b"<body")
    )
