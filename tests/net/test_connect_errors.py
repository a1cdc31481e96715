"""Each failure has a class and names the guilty, row by row."""

import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.errors import (
    LinkError,
    ProxyError,
    ProxyRefusedError,
    RefusedError,
    ServiceError,
    TlsError,
    UpgradeRefusedError,
    VoiceChatError,
)
from voicechat.net.connect_errors import connect_error, no_http, socks_error
from voicechat.net.http_refusals import proxy_answer, retry_after_s, service_answer
from voicechat.net.proxy import Route, read_proxy

HOST, LABEL = "api.example.com", "socks5h://gate:1080"
ROUTE = Route(
    HOST, read_proxy("socks5h://user:canary-pw@gate:1080", "--proxy"), 10.0, ("canary-key",)
)
DIRECT = Route(HOST)
OPEN_GATE = Route(HOST, read_proxy(LABEL, "--proxy"))
NOW = 1_700_000_000.0


def refusal(code: int, words: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, words)
    error.verify_code, error.verify_message = code, words
    return error


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), LinkError, "was not found"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), LinkError, "refused the connection"),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"), LinkError, "refused"),
        (TimeoutError(), LinkError, "within 10 s"),
        (OSError(errno.ETIMEDOUT, "x"), LinkError, "within 10 s"),
        (OSError(errno.ENETUNREACH, "x"), LinkError, "cannot be reached"),
        (OSError(errno.EHOSTUNREACH, "x"), LinkError, "cannot be reached"),
        (ConnectionResetError(errno.ECONNRESET, "x"), LinkError, "cut the connection"),
        (ConnectionAbortedError("SSL handshake is taking too long"), LinkError, "cut"),
        (EOFError(), LinkError, "cut the connection"),
        (OSError(errno.EMFILE, "Too many open files"), LinkError, "Too many open files"),
        (ValueError("{strange}"), LinkError, "{strange}"),
        (refusal(18, "self-signed"), TlsError, "self-signed"),
        (refusal(19, "x"), TlsError, "does not know"),
        (refusal(20, "x"), TlsError, "does not know"),
        (refusal(10, "x"), TlsError, "expired"),
        (refusal(9, "x"), TlsError, "not valid yet"),
        (refusal(62, "x"), TlsError, "another host"),
        (refusal(64, "x"), TlsError, "another host"),
        (refusal(99, "odd thing"), TlsError, "odd thing"),
        (tls("WRONG_VERSION_NUMBER"), TlsError, "No encryption"),
        (tls("TLSV1_ALERT_PROTOCOL_VERSION"), TlsError, "tlsv1 alert protocol version"),
        (ssl.SSLEOFError(8, "EOF occurred"), LinkError, "was cut"),
    ],
)  # fmt: skip
def test_a_failed_connection_names_the_guilty(
    error: Exception, kind: type[VoiceChatError], words: str
) -> None:
    direct = connect_error(error, DIRECT, at_proxy=False)
    assert type(direct) is kind
    assert words in str(direct)
    assert HOST in str(direct)
    at_proxy = connect_error(error, ROUTE, at_proxy=True)
    assert type(at_proxy) is (ProxyError if kind is LinkError else kind)
    assert words in str(at_proxy)
    assert LABEL in str(at_proxy)
    assert HOST not in str(at_proxy), "the service is not guilty"
    assert direct.retryable is (kind is LinkError)


@pytest.mark.parametrize(
    ("words", "code", "kind", "said"),
    [
        ("General SOCKS server failure", 1, ProxyError, "could not connect"),
        ("Connection not allowed by ruleset", 2, ProxyRefusedError, "does not allow"),
        ("Network unreachable", 3, ProxyError, "no network"),
        ("Host unreachable", 4, ProxyError, "cannot reach"),
        ("Connection refused by destination host", 5, LinkError, f"{HOST} refused"),
        ("TTL expired", 6, ProxyError, "in time"),
        ("Command not supported", 7, ProxyRefusedError, "opens no connections"),
        ("Address type not supported", 8, ProxyRefusedError, "address"),
        ("Request rejected or failed", 91, ProxyError, "would not"),
        ("cannot connect to identd", 92, ProxyRefusedError, "identd"),
        ("different user-ids", 93, ProxyRefusedError, "user name"),
        ("Username and password authentication failure", None, ProxyRefusedError, "refused"),
        ("No acceptable authentication methods were offered", None, ProxyRefusedError, "refused"),
        ("Unexpected SOCKS version number: 72", None, ProxyRefusedError, "does not speak SOCKS"),
        ("Unexpected reply version: 0X48", None, ProxyRefusedError, "does not speak SOCKS"),
        ("Malformed connect reply", None, ProxyRefusedError, "does not speak SOCKS"),
        ("Invalid reply code: 0X99", None, ProxyRefusedError, "does not speak SOCKS"),
        ("Connection closed unexpectedly", None, ProxyError, "ended the connection"),
    ],
)  # fmt: skip
def test_a_socks_reply_means(
    words: str, code: int | None, kind: type[VoiceChatError], said: str
) -> None:
    error = socks_error(words, code, ROUTE)
    assert type(error) is kind
    assert said in str(error)
    assert LABEL in str(error)
    assert "canary" not in str(error)


def test_a_proxy_that_wants_a_password_says_where_to_put_it() -> None:
    error = socks_error("No acceptable authentication methods were offered", None, OPEN_GATE)
    assert type(error) is ProxyRefusedError
    assert "socks5h://user:password@gate:1080" in error.hint


HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "wait_s", "words"),
    [
        (400, {}, '{"error":{"message":"no such voice"}}', RefusedError, None, "no such voice"),
        (401, {}, '{"error":{"message":"Incorrect API key provided: sk-canary99999999"}}',
         RefusedError, None, "refused the key"),
        (401, {}, "echo canary-key", RefusedError, None, "refused the key"),
        (402, {}, "", RefusedError, None, "money"),
        (403, {}, "", UpgradeRefusedError, None, "denied"),
        (403, HTML, "<html>canary</html>", UpgradeRefusedError, None, "denied"),
        (404, {}, '{"error":"model gone"}', RefusedError, None, "model gone"),
        (407, {}, "", ProxyRefusedError, None, "refused the user name or password"),
        (408, {}, "", ServiceError, None, "waited"),
        (418, {}, "", RefusedError, None, "refused the request"),
        (425, {}, "", ServiceError, None, "not ready"),
        (426, {}, "", UpgradeRefusedError, None, "another protocol"),
        (429, {}, "", ServiceError, None, "too many"),
        (429, {"retry-after": "7"}, "", ServiceError, 7.0, "too many"),
        (429, {"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, "", ServiceError, 30.0, "too many"),
        (429, {"retry-after": "3600"}, "", ServiceError, 60.0, "too many"),
        (429, {"retry-after": "soon"}, "", ServiceError, None, "too many"),
        (429, {}, '{"error":{"code":"insufficient_quota","message":"You exceeded"}}',
         RefusedError, None, "no credit"),
        (451, {}, "", RefusedError, None, "legal"),
        (500, {}, "", ServiceError, None, "internal error"),
        (502, HTML, "<html>canary</html>", ServiceError, None, "gateway"),
        (503, {"retry-after": "5"}, "", ServiceError, 5.0, "overloaded"),
        (504, {}, "", ServiceError, None, "gateway"),
        (599, {}, "", ServiceError, None, "trouble"),
        (511, HTML, "<html>canary</html>", LinkError, 30.0, "login page"),
        (200, HTML, "<html>canary</html>", LinkError, 30.0, "login page"),
        (200, {}, " <!DOCTYPE html>canary", LinkError, 30.0, "login page"),
        (200, {}, '{"hello":1}', RefusedError, None, "no realtime service"),
        (302, {"location": "http://login.hotel/?to=canary"}, "", LinkError, 30.0, "login.hotel"),
        (307, {"location": "wss://evil.example/x?canary"}, "", RefusedError, None, "evil.example"),
        (308, {"location": "/v2/realtime"}, "", RefusedError, None, HOST),
        (301, {"location": "https://[broken"}, "", RefusedError, None, "another address"),
        (304, {}, "", RefusedError, None, "no realtime service"),
    ],
)  # fmt: skip
def test_an_answer_of_the_service_means(
    status: int,
    headers: dict[str, str],
    body: str,
    kind: type[VoiceChatError],
    wait_s: float | None,
    words: str,
) -> None:
    error = service_answer(ROUTE, status, headers, body.encode(), NOW)
    assert type(error) is kind
    assert error.retry_after_s == wait_s
    assert words in str(error)
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (407, ProxyRefusedError, "wants a password and does not say in which way"),
        (401, ProxyRefusedError, "wants a password and does not say in which way"),
        (403, ProxyRefusedError, f"does not allow connections to {HOST}"),
        (404, ProxyRefusedError, "opens no connections"),
        (405, ProxyRefusedError, "opens no connections"),
        (429, ProxyError, "busy"),
        (500, ProxyError, f"could not reach {HOST}"),
        (502, ProxyError, f"could not reach {HOST}"),
        (503, ProxyError, f"could not reach {HOST}"),
        (504, ProxyError, f"could not reach {HOST}"),
        (302, LinkError, "login page"),
        (511, LinkError, "login page"),
    ],
)
def test_an_answer_of_the_proxy_means(status: int, kind: type[VoiceChatError], words: str) -> None:
    error = proxy_answer(ROUTE, status, {}, NOW)
    assert type(error) is kind
    assert words in str(error)
    assert LABEL in str(error)


@pytest.mark.parametrize(
    ("at_proxy", "ended", "kind", "guilty"),
    [
        (True, True, ProxyError, LABEL),
        (True, False, ProxyRefusedError, LABEL),
        (False, True, LinkError, HOST),
        (False, False, LinkError, HOST),
    ],
)
def test_what_is_no_http_names_who_said_it(
    at_proxy: bool, ended: bool, kind: type[VoiceChatError], guilty: str
) -> None:
    error = no_http(ROUTE, at_proxy=at_proxy, ended=ended)
    assert type(error) is kind
    assert guilty in error.message


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("0", 0.0), ("1.5", 1.5), ("-3", 0.0), ("nan", None), ("inf", 60.0), ("", None),
        ("x", None),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0), ("Tue, 14 Nov 2023 22:13:25 GMT", 5.0),
        ("Tue, 14 Nov 9999999 22:13:25 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_each_form(value: str, wait_s: float | None) -> None:
    assert retry_after_s({"retry-after": value}, NOW) == wait_s


@given(st.integers(100, 599), st.text(), st.binary(), st.text())
def test_every_answer_has_one_clean_line(
    status: int, location: str, body: bytes, content_type: str
) -> None:
    headers = {"location": location, "content-type": content_type, "retry-after": location}
    text = str(service_answer(DIRECT, status, headers, body, NOW))
    assert text
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in text)


@given(st.binary(max_size=60).map(lambda raw: b'{"error":{"message":"' + raw + b'"}}'))
def test_the_service_is_quoted_on_one_clean_line(body: bytes) -> None:
    text = str(service_answer(DIRECT, 400, {}, body, NOW))
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in text)
