"""CONNECT as proxies really answer it: other sign-ins, interim answers, bare line feeds."""

import asyncio
import base64

import pytest

from tests.front.chinese import in_chinese
from tests.net.servers import Raw, Talk, answering, raw, relay_to, request, websocket
from tests.net.test_websocket import HEADERS, failure, gate
from voicechat.errors import ProxyRefusedError
from voicechat.net.http_refusals import offers_basic, sign_ins
from voicechat.net.websocket import connect

LOGIN = "DOMAIN%5Cjane:canary-pass@"
BASIC = base64.b64encode(b"DOMAIN\\jane:canary-pass")
DIGEST = 'Digest realm="Basic realm=x", nonce="abc", qop="auth", algorithm=MD5'


def wanting(*challenges: str, end: str = "Content-Length: 0\r\n") -> bytes:
    lines = "".join(f"Proxy-Authenticate: {one}\r\n" for one in challenges)
    return f"HTTP/1.1 407 Proxy Authentication Required\r\n{lines}{end}\r\n".encode()


@pytest.mark.fault("N37")
@pytest.mark.parametrize(
    ("challenges", "named"),
    [
        (("NTLM", "Negotiate"), "NTLM / Negotiate"),
        (("Negotiate",), "Negotiate"),
        (("NTLM TlRMTVNTUAAC==",), "NTLM"),
        ((DIGEST,), "Digest"),
        (("Negotiate, NTLM",), "Negotiate / NTLM"),
        (("Bearer realm=x",), "bearer"),
    ],
)
async def test_a_proxy_without_basic_gets_no_password(
    challenges: tuple[str, ...], named: str
) -> None:
    async with raw(answering(wanting(*challenges))) as server:
        proxy = gate("http", server.port, LOGIN)
        error = await failure("wss://api.example.com/", proxy=proxy)
    assert type(error) is ProxyRefusedError
    assert f"{proxy.label} wants to be signed in to by {named}, which is not" in str(error)
    assert "px or cntlm" in str(error) and "px 或 cntlm" in in_chinese(error)
    assert b"uthorization" not in server.received and server.visits == 1
    assert "canary" not in str(error)


@pytest.mark.fault("N37")
async def test_a_proxy_that_names_no_sign_in_gets_no_password() -> None:
    async with raw(answering(wanting())) as server:
        error = await failure("wss://api.example.com/", proxy=gate("http", server.port, LOGIN))
    assert "does not say in which way" in str(error) and "没有发送密码" in in_chinese(error)
    assert b"uthorization" not in server.received


@pytest.mark.fault("N37")
async def test_without_a_password_the_sign_in_is_named_as_well() -> None:
    async with raw(answering(wanting("NTLM"))) as server:
        error = await failure("wss://api.example.com/", proxy=gate("http", server.port, ""))
    assert "NTLM, which is not spoken here" in str(error)


def locked(challenge: bytes, port: int) -> Talk:
    """Wants the password first, and lets through who knows it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        head = await request(reader, state)
        if b"Proxy-Authorization: Basic " + BASIC not in head:
            writer.write(challenge)
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await relay_to(port)(reader, writer, state)

    return talk


@pytest.mark.parametrize(
    "challenge",
    [
        wanting('Basic realm="x"'),
        wanting("Negotiate", "NTLM", "basic"),
        wanting('Negotiate, Basic realm="a, b"'),
        wanting("Basic", end="Content-Length: 5\r\nConnection: close\r\n") + b"hello",
        wanting("Basic", end="Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        wanting("Basic").replace(b"\r\n", b"\n"),
    ],
)
async def test_a_proxy_that_takes_basic_gets_the_password_when_it_asks(challenge: bytes) -> None:
    async with websocket() as service, raw(locked(challenge, service.port)) as server:
        url = f"ws://localhost:{service.port}/"
        async with connect(url, HEADERS, proxy=gate("http", server.port, LOGIN)) as link:
            await link.send("hello")
            assert await anext(aiter(link)) == "hello"
    first, _, second = server.received.partition(b"\r\n\r\n")
    assert b"uthorization" not in first and BASIC in second


async def test_a_wrong_password_is_asked_about_once() -> None:
    async with raw(answering(wanting("Basic"))) as server:
        error = await failure("wss://api.example.com/", proxy=gate("http", server.port, LOGIN))
    assert "refused the user name or password" in str(error)
    assert server.visits == 2 and server.received.count(BASIC) == 1


@pytest.mark.fault("N38")
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\nVia: x\n\n",
        b"HTTP/1.1 200 OK\r\n\n",
        b"HTTP/1.0 200 OK\nVia: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\n\nHTTP/1.1 102 Processing\n\nHTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
    ],
)
@pytest.mark.parametrize("pause_s", [0.0, 0.001])
async def test_odd_answers_open_the_way(answer: bytes, pause_s: float) -> None:
    async with websocket() as service:

        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw
        ) -> None:
            await answering(answer, pause_s=pause_s)(reader, writer, state)
            await relay_to(service.port)(reader, writer, state)

        async with raw(talk) as server:
            url = f"ws://localhost:{service.port}/"
            async with connect(url, HEADERS, proxy=gate("http", server.port, "")) as link:
                await link.send("hello")
                assert await anext(aiter(link)) == "hello"


@pytest.mark.fault("N38")
async def test_interim_answers_without_a_final_one_are_no_answer() -> None:
    async with raw(answering(b"HTTP/1.1 100 Continue\r\n\r\n")) as server:
        error = await failure("wss://api.example.com/", proxy=gate("http", server.port, ""))
    assert "ended the connection without an answer" in str(error)


@pytest.mark.parametrize(
    ("offered", "found"),
    [
        ("", ()),
        ("BASIC", ("basic",)),
        ('Digest realm="a \\" , Basic b", nonce=x', ("digest",)),
        ("Negotiate YII=, Basic realm=x, charset=UTF-8", ("negotiate", "basic")),
    ],
)
def test_challenges_are_told_from_their_parameters(offered: str, found: tuple[str, ...]) -> None:
    headers = {"proxy-authenticate": offered}
    assert sign_ins(headers) == found and offers_basic(headers) is ("basic" in found)
