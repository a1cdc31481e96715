"""A link to real servers on this machine, kind and rude."""

import asyncio
import contextlib
import logging
import socket
import struct

import pytest
from websockets.asyncio.server import ServerConnection

from tests.net import servers
from tests.net.servers import Raw, http, raw, request, upgraded, websocket
from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyError,
    ProxyRefusedError,
    RefusedError,
    ServiceError,
    UpgradeRefusedError,
    VoiceChatError,
)
from voicechat.net.proxy import Proxy, read_proxy
from voicechat.net.websocket import Link, LinkClosed, WebSocketLink, connect

KEY = "sk-canary-1234567890abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}
SHORT_S = 0.5
"""A deadline for what never answers."""


def here(port: int) -> str:
    return f"ws://127.0.0.1:{port}/v1/realtime?model=m"


async def failure(
    url: str, *, proxy: Proxy | None = None, deadline_s: float = 10.0, ca_file: str = ""
) -> VoiceChatError:
    """What connecting ends with; it must be one of ours, clean, soon, and without the key."""
    async with asyncio.timeout(deadline_s + 20):
        with pytest.raises(VoiceChatError) as caught:
            async with connect(url, HEADERS, proxy=proxy, deadline_s=deadline_s, ca_file=ca_file):
                raise AssertionError("the link came up")
    assert "canary" not in f"{caught.value} {caught.value!r}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


async def end(link: Link) -> LinkClosed:
    """How a link ends when nothing more is wanted of it."""
    with pytest.raises(LinkClosed) as caught:
        async for _ in link:
            pass
    return caught.value


# -- when all is well ---------------------------------------------------------------------------


async def test_messages_go_there_and_back() -> None:
    async with websocket() as server, connect(here(server.port), HEADERS, proxy=None) as link:
        messages = ["one", "größer 🙂", "x" * 3_000_000]
        received = []
        for message in messages:
            await link.send(message)
        async for answer in link:
            received.append(answer)
            if len(received) == len(messages):
                break
        assert received == messages
        assert link.bytes_sent == link.bytes_received == sum(len(m.encode()) for m in messages)
        assert link.proxy_label == ""
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert server.headers[0]["user-agent"].startswith("voicechat/")
    assert "sec-websocket-extensions" not in server.headers[0]


@pytest.mark.fault("P08")
async def test_half_a_surrogate_pair_does_not_break_the_link() -> None:
    async with websocket() as server, connect(here(server.port), {}, proxy=None) as link:
        await link.send("a\ud83db")
        assert await anext(aiter(link)) == "a?b"


@pytest.mark.fault("P30")
async def test_binary_messages_come_as_bytes() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"\x00\xff")
        await connection.wait_closed()

    async with websocket(talk) as server, connect(here(server.port), {}, proxy=None) as link:
        assert await anext(aiter(link)) == b"\x00\xff"
        assert link.bytes_received == 2


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_http_addresses_are_read_as_websockets(scheme: str) -> None:
    async with websocket() as server:
        async with connect(f"{scheme}://localhost:{server.port}", {}, proxy=None):
            pass
        assert len(server.headers) == 1


async def test_a_link_is_a_link() -> None:
    async with websocket() as server, connect(here(server.port), {}, proxy=None) as made:
        link: Link = made
        assert isinstance(link, WebSocketLink)


async def test_a_busy_reader_loses_nothing() -> None:
    count = 3000

    async def talk(connection: ServerConnection) -> None:
        for number in range(count):
            await connection.send(str(number))
        await connection.wait_closed()

    async with websocket(talk) as server, connect(here(server.port), {}, proxy=None) as link:
        await asyncio.sleep(0.3)
        received = []
        async for message in link:
            received.append(message)
            if len(received) == count:
                break
        assert received == [str(number) for number in range(count)]


