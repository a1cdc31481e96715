"""Errors of services and proxies, each in our words, and never with a secret in them."""

import asyncio
import contextlib
import gc
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.cascade.vendor import Vendor
from tests.fakes.http_chat import HttpChatServer, Script
from voicechat.cascade.http.service import HttpService, is_loopback, read_events, service_of
from voicechat.cascade.options import LocalOptions
from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyError,
    RefusedError,
    ServiceError,
    TlsError,
    VoiceChatError,
)

_KEY = "sk-very-hidden"


@contextlib.asynccontextmanager
async def _used(
    url: str, key: str = "", proxy: str = "", deadline_s: float = 20.0
) -> AsyncIterator[HttpService]:
    service = HttpService(url, key, proxy, deadline_s)
    try:
        yield service
    finally:
        await service.close()


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "bad", RefusedError),
        (401, f"Incorrect key {_KEY}", RefusedError),
        (404, "no model", RefusedError),
        (307, "moved", RefusedError),
        (429, "slow down", ServiceError),
        (429, "You exceeded your quota", RefusedError),
        (500, "oops\n\x1b[31m", ServiceError),
        (503, "later", ServiceError),
    ],
)
async def test_status_says_whose_fault_it_is(
    vendor: Vendor, status: int, message: str, kind: type[VoiceChatError]
) -> None:
    vendor.status, vendor.error, vendor.headers = status, message, "Retry-After: 7\r\n"
    async with _used(vendor.url, _KEY) as service:
        with pytest.raises(kind) as caught:
            await service.get("/models")
    text = str(caught.value)
    assert str(status) in text and _KEY not in text and text.isprintable()
    if status == 429 and kind is ServiceError:
        assert caught.value.retry_after_s == 7


@pytest.mark.fault("S09", "N20")
async def test_redirect_is_not_followed_with_the_key(vendor: Vendor) -> None:
    vendor.status, vendor.headers = 302, f"Location: {vendor.url}/elsewhere\r\n"
    async with _used(vendor.url, _KEY) as service:
        with pytest.raises(RefusedError):
            await service.get("/models")
    assert len(vendor.asked) == 1


@pytest.mark.fault("P33")
@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 Ok\r\n\r\n<html>"])
async def test_something_else_on_the_port_is_told(vendor: Vendor, raw: bytes) -> None:
    vendor.raw = raw
    async with _used(vendor.url) as service:
        with pytest.raises(VoiceChatError):
            await service.get("/models")


async def test_silence_ends_at_the_deadline(vendor: Vendor) -> None:
    vendor.silent = True
    async with _used(vendor.url, deadline_s=0.3) as service:
        with pytest.raises(LinkError):
            await service.get("/models")
        with pytest.raises(LinkError):
            await anext(service.stream("/chat/completions", {}))


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
@pytest.mark.fault("N13")
async def test_silent_proxy_ends_at_the_deadline_too(vendor: Vendor, scheme: str) -> None:
    vendor.silent = True
    proxy = vendor.url.replace("http:", f"{scheme}:").removesuffix("/v1")
    async with _used("https://service.invalid/v1", _KEY, proxy, deadline_s=0.5) as service:
        with pytest.raises(LinkError):
            await asyncio.wait_for(service.get("/models"), 20)
    gc.collect()


@pytest.mark.fault("N14")
async def test_proxy_that_speaks_something_else_is_the_proxys_fault() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        proxy = f"socks5h://user:hidden-word@127.0.0.1:{port}"
        async with _used("https://service.invalid/v1", "", proxy) as service:
            with pytest.raises(ProxyError) as caught:
                await service.get("/models")
    assert "hidden-word" not in str(caught.value)
    del caught
    gc.collect()


def test_proxy_of_an_unknown_kind_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError):
        HttpService("https://service.invalid/v1", "", "gopher://127.0.0.1:1")


@pytest.mark.fault("N16")
async def test_loopback_is_reached_without_the_proxy(vendor: Vendor) -> None:
    async with _used(vendor.url, "", "socks5h://127.0.0.1:9") as service:
        assert (await service.get("/models"))["data"]


