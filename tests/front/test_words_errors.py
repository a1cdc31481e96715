"""The errors that users meet most are Chinese in the Chinese interface: each is made here."""

import errno
import socket
import ssl
from collections.abc import Iterator
from functools import cache

import pytest

from tests.front.chinese import english_in, in_chinese
from voicechat.connection.fallback import Fallback
from voicechat.connection.outage import Outage
from voicechat.connection.state.outcome import MOST, ProtocolCheck, classify_close
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.notices import Notices
from voicechat.errors import VoiceChatError
from voicechat.events import Notice, SessionExpired, Unknown
from voicechat.net import websocket
from voicechat.net.close_codes import LinkClosed
from voicechat.net.connect_errors import connect_error, no_http
from voicechat.net.http_refusals import proxy_answer, service_answer
from voicechat.net.proxy import Route, read_proxy
from voicechat.providers import dialect_class
from voicechat.providers.base import Dialect, Settings

HOST = Route("api.example.com")
GATE = Route("api.example.com", read_proxy("http://gate:3128", "--proxy"))
LOGIN = Route("api.example.com", read_proxy("http://user:password@gate:3128", "--proxy"))


def dialect(name: str) -> Dialect:
    made = dialect_class(name)(Settings("some-model", "sk-any-key-0123456789"))
    made.open(0.0)
    return made


def closes() -> Iterator[VoiceChatError]:
    """As a provider tells them, and as the link does for one that leaves them to it."""
    ends = [(None, ""), (1011, "keepalive ping timeout"), (1001, "maximum duration")]
    ends += [(code, "") for code in (1000, 1001, 1008, 1009, 1011, 1012, 1013, 3000, 3003)]
    ends += [(1008, "bad key"), (1008, "slots"), (1011, "quota"), (1011, "internal error")]
    ends += [(1008, "session not found"), (1007, "no response was generated for 180 seconds")]
    for code, reason in ends:
        yield LinkClosed(code, reason).meaning
        for name in ("openai", "gemini", "qwen"):
            yield classify_close(LinkClosed(code, reason), dialect(name), is_ready=True).error
    gemini = dialect("gemini")
    gemini.receive('{"setupComplete": {}}', 0.0)
    gemini.receive('{"serverContent": {"modelTurn": {"parts": [{"text": "Hi"}]}}}', 0.0)
    yield classify_close(LinkClosed(1007, "x"), gemini, is_ready=True).error


def ways_up() -> Iterator[VoiceChatError]:
    html = {"content-type": "text/html"}
    for status in (401, 403, 404, 429, 500, 503):
        yield service_answer(HOST, status, {}, b"", 0.0)
        yield service_answer(HOST, status, {}, b'{"error": {"message": "x"}}', 0.0)
    yield service_answer(HOST, 429, {}, b"insufficient_quota", 0.0)
    for route in (HOST, GATE):
        yield service_answer(route, 200, html, b"<html>", 0.0)
    yield service_answer(HOST, 302, {"location": "http://portal.example/"}, b"", 0.0)
    for route in (GATE, LOGIN):
        yield service_answer(route, 407, {}, b"", 0.0)
    for offered in ({}, {"proxy-authenticate": "NTLM"}):
        yield proxy_answer(LOGIN, 407, offered, 0.0)
    system = [
        socket.gaierror(-2, "x"),
        TimeoutError(),
        ConnectionRefusedError(errno.ECONNREFUSED, "x"),
    ]
    system += [OSError(errno.ENETUNREACH, "x"), ConnectionResetError(errno.ECONNRESET, "x")]
    for error in system:
        yield connect_error(error, HOST, at_proxy=False)
        yield connect_error(error, GATE, at_proxy=True)
    for code in (10, 18, 20, 62):
        refused = ssl.SSLCertVerificationError(1, "x")
        refused.verify_code, refused.verify_message = code, "x"
        yield connect_error(refused, HOST, at_proxy=False)
    yield no_http(HOST, at_proxy=False, ended=True)


def events() -> Iterator[VoiceChatError]:
    babble = ProtocolCheck()
    yield from filter(None, (babble.on_event(Unknown("not JSON"), 0.0) for _ in range(MOST)))
    for name in ("openai", "gemini"):
        made = dialect(name)
        for event in made.tick(1000.0):
            if ending := classify_close(event, made, is_ready=False):
                yield ending.error
    glm = dialect("glm")
    glm.receive('{"type": "session.created", "session": {}}', 0.0)
    glm.receive('{"type": "heartbeat"}', 0.0)
    yield from (
        end.error for event in glm.tick(500.0) if (end := classify_close(event, glm, is_ready=True))
    )
    openai = dialect("openai")
    if over := classify_close(SessionExpired(), openai, is_ready=True):
        yield over.error
    error = '{"code": "%s", "message": "x"}'
    for code in ("invalid_api_key", "insufficient_quota", "invalid_model"):
        for event in openai.receive('{"type": "error", "error": ' + error % code + "}", 0.0):
            if ending := classify_close(event, openai, is_ready=True):
                yield ending.error


async def told_by_the_outage() -> list[str]:
    notices: list[Notice] = []
    outage = Outage(lambda _: None, Notices(Conversation(), notices.append))
    for error in (LinkClosed(1001, "session expired"), LinkClosed(None, "")):
        outage.begin(classify_close(error, dialect("custom"), is_ready=True))
    outage.end()
    return [notice.message for notice in notices]


def told_by_the_detour() -> list[str]:
    def line(instead: bool = False) -> Target:
        made = dialect("openai")
        return Target(
            made,
            lambda: websocket.connect("ws://127.0.0.1", {}, proxy=None),
            "some-model",
            instead=(lambda: line()) if instead else None,
        )

    detour, problem = Fallback(), connect_error(TimeoutError(), HOST, at_proxy=False)
    other = detour.next_target(line(True), problem)
    assert other is not None
    notices = [detour.arrived(other)]
    detour.leave()
    notices.append(detour.arrived(line()))
    return [notice.message for notice in notices if notice]


@cache
def made() -> tuple[str, ...]:
    errors = [*closes(), *ways_up(), *events()]
    return tuple(dict.fromkeys(error.sentence for error in errors))


@pytest.mark.parametrize("text", made())
def test_what_ends_a_line_is_told_in_chinese(text: str) -> None:
    assert not english_in(text)


async def test_what_the_call_tells_of_its_line_is_told_in_chinese() -> None:
    told = [*await told_by_the_outage(), *told_by_the_detour()]
    assert len(told) == 4
    for text in told:
        assert not english_in(text)


def test_names_and_foreign_words_stay() -> None:
    body = b'{"error": {"message": "Incorrect API key. It is wrong."}}'
    assert in_chinese(service_answer(HOST, 401, {}, body, 0.0)) == (
        "api.example.com 不接受此密钥（HTTP 401）：Incorrect API key. It is wrong。请检查 API 密钥"
    )
    assert in_chinese(connect_error(TimeoutError(), GATE, at_proxy=True)) == (
        "代理 http://gate:3128 在 10 秒内没有回应。请检查代理的类型、主机、端口，以及它是否在运行"
    )
    assert in_chinese("Something that a service said. Do this.") == (
        "Something that a service said. Do this."
    )


def test_a_close_is_told_with_its_code_and_the_words_beside_it() -> None:
    told = LinkClosed(1011, "Model crashed").meaning
    assert in_chinese(told) == "服务出错：Model crashed（代码 1011）"


def test_an_ending_is_told_by_its_error() -> None:
    ending = classify_close(LinkClosed(None, ""), dialect("custom"), is_ready=True)
    assert in_chinese(ending.error) == "连接已断开"