# -- how links end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        (1000, "", True),
        (1001, "maximum duration", True),
        (1008, "no such model", False),
        (1011, "oops", True),
        (3000, "invalid_request_error.invalid_api_key", False),
        (4000, "invalid_request_error.invalid_model", False),
    ],
)
@pytest.mark.fault("N27")
async def test_every_close_is_told(code: int, reason: str, retryable: bool) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.close(code, reason)

    async with websocket(talk) as server, connect(here(server.port), {}, proxy=None) as link:
        assert await anext(aiter(link)) == "last words"
        closed = await end(link)
        assert (closed.code, closed.reason, closed.by_us) == (code, reason, False)
        assert closed.retryable is retryable
        again = await end(link)
        assert again.code == code
        with pytest.raises(LinkClosed):
            await link.send("too late")


async def test_a_close_is_told_soon_when_the_other_side_leaves_tcp_open() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        writer.write(b"\x88\x05\x03\xe9bye")
        await asyncio.sleep(30)

    async with raw(upgraded(talk)) as server, connect(here(server.port), {}, proxy=None) as link:
        async with asyncio.timeout(10):
            closed = await end(link)
        assert (closed.code, closed.reason, closed.by_us) == (1001, "bye", False)


async def test_a_close_without_a_code_is_told() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        writer.write(b"\x88\x00")
        await reader.read()

    async with raw(upgraded(talk)) as server, connect(here(server.port), {}, proxy=None) as link:
        assert (await end(link)).code == 1005


@pytest.mark.parametrize("abruptly", [True, False])
@pytest.mark.fault("N21")
async def test_a_cut_line_is_told(abruptly: bool) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        await asyncio.sleep(0.1)
        if abruptly:
            linger = struct.pack("ii", 1, 0)
            known = writer.get_extra_info("socket")
            known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with raw(upgraded(talk)) as server, connect(here(server.port), {}, proxy=None) as link:
        closed = await end(link)
        assert (closed.code, closed.reason, closed.retryable) == (None, "", True)


@pytest.mark.fault("P02", "P03", "P04")
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02\xff\xfe", 1007),
        (b"\x83\x00", 1002),
        (b"\x81\x7f" + struct.pack("!Q", 17 * 1024 * 1024) + b"x" * 1000, 1009),
        (b"\xf1\x01x", 1002),
        (b"HTTP/1.1 500 no\r\n\r\n" + b"<p>" * 50, 1002),
    ],
    ids=["no UTF-8", "no such opcode", "too big", "reserved bits", "HTTP"],
)
async def test_nonsense_ends_the_link_as_ours(frame: bytes, code: int) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        writer.write(frame)
        await reader.read()

    async with raw(upgraded(talk)) as server, connect(here(server.port), {}, proxy=None) as link:
        closed = await end(link)
        assert (closed.code, closed.by_us) == (code, True)
        assert "The service sent" in str(closed)


async def test_hanging_up_ends_the_reader() -> None:
    async with websocket() as server, connect(here(server.port), {}, proxy=None) as link:
        reader = asyncio.create_task(end(link))
        await asyncio.sleep(0.05)
        await link.close()
        await link.close()
        closed = await reader
        assert (closed.code, closed.by_us, closed.retryable) == (1000, True, False)


async def test_a_reason_is_shown_clean_and_without_the_key() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.close(4001, f"bad\x1b[2J key {KEY}")

    async with websocket(talk) as server, connect(here(server.port), HEADERS, proxy=None) as link:
        closed = await end(link)
        for text in (closed.reason, str(closed), repr(closed)):
            assert "canary" not in text
            assert "\x1b" not in text


