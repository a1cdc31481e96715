"""Why a link did not come up: system, TLS and SOCKS errors as errors of ours, naming the guilty.

Rule: pure.  A TLS error is an OSError too, and a failed lookup as well: the order of the tests
is their meaning.  HTTP answers are read in `answers`, the end of a link that was up in `closes`.
"""

import errno
import re
import socket
import ssl

from voicechat.errors import LinkError, ProxyError, ProxyRefusedError, TlsError, VoiceChatError
from voicechat.links.answers import proxy_answer, refused_login, service_answer
from voicechat.links.closes import LinkClosed, close_error
from voicechat.links.route import Route

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
_INSPECTED = "If your network inspects encrypted lines, give its certificate as ca_file."
_CLOCK = "Check the clock of this machine."
_CERTIFICATES = {
    9: ("is not valid yet", _CLOCK),
    10: ("has expired", _CLOCK),
    18: ("is self-signed", "Give it as ca_file if you trust it."),
    19: ("was issued by an authority that this machine does not know", _INSPECTED),
    20: ("was issued by an authority that this machine does not know", _INSPECTED),
    21: ("was issued by an authority that this machine does not know", _INSPECTED),
    23: ("was revoked", ""),
    62: ("is for another host", "Check the address; somebody may be in between."),
    64: ("is for another host", "Check the address; somebody may be in between."),
}
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_CUT = {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ESHUTDOWN}
_NO_TLS = {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}
_SCHEME = "Check the proxy's scheme (http, https, socks4, socks5h) and port."

# Replies of RFC 1928, 6 and of SOCKS4 (91 and up): class and words about the proxy.
_SOCKS: dict[int, tuple[type[LinkError], str]] = {
    1: (ProxyError, "could not connect us to {service}"),
    2: (ProxyRefusedError, "does not allow connections to {service}"),
    3: (ProxyError, "has no network to {service}"),
    4: (ProxyError, "cannot reach or find {service}"),
    5: (LinkError, "says that {service} refused the connection"),
    6: (ProxyError, "got no answer from {service} in time"),
    7: (ProxyRefusedError, "opens no connections"),
    8: (ProxyRefusedError, "does not take this kind of address"),
    91: (ProxyError, "could not or would not connect us to {service}"),
    92: (ProxyRefusedError, "wants an identd on this machine"),
    93: (ProxyRefusedError, "does not accept this user name"),
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
    words, hint = _system_words(error, route)
    if at_proxy and not hint:
        hint = "Check the proxy's scheme, host and port, and that it runs."
    return kind(words.format(who=who), hint)


def _system_words(error: BaseException, route: Route) -> tuple[str, str]:
    """Words with a place for the guilty, and a hint."""
    number = _errno(error)
    if isinstance(error, socket.gaierror):
        return "{who} was not found: its name leads nowhere", "Check the name and the network."
    if isinstance(error, TimeoutError) or number == errno.ETIMEDOUT:
        return f"{{who}} did not answer within {route.deadline_s:g} s", ""
    if number == errno.ECONNREFUSED:
        return "{who} refused the connection: nothing listens there", ""
    if number in _UNREACHABLE:
        return "{who} cannot be reached from this network", "Check the network."
    if number in _CUT or isinstance(error, (EOFError, ConnectionError)):
        return "{who} cut the connection before it was up", _maybe_cut(route)
    detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
    quoted = route.quote(detail, 150).replace("{", "(").replace("}", ")")
    return f"{{who}} could not be connected to: {quoted}", ""


def _errno(error: BaseException) -> int | None:
    """Its number; of several tries (one for each address) that of the first."""
    number = getattr(error, "errno", None)
    if number is None and (match := re.search(r"\[Errno (\d+)\]", str(error))):
        return int(match[1])
    return number


def _maybe_cut(route: Route) -> str:
    return f"Perhaps {route.proxy.label} cut it." if route.proxy else ""


def _tls_error(error: ssl.SSLError, route: Route, at_proxy: bool) -> VoiceChatError:
    name = f"the proxy {route.proxy.label}" if at_proxy and route.proxy else route.service
    if isinstance(error, ssl.SSLCertVerificationError):
        fallback = (f"does not hold ({route.quote(error.verify_message, 100)})", "")
        words, hint = _CERTIFICATES.get(error.verify_code, fallback)
        return TlsError(f"The certificate of {name} {words}", hint)
    reason = getattr(error, "reason", None) or str(error)
    if reason in _NO_TLS:
        hint = _SCHEME if at_proxy else "Check the address and the port."
        return TlsError(f"No encryption is spoken by {name}", hint)
    if isinstance(error, ssl.SSLEOFError) or reason == "UNEXPECTED_EOF_WHILE_READING":
        kind = ProxyError if at_proxy else LinkError
        return kind(f"The encrypted line to {name} was cut before it was up", _maybe_cut(route))
    quoted = route.quote(reason.replace("_", " ").lower(), 100)
    return TlsError(f"No encrypted line could be agreed with {name}: {quoted}")


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
        hint = "Try socks5h or socks5 as its scheme." if code == 8 else ""
        return kind(f"{route.gate} {text.format(service=route.service)}", hint)
    if any(word in lower for word in _SOCKS_LOGIN):
        return refused_login(route)
    if any(word in lower for word in _SOCKS_FOREIGN):
        return ProxyRefusedError(f"{route.gate} does not speak SOCKS as we do", _SCHEME)
    text = f"{route.gate} ended the connection without opening the way to {route.service}"
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
        return kind(f"{who} ended the connection without an answer", hint)
    kind = ProxyRefusedError if at_proxy else LinkError
    return kind(
        f"{who} {'does not answer as a proxy should' if at_proxy else 'speaks no WebSocket'}", hint
    )
