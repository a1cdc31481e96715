"""Why a link did not come up: system, TLS and SOCKS errors as errors of ours, naming the guilty.

Rule: pure.  A TLS error is an OSError too, and a failed lookup as well: the order of the tests
is their meaning.  HTTP answers are read in `answers`, the end of a link that was up in `closes`.
"""

import errno
import re
import socket
import ssl

from voicechat.errors import LinkError, ProxyError, ProxyRefusedError, TlsError, VoiceChatError
from voicechat.net.close_codes import LinkClosed, close_error
from voicechat.net.http_refusals import proxy_answer, refused_login, service_answer
from voicechat.net.proxy import Route
from voicechat.text.phrase import message_key, phrase

__all__ = [
    "LinkClosed",
    "close_error",
    "connect_error",
    "no_http",
    "proxy_answer",
    "service_answer",
    "socks_error",
]

# X509_V_ERR_… of OpenSSL's x509_vfy.h: words and hint.
_INSPECTED = phrase("If your network inspects encrypted lines, give its certificate as ca_file")
_CLOCK = phrase("Check the clock of this machine")
_CERTIFICATES = {
    9: (message_key("The certificate of {who} is not valid yet"), _CLOCK),
    10: (message_key("The certificate of {who} has expired"), _CLOCK),
    18: (
        message_key("The certificate of {who} is self-signed"),
        phrase("Give it as ca_file if you trust it"),
    ),
    19: (
        message_key(
            "The certificate of {who} was issued by an authority that this machine does not know"
        ),
        _INSPECTED,
    ),
    20: (
        message_key(
            "The certificate of {who} was issued by an authority that this machine does not know"
        ),
        _INSPECTED,
    ),
    21: (
        message_key(
            "The certificate of {who} was issued by an authority that this machine does not know"
        ),
        _INSPECTED,
    ),
    23: (message_key("The certificate of {who} was revoked"), ""),
    62: (
        message_key("The certificate of {who} is for another host"),
        phrase("Check the address; somebody may be in between"),
    ),
    64: (
        message_key("The certificate of {who} is for another host"),
        phrase("Check the address; somebody may be in between"),
    ),
}
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_CUT = {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ESHUTDOWN}
_NO_TLS = {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}
_SCHEME = phrase("Check the proxy's scheme (http, https, socks4, socks5h) and port")

# Replies of RFC 1928, 6 and of SOCKS4 (91 and up): class and words about the proxy.
_SOCKS: dict[int, tuple[type[LinkError], str]] = {
    1: (ProxyError, message_key("{who} could not connect us to {goal}")),
    2: (ProxyRefusedError, message_key("{who} does not allow connections to {goal}")),
    3: (ProxyError, message_key("{who} has no network to {goal}")),
    4: (ProxyError, message_key("{who} cannot reach or find {goal}")),
    5: (LinkError, message_key("{who} says that {goal} refused the connection")),
    6: (ProxyError, message_key("{who} got no answer from {goal} in time")),
    7: (ProxyRefusedError, message_key("{who} opens no connections")),
    8: (ProxyRefusedError, message_key("{who} does not take this kind of address")),
    91: (ProxyError, message_key("{who} could not or would not connect us to {goal}")),
    92: (ProxyRefusedError, message_key("{who} wants an identd on this machine")),
    93: (ProxyRefusedError, message_key("{who} does not accept this user name")),
}
_SOCKS_LOGIN = ("username and password", "no acceptable auth", "unexpected socks auth")
_SOCKS_FOREIGN = ("version", "malformed", "invalid", "reserved byte", "address type")


def connect_error(error: BaseException, route: Route, *, at_proxy: bool) -> VoiceChatError:
    """What an error of DNS, TCP or TLS on the way up means.

    Args:
        error: As the system or the TLS library raised it.
        route: Where we wanted to go.
        at_proxy: Whether it happened between us and the proxy, or inside the proxy.
    """
    if isinstance(error, VoiceChatError):
        return error
    if isinstance(error, ssl.SSLError):
        return _tls_error(error, route, at_proxy)
    kind: type[LinkError] = ProxyError if at_proxy else LinkError
    who = route.gate if at_proxy else route.service
    text, hint = _system_words(error, route, who)
    if at_proxy and not hint:
        hint = phrase("Check the proxy's scheme, host and port, and that it runs")
    return kind(text, hint)