@pytest.mark.fault("X02")
async def test_leaving_a_dead_line_does_not_wait() -> None:
    """Nobody reads, the buffers are full and a writer hangs: hanging up must still end."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        await asyncio.sleep(30)

    async def flood(link: Link) -> None:
        with contextlib.suppress(LinkError):
            while True:
                await link.send("x" * 1_000_000)

    async with raw(upgraded(talk)) as server:
        async with connect(here(server.port), {}, proxy=None) as link:
            writer = asyncio.create_task(flood(link))
            await asyncio.sleep(0.5)
            assert not writer.done()
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 5
        async with asyncio.timeout(5):
            await writer


async def test_cancelling_a_call_closes_its_link() -> None:
    gone = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()
        gone.set()

    async def call(url: str) -> None:
        async with connect(url, {}, proxy=None) as link:
            async for _ in link:
                pass

    async with websocket(talk) as server:
        task = asyncio.create_task(call(here(server.port)))
        while not server.headers:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await gone.wait()


# -- when there is no way -----------------------------------------------------------------------


@pytest.mark.fault("N02")
async def test_a_closed_port_is_told(unused_tcp_port: int) -> None:
    error = await failure(here(unused_tcp_port))
    assert type(error) is LinkError
    assert f"127.0.0.1:{unused_tcp_port} refused" in str(error)


async def test_a_closed_port_of_a_name_with_several_addresses_is_told(unused_tcp_port: int) -> None:
    error = await failure(f"ws://localhost:{unused_tcp_port}/")
    assert f"localhost:{unused_tcp_port} refused" in str(error)


@pytest.mark.fault("N01")
async def test_an_unknown_host_is_told() -> None:
    error = await failure("wss://no-such-host.invalid/", deadline_s=20)
    assert type(error) is LinkError
    assert "no-such-host.invalid was not found" in str(error)


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (servers.silent, "did not answer within 0.5 s"),
        (servers.answering(b"HTTP/1.1 101 Switching Protocols\r\n" * 50, pause_s=0.05), "within"),
        (servers.hanging_up, "cut|without an answer"),
        (servers.answering(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), "speaks no WebSocket"),
        (servers.answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "speaks no WebSocket"),
        (servers.answering(b"SSH-2.0-OpenSSH_9.2\r\n"), "speaks no WebSocket"),
    ],
)
@pytest.mark.fault("N05", "N18")
async def test_a_server_that_is_none_is_told(talk: servers.Talk, words: str) -> None:
    async with raw(talk) as server:
        error = await failure(here(server.port), deadline_s=SHORT_S)
    assert type(error) is LinkError
    assert any(word in str(error) for word in words.split("|"))
    assert f"127.0.0.1:{server.port}" in str(error)


@pytest.mark.parametrize(
    ("talk", "kind", "words", "wait_s"),
    [
        (http("401 Unauthorized", f'{{"error":{{"message":"Incorrect API key: {KEY}"}}}}'),
         RefusedError, "Incorrect API key", None),
        (http("403 Forbidden", "no"), UpgradeRefusedError, "denied access", None),
        (http("404 Not Found", '{"error":{"message":"no zz"}}'), RefusedError, "no zz", None),
        (http("429 Slow Down", Retry_After="12"), ServiceError, "too many", 12.0),
        (http("429 Slow Down"), ServiceError, "too many", None),
        (http("503 Busy", Retry_After="3"), ServiceError, "overloaded", 3.0),
        (http("200 OK", "<html><title>Hotel</title></html>", Content_Type="text/html"),
         LinkError, "login page", 30.0),
        (http("511 Network Authentication Required"), LinkError, "login page", 30.0),
        (http("302 Found", Location="http://login.hotel.example/"), LinkError,
         "login.hotel.example", 30.0),
    ],
)  # fmt: skip
@pytest.mark.fault("N06", "N08", "N09", "N10", "N19")
async def test_an_http_answer_is_told(
    talk: servers.Talk, kind: type[VoiceChatError], words: str, wait_s: float | None
) -> None:
    async with raw(talk) as server:
        error = await failure(here(server.port))
    assert type(error) is kind
    assert words in str(error)
    assert error.retry_after_s == wait_s


@pytest.mark.fault("S09", "N20")
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("scheme", ["ws", "wss", "http", "https"])
async def test_no_redirect_is_followed(status: str, scheme: str) -> None:
    async with websocket() as other:
        target = f"{scheme}://localhost:{other.port}/"
        async with raw(http(status, Location=target)) as server:
            error = await failure(here(server.port))
            assert server.visits == 1
        assert other.headers == [], "the key reached another host"
    assert "localhost" in str(error)


async def test_a_redirect_to_the_same_host_is_not_followed_either() -> None:
    async with raw(http("302 Found", Location="/elsewhere")) as server:
        error = await failure(here(server.port))
        assert server.visits == 1
    assert type(error) is RefusedError


# -- before anything is sent --------------------------------------------------------------------


@pytest.mark.fault("S09")
@pytest.mark.parametrize(
    ("url", "proxy", "words"),
    [
        ("ws://api.example.com/", None, "readably to api.example.com"),
        ("http://10.0.0.1/", None, "readably to 10.0.0.1"),
        ("ws://127.0.0.1:1/", "http://gate.example:3128", "through the proxy http://gate.example"),
        ("ftp://localhost/", None, "wss://"),
        ("wss://user:canary-pw@localhost/", None, "user name"),
    ],
)
async def test_no_key_goes_out_in_the_clear(url: str, proxy: str | None, words: str) -> None:
    error = await failure(url, proxy=read_proxy(proxy, "--proxy") if proxy else None)
    assert type(error) is ConfigError
    assert words in str(error)


@pytest.mark.fault("S10")
@pytest.mark.parametrize(
    "value",
    [
        "Bearer canary\r\nX-Evil: 1",
        "Bearer canary\n",
        "Bearer can\x00ary",
        "Bearer “canary”",
        "\x7f",
    ],
)
async def test_a_broken_key_is_refused_before_it_is_sent(value: str) -> None:
    async with raw(servers.silent) as server:
        with pytest.raises(ConfigError) as caught:
            async with connect(here(server.port), {"Authorization": value}, proxy=None):
                pass
        assert server.visits == 0
    assert "canary" not in str(caught.value)
    assert "Authorization" in str(caught.value)


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nY"])
async def test_a_broken_header_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        async with connect("wss://localhost:1/", {name: "x"}, proxy=None):
            pass


# -- proxies that are none ----------------------------------------------------------------------

SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
LOGIN = "user:canary-pw@"


def gate(scheme: str, port: int, login: str = LOGIN) -> Proxy:
    proxy = read_proxy(f"{scheme}://{login}127.0.0.1:{port}", "--proxy")
    assert proxy
    return proxy


@pytest.mark.parametrize("scheme", ["http", "https", *SOCKS])
@pytest.mark.fault("N11")
async def test_a_proxy_that_is_not_there_is_named(scheme: str, unused_tcp_port: int) -> None:
    proxy = gate(scheme, unused_tcp_port)
    error = await failure("wss://localhost:1/", proxy=proxy)
    assert type(error) is ProxyError
    assert f"The proxy {proxy.label} refused the connection" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https", *SOCKS])
@pytest.mark.fault("N11")
async def test_a_proxy_whose_name_is_unknown_is_named(scheme: str) -> None:
    proxy = read_proxy(f"{scheme}://u:canary-pw@no-such-proxy.invalid:1", "config")
    error = await failure("wss://localhost:1/", proxy=proxy, deadline_s=20)
    assert type(error) is ProxyError
    assert proxy
    assert f"The proxy {proxy.label} was not found" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https", *SOCKS])
@pytest.mark.fault("N13")
async def test_a_proxy_that_never_answers_ends_with_the_deadline(scheme: str) -> None:
    async with raw(servers.silent) as server:
        proxy = gate(scheme, server.port)
        error = await failure("wss://127.0.0.1:1/", proxy=proxy, deadline_s=SHORT_S)
    assert type(error) is ProxyError
    assert proxy.label in str(error)
    assert "within 0.5 s" in str(error)


@pytest.mark.parametrize("scheme", ["http", *SOCKS])
async def test_a_proxy_that_hangs_up_is_named(scheme: str) -> None:
    async with raw(servers.hanging_up) as server:
        proxy = gate(scheme, server.port)
        error = await failure("wss://127.0.0.1:1/", proxy=proxy)
    assert type(error) is ProxyError
    assert proxy.label in str(error)


async def _web_server(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw
) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("scheme", SOCKS)
@pytest.mark.fault("N14")
async def test_a_web_server_is_no_socks_proxy(scheme: str) -> None:
    async with raw(_web_server) as server:
        proxy = gate(scheme, server.port)
        error = await failure("wss://127.0.0.1:1/", proxy=proxy)
    assert type(error) is ProxyRefusedError
    assert f"The proxy {proxy.label} does not speak SOCKS" in str(error)


@pytest.mark.parametrize(
    ("talk", "kind", "words"),
    [
        (http("407 Login"), ProxyRefusedError, "does not say in which way"),
        (http("407 Login", Proxy_Authenticate="Basic"), ProxyRefusedError, "refused the user name"),
        (http("403 Filtered"), ProxyRefusedError, "does not allow"),
        (http("405 Not Allowed"), ProxyRefusedError, "opens no connections"),
        (http("502 Bad Gateway"), ProxyError, "could not reach 127.0.0.1:1"),
        (http("511 Login", Location="http://x/"), LinkError, "login page"),
        (servers.answering(b"\x05\xff"), ProxyRefusedError, "does not answer"),
        (servers.answering(b"\x05\xff" + b"\xff" * 100_000), ProxyRefusedError, "does not answer"),
        (servers.answering(b"HTTP/9 yes\r\n\r\n"), ProxyRefusedError, "does not answer"),
    ],
)
@pytest.mark.fault("N12")
async def test_an_answer_of_a_proxy_is_told(
    talk: servers.Talk, kind: type[VoiceChatError], words: str
) -> None:
    async with raw(talk) as server:
        proxy = gate("http", server.port)
        error = await failure("wss://127.0.0.1:1/", proxy=proxy)
    assert type(error) is kind
    assert words in str(error)
    assert proxy.label in str(error)
    assert b"Authorization: Bearer" not in server.received, "the key is not for the proxy"


async def test_after_the_tunnel_the_service_is_guilty() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: Raw) -> None:
        await request(reader, state)
        writer.write(b"HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n")
        await reader.read()

    async with raw(talk) as server:
        proxy = gate("http", server.port)
        error = await failure("wss://api.example.com/", proxy=proxy, deadline_s=SHORT_S)
    assert type(error) is LinkError
    assert "api.example.com did not answer" in str(error)
    assert b"CONNECT api.example.com:443 HTTP/1.1\r\n" in server.received
    assert b"Host: api.example.com:443\r\n" in server.received


async def test_a_proxy_without_password_gets_none() -> None:
    async with raw(http("407 Login")) as server:
        proxy = gate("http", server.port, login="")
        error = await failure("wss://api.example.com/", proxy=proxy)
    assert type(error) is ProxyRefusedError
    assert "wants a user name and password" in str(error)
    assert b"Proxy-Authorization" not in server.received


# -- secrets ------------------------------------------------------------------------------------


async def _all_well(link: WebSocketLink) -> None:
    await link.send("canary-words")
    await anext(aiter(link))


@pytest.mark.fault("S02")
@pytest.mark.parametrize("scheme", [None, "http", "socks5h"])
async def test_no_log_holds_a_key_a_password_or_a_message(
    scheme: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "websockets")
    asyncio.get_running_loop().set_debug(True)
    async with raw(http("401 No")) as server:
        proxy = gate(scheme, server.port) if scheme else None
        await failure(here(server.port), proxy=proxy, deadline_s=SHORT_S)
    if scheme is None:
        async with (
            websocket() as echo,
            connect(here(echo.port) + "&key=canary", HEADERS, proxy=None) as link,
        ):
            await _all_well(link)
    assert caplog.records, "the log works"
    # What the test's own server logs is not ours, nor that a busy machine made this test slow.
    others = ("websockets.server", "asyncio")
    ours = [record for record in caplog.records if record.name not in others]
    assert not [text for record in ours if "canary" in (text := record.getMessage())]