async def test_full_address_is_used_as_it_is_and_its_base_for_the_rest(vendor: Vendor) -> None:
    async with _used(f"{vendor.url}/chat/completions") as service:
        async for _ in read_events(service.stream("/chat/completions", {})):
            pass
        await service.get("/models")
    assert [one.path for one in vendor.asked] == ["/v1/chat/completions", "/v1/models"]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("ftp://x", ""),
        ("http://", ""),
        ("https://a b/v1", ""),
        ("https://x:99999/v1", ""),
        ("http://192.168.1.5/v1", _KEY),
        ("https://x/v1", "sk-\nhidden"),
    ],
)
def test_wrong_address_or_key_is_refused_before_anything_is_sent(url: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HttpService(url, key)
    assert "hidden" not in str(caught.value)


def test_loopback_is_known_by_name_and_number() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.9.9.9", "::1", "a.localhost"]))
    assert not any(map(is_loopback, ["example.org", "10.0.0.1", "localhost.evil.example", ""]))


async def test_events_are_read_whatever_the_pieces() -> None:
    async def data() -> AsyncIterator[bytes]:
        for piece in (b': hi\r\ndata: {"a"', b": 1}\r\n\r", b"\ndata: nonsense\ndata:[1]\n"):
            yield piece
        yield b'data:{"b":2}\n\ndata: [DONE]\n\ndata: {"c":3}\n'

    assert [event async for event in read_events(data())] == [{"a": 1}, {"b": 2}]  # type: ignore[arg-type]


async def test_key_goes_in_the_header_that_the_service_wants(vendor: Vendor) -> None:
    headers = {"X-Team": "blue", "Cookie": "hidden=1"}
    for written in ("", "api-key: {key}", "X-Auth: Token {key} x"):
        service = HttpService(vendor.url, _KEY, key_header=written, headers=headers)
        await service.get("/models")
        await service.close()
    first, second, third = (request.headers for request in vendor.asked)
    assert first["authorization"] == f"Bearer {_KEY}" and first["x-team"] == "blue"
    assert second["api-key"] == _KEY and "authorization" not in second
    assert third["x-auth"] == f"Token {_KEY} x"


async def test_secrets_of_other_headers_are_in_no_text_either(vendor: Vendor) -> None:
    vendor.status, vendor.error = 400, "your cookie hidden-cookie is stale"
    service = HttpService(vendor.url, headers={"Cookie": "hidden-cookie"})
    with pytest.raises(RefusedError) as caught:
        await service.get("/models")
    assert "hidden" not in str(caught.value)
    await service.close()


async def test_options_make_a_service_with_all_they_say_of_services() -> None:
    with HttpChatServer(tls=True) as server:
        headers = json.dumps({"X-Team": "blue"})
        options = LocalOptions(headers=headers, ca_file=server.ca_file)
        service = service_of(options, server.gemini_url, server.key, kind="gemini")
        await service.get("/models")
        await service.close()
        shown = server.requests[0].headers
        assert shown["x-goog-api-key"] == server.key and shown["x-team"] == "blue"
        own = replace(options, key_header="api-key: {key}")
        service = service_of(own, server.url, server.key, kind="gemini")
        await service.get("/models")
        await service.close()
        assert server.requests[1].headers["api-key"] == server.key


@pytest.mark.parametrize("headers", ["{", "[]", '{"a": 1}', '{"a b": "c"}', '{"a": "b\\nc"}'])
def test_headers_that_are_none_are_refused(headers: str) -> None:
    with pytest.raises(ConfigError):
        service_of(LocalOptions(headers=headers), "https://service.invalid/v1", "")


async def test_certificate_that_nobody_signed_is_refused_and_a_given_one_taken() -> None:
    with HttpChatServer(tls=True) as server:
        stranger = HttpService(server.url, server.key)
        with pytest.raises(TlsError):
            await stranger.get("/models")
        friend = HttpService(server.url, server.key, ca_file=server.ca_file)
        assert (await friend.get("/models"))["data"]
        await stranger.close()
        await friend.close()
    with pytest.raises(ConfigError, match="ca_file"):
        await HttpService(server.url, server.key, ca_file="/nowhere.pem").get("/models")


async def test_silence_inside_an_answer_ends_it() -> None:
    with HttpChatServer() as server:
        server.script = Script(["One. ", "Two."], pause_before=1)
        service = HttpService(server.url, server.key, idle_s=0.3)
        body = {"model": "chat-1", "messages": [{"role": "user", "content": "x"}], "stream": True}
        events = read_events(service.stream("/chat/completions", body))
        with pytest.raises(LinkError, match="said nothing"):
            assert not [event async for event in events if not event["choices"]]
        await service.close()


@pytest.mark.fault("P33")
async def test_dribble_without_end_ends_at_the_deadline() -> None:
    with HttpChatServer() as server:
        server.script = Script(["."] * 1000, piece_s=0.05)
        service = HttpService(server.url, server.key, deadline_s=0.5)
        body = {"model": "chat-1", "messages": [{"role": "user", "content": "x"}], "stream": True}
        with pytest.raises(LinkError, match="took longer"):
            assert not [piece async for piece in service.stream("/chat/completions", body) if 0]
        await service.close()


@pytest.mark.fault("P33")
@pytest.mark.parametrize("filling", [b"\n", b"x"])
async def test_what_is_immense_once_it_is_unpacked_ends_and_stops_nothing_else(
    vendor: Vendor, filling: bytes
) -> None:
    packed = gzip.compress(filling * 2**23)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    vendor.raw = head.encode() + packed
    turns = 0

    async def go_round() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with asyncio.TaskGroup() as tasks:
        other = tasks.create_task(go_round())
        service = HttpService(vendor.url, longest=2**22)
        with pytest.raises(ServiceError, match="without end"):
            assert not [one async for one in read_events(service.stream("/x", {})) if one]
        await service.close()
        other.cancel()
    assert turns > 50


async def test_line_is_used_again_for_the_next_request() -> None:
    with HttpChatServer(tls=True) as server:
        service = HttpService(server.url, server.key, ca_file=server.ca_file)
        for _ in range(3):
            await service.get("/models")
        await service.close()
        assert server.connections == 1


async def test_line_that_the_service_has_closed_meanwhile_is_replaced(vendor: Vendor) -> None:
    async with _used(vendor.url) as service:
        for _ in range(3):
            await service.get("/models")
            await asyncio.sleep(0.05)
    assert len(vendor.asked) == 3


async def test_query_of_the_address_is_kept(vendor: Vendor) -> None:
    async with _used(f"{vendor.url}/chat/completions?api-version=7") as service:
        await service.get("/models?pageSize=1")
        async for _ in service.stream("/chat/completions", {}):
            pass
    assert [one.path for one in vendor.asked] == [
        "/v1/models?pageSize=1&api-version=7",
        "/v1/chat/completions?api-version=7",
    ]


@pytest.mark.parametrize("status", [200, 404, 405, 429, 500, 503])
async def test_who_answers_at_all_is_there(vendor: Vendor, status: int) -> None:
    vendor.status = status
    async with _used(vendor.url, _KEY) as service:
        await service.knock("/models")


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_who_does_not_let_us_in_is_not_there_for_us(vendor: Vendor, status: int) -> None:
    vendor.status = status
    async with _used(vendor.url, _KEY) as service:
        with pytest.raises(RefusedError):
            await service.knock("/models")


@pytest.mark.fault("N19")
async def test_login_page_of_a_network_is_no_service(vendor: Vendor) -> None:
    vendor.raw = b"HTTP/1.1 200 Ok\r\nContent-Type: text/html\r\n\r\n<html>Welcome"
    async with _used(vendor.url) as service:
        with pytest.raises(LinkError, match="login page"):
            await service.knock("/models")
        with pytest.raises(LinkError, match="login page"):
            await anext(service.stream("/chat/completions", {}))


async def test_headers_and_key_form_of_one_host_are_not_for_another() -> None:
    with HttpChatServer() as server:
        options = LocalOptions(
            mind="https://vendor.example/v1",
            key_header="x-canary: {key}",
            headers=json.dumps({"X-Secret": "canary"}),
        )
        service = service_of(options, server.url, server.key)
        await service.get("/models")
        await service.close()
        shown = server.requests[0].headers
        assert "x-secret" not in shown and "x-canary" not in shown
