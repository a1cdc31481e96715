"""Errors of services and proxies, each in our words, and never with a secret in them."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from tests.cascade.vendor import Vendor
from voicechat.cascade.endpoints import HttpService, is_loopback, read_events
from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyError,
    RefusedError,
    ServiceError,
    VoiceChatError,
)

_KEY = "sk-very-hidden"


@contextlib.asynccontextmanager
async def _used(
    url: str, key: str = "", proxy: str = "", deadline_s: float = 20.0
) -> AsyncIterator[HttpService]:
    service = HttpService(url, key, proxy, deadline_s)
    yield service
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


async def test_redirect_is_not_followed_with_the_key(vendor: Vendor) -> None:
    vendor.status, vendor.headers = 302, f"Location: {vendor.url}/elsewhere\r\n"
    async with _used(vendor.url, _KEY) as service:
        with pytest.raises(RefusedError):
            await service.get("/models")
    assert len(vendor.asked) == 1


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
async def test_silent_proxy_ends_at_the_deadline_too(vendor: Vendor, scheme: str) -> None:
    vendor.silent = True
    proxy = vendor.url.replace("http:", f"{scheme}:").removesuffix("/v1")
    async with _used("https://service.invalid/v1", _KEY, proxy, deadline_s=0.5) as service:
        with pytest.raises(LinkError):
            await asyncio.wait_for(service.get("/models"), 20)
    gc.collect()


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