def _system_words(error: BaseException, route: Route, who: str) -> tuple[str, str]:
    """What happened, and a hint."""
    number = _errno(error)
    if isinstance(error, socket.gaierror):
        text = phrase("{who} was not found: its name leads nowhere", who=who)
        return text, phrase("Check the name and the network")
    if isinstance(error, TimeoutError) or number == errno.ETIMEDOUT:
        text = phrase(
            "{who} did not answer within {seconds:g} s", who=who, seconds=route.deadline_s
        )
        return text, ""
    if number == errno.ECONNREFUSED:
        return phrase("{who} refused the connection: nothing listens there", who=who), ""
    if number in _UNREACHABLE:
        text = phrase("{who} cannot be reached from this network", who=who)
        return text, phrase("Check the network")
    if number in _CUT or isinstance(error, (EOFError, ConnectionError)):
        text = phrase("{who} cut the connection before it was up", who=who)
        return text, _maybe_cut(route)
    detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
    quoted = route.quote(detail, 150)
    return phrase("{who} could not be connected to: {quoted}", who=who, quoted=quoted), ""


def _errno(error: BaseException) -> int | None:
    """Its number; of several tries (one for each address) that of the first."""
    number = getattr(error, "errno", None)
    if number is None and (match := re.search(r"\[Errno (\d+)\]", str(error))):
        return int(match[1])
    return number


def _maybe_cut(route: Route) -> str:
    return phrase("Perhaps {who} cut it", who=route.proxy.label) if route.proxy else ""


def _tls_error(error: ssl.SSLError, route: Route, at_proxy: bool) -> VoiceChatError:
    who = route.service
    if at_proxy and route.proxy:
        who = phrase("the proxy {label}", label=route.proxy.label)
    if isinstance(error, ssl.SSLCertVerificationError):
        fallback = (message_key("The certificate of {who} does not hold ({why})"), "")
        words, hint = _CERTIFICATES.get(error.verify_code, fallback)
        return TlsError(phrase(words, who=who, why=route.quote(error.verify_message, 100)), hint)
    reason = getattr(error, "reason", None) or str(error)
    if reason in _NO_TLS:
        hint = _SCHEME if at_proxy else phrase("Check the address and the port")
        return TlsError(phrase("No encryption is spoken by {who}", who=who), hint)
    if isinstance(error, ssl.SSLEOFError) or reason == "UNEXPECTED_EOF_WHILE_READING":
        kind = ProxyError if at_proxy else LinkError
        text = phrase("The encrypted line to {who} was cut before it was up", who=who)
        return kind(text, _maybe_cut(route))
    quoted = route.quote(reason.replace("_", " ").lower(), 100)
    return TlsError(
        phrase("No encrypted line could be agreed with {who}: {quoted}", who=who, quoted=quoted)
    )


def socks_error(words: str, code: int | None, route: Route) -> VoiceChatError:
    """What a SOCKS proxy's reply means.

    Args:
        words: The library's own, which are all there is where the reply has no number.
        code: The number of the reply, if there was one.
        route: Where we wanted to go.
    """
    lower = words.lower()
    if code in _SOCKS:
        kind, text = _SOCKS[code]
        hint = phrase("Try socks5h or socks5 as its scheme") if code == 8 else ""
        return kind(phrase(text, who=route.gate, goal=route.service), hint)
    if any(word in lower for word in _SOCKS_LOGIN):
        return refused_login(route)
    if any(word in lower for word in _SOCKS_FOREIGN):
        text = phrase("{who} does not speak SOCKS as we do", who=route.gate)
        return ProxyRefusedError(text, _SCHEME)
    text = phrase(
        "{who} ended the connection without opening the way to {goal}",
        who=route.gate,
        goal=route.service,
    )
    return ProxyError(text, _SCHEME)


def no_http(route: Route, *, at_proxy: bool, ended: bool) -> VoiceChatError:
    """The answer was no HTTP.

    Args:
        route: Where we wanted to go.
        at_proxy: Whether the proxy gave it, instead of the service.
        ended: Whether the connection simply ended.
    """
    kind: type[LinkError] = ProxyError if at_proxy else LinkError
    who = route.gate if at_proxy else route.service
    hint = _SCHEME if at_proxy else _maybe_cut(route)
    if ended:
        return kind(phrase("{who} ended the connection without an answer", who=who), hint)
    if at_proxy:
        return ProxyRefusedError(phrase("{who} does not answer as a proxy should", who=who), hint)
    return LinkError(phrase("{who} speaks no WebSocket", who=who), hint)
