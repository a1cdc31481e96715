"""Links through real proxies of every kind; the proxy's own log is the proof."""

import logging
import os
import re
import signal
from collections.abc import Callable

import pytest

from tests.fakes.proxies import RealProxy, danted, microsocks, tinyproxy
from tests.net.servers import Authority, raw, relay_to, socks4a, websocket
from tests.net.test_websocket import HEADERS, failure
from voicechat.errors import LinkError, ProxyError, ProxyRefusedError, TlsError
from voicechat.net.proxy import Proxy, read_proxy
from voicechat.net.websocket import connect

pytestmark = pytest.mark.proxy

PASSWORD = "canary-pass"
Make = Callable[[], RealProxy]
OPEN: list[tuple[Make, str]] = [
    (tinyproxy, "http"),
    (microsocks, "socks5"),
    (microsocks, "socks5h"),
    (microsocks, "socks"),
    (danted, "socks4"),
    (danted, "socks5"),
    (danted, "socks5h"),
]
LOCKED: list[tuple[Make, str]] = [
    (lambda: tinyproxy("user", PASSWORD), "http"),
    (lambda: microsocks("user", PASSWORD), "socks5"),
    (lambda: microsocks("user", PASSWORD), "socks5h"),
    (lambda: danted(PASSWORD), "socks5h"),
]
NAMES = ["tinyproxy", "microsocks-5", "microsocks-5h", "dante-5h"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def through(url: str) -> Proxy:
    proxy = read_proxy(url, "--proxy")
    assert proxy
    return proxy


def scheme_of(proxy: RealProxy, scheme: str) -> str:
    return re.sub(r"^\w+", scheme, proxy.url)


async def talk_through(proxy: Proxy, url: str, ca_file: str = "") -> None:
    async with connect(url, HEADERS, proxy=proxy, ca_file=ca_file) as link:
        assert link.proxy_label == proxy.label
        await link.send("hello")
        assert await anext(aiter(link)) == "hello"


@pytest.mark.parametrize(("make", "scheme"), OPEN)
async def test_a_link_goes_through_an_open_proxy(make: Make, scheme: str) -> None:
    async with websocket() as server:
        with make() as gate:
            await talk_through(through(scheme_of(gate, scheme)), f"ws://localhost:{server.port}/")
            gate.wait_for(str(server.port))
        assert len(server.headers) == 1


@pytest.mark.parametrize(("make", "scheme"), LOCKED, ids=NAMES)
async def test_a_link_goes_through_a_proxy_with_a_password(
    make: Make, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with websocket() as server:
        with make() as gate:
            await talk_through(through(scheme_of(gate, scheme)), f"ws://localhost:{server.port}/")
            gate.wait_for(str(server.port))
    # What the test's own server logs is not ours.
    ours = [record for record in caplog.records if record.name != "websockets.server"]
    assert not [text for record in ours if "canary" in (text := record.getMessage())]


@pytest.mark.parametrize("make", [tinyproxy, microsocks, danted])
async def test_an_encrypted_link_goes_through(make: Make, authority: Authority) -> None:
    async with websocket(tls=authority.context()) as server:
        with make() as gate:
            url = f"wss://localhost:{server.port}/"
            await talk_through(through(gate.url), url, authority.ca_file)
            gate.wait_for(str(server.port))
            error = await failure(url, proxy=through(gate.url))
            assert isinstance(error, TlsError)
            assert f"localhost:{server.port}" in str(error)
        assert len(server.headers) == 1, "the key went out unverified"


@pytest.mark.parametrize(("make", "scheme"), LOCKED, ids=NAMES)
@pytest.mark.fault("N12")
async def test_a_wrong_password_is_told(make: Make, scheme: str) -> None:
    async with websocket() as server:
        with make() as gate:
            url = scheme_of(gate, scheme).replace(PASSWORD, "canary-wrong")
            error = await failure(f"ws://localhost:{server.port}/", proxy=through(url))
        assert server.headers == []
    assert type(error) is ProxyRefusedError
    assert "refused the user name or password" in str(error)
    assert through(url).label in str(error)


@pytest.mark.parametrize(("make", "scheme"), LOCKED, ids=NAMES)
@pytest.mark.fault("N12")
async def test_a_missing_password_is_told(make: Make, scheme: str) -> None:
    async with websocket() as server:
        with make() as gate:
            url = re.sub(r"//.*@", "//", scheme_of(gate, scheme))
            error = await failure(f"ws://localhost:{server.port}/", proxy=through(url))
        assert server.headers == []
    assert type(error) is ProxyRefusedError
    assert "wants a user name and password" in str(error)


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [("socks4", "127.0.0.1"), ("socks5", "127.0.0.1"), ("socks5h", "localhost")],
)
@pytest.mark.fault("N17")
async def test_the_scheme_says_who_looks_up_the_name(scheme: str, asked: str) -> None:
    """danted notes what it was asked for when its rules forbid it."""
    async with websocket() as server:
        with danted(blocked=True) as gate:
            proxy = through(scheme_of(gate, scheme))
            error = await failure(f"ws://localhost:{server.port}/", proxy=proxy)
            gate.wait_for(f"{asked}.{server.port}")
        assert server.headers == []
    assert isinstance(error, ProxyError)
    if scheme.startswith("socks5"):
        assert type(error) is ProxyRefusedError
        assert "does not allow connections" in str(error)


@pytest.mark.fault("N17")
async def test_socks4a_leaves_the_name_to_the_proxy() -> None:
    async with websocket() as server, raw(socks4a) as gate:
        proxy = through(f"socks4a://jane@127.0.0.1:{gate.port}")
        await talk_through(proxy, f"ws://localhost:{server.port}/")
        assert gate.received == b"jane@localhost"


@pytest.mark.parametrize("make", [tinyproxy, microsocks, danted])
async def test_a_service_that_the_proxy_cannot_reach_is_told(
    make: Make, unused_tcp_port: int
) -> None:
    with make() as gate:
        error = await failure(f"ws://127.0.0.1:{unused_tcp_port}/", proxy=through(gate.url))
    assert isinstance(error, LinkError)
    assert error.retryable
    assert f"127.0.0.1:{unused_tcp_port}" in str(error)
    assert gate.label in str(error)


async def test_an_unknown_name_is_told_where_it_was_looked_up() -> None:
    with microsocks() as gate:
        url = "wss://no-such-host.invalid/"
        here = await failure(url, proxy=through(scheme_of(gate, "socks5")), deadline_s=20)
        there = await failure(url, proxy=through(gate.url), deadline_s=20)
    assert type(here) is LinkError
    assert "no-such-host.invalid was not found" in str(here)
    assert isinstance(there, ProxyError)
    assert gate.label in str(there)


@pytest.mark.parametrize(
    ("make", "scheme"),
    [(microsocks, "http"), (microsocks, "socks4"), (danted, "http"), (tinyproxy, "socks5h")],
)
@pytest.mark.fault("N14")
async def test_a_proxy_of_another_kind_is_told(make: Make, scheme: str) -> None:
    with make() as gate:
        proxy = through(scheme_of(gate, scheme))
        error = await failure("ws://127.0.0.1:1/", proxy=proxy, deadline_s=3)
    assert isinstance(error, ProxyError)
    assert proxy.label in str(error)
    assert "scheme" in error.hint


async def test_a_link_goes_through_an_encrypted_proxy(authority: Authority) -> None:
    async with websocket(tls=authority.context()) as server, websocket() as plain:
        with tinyproxy("user", PASSWORD) as gate:
            async with raw(relay_to(gate.port), tls=authority.context()) as front:
                proxy = through(f"https://user:{PASSWORD}@localhost:{front.port}")
                await talk_through(proxy, f"wss://localhost:{server.port}/", authority.ca_file)
                await talk_through(proxy, f"ws://localhost:{plain.port}/", authority.ca_file)
            gate.wait_for(str(server.port))
            gate.wait_for(str(plain.port))


async def test_an_encrypted_proxy_is_verified_before_it_gets_the_password(
    authority: Authority,
) -> None:
    async with raw(relay_to(1), tls=authority.context()) as front:
        proxy = through(f"https://user:{PASSWORD}@localhost:{front.port}")
        error = await failure("wss://localhost:1/", proxy=proxy)
        assert front.visits == 0
    assert isinstance(error, TlsError)
    assert f"the proxy {proxy.label}" in str(error)


async def test_a_proxy_without_encryption_is_told() -> None:
    with tinyproxy() as gate:
        proxy = through(scheme_of(gate, "https"))
        error = await failure("wss://localhost:1/", proxy=proxy, deadline_s=3)
    assert proxy.label in str(error)


@pytest.mark.parametrize("make", [tinyproxy, microsocks])
async def test_a_proxy_that_dies_ends_the_link(make: Make) -> None:
    async with websocket() as server:
        with make() as gate:
            url = f"ws://localhost:{server.port}/"
            async with connect(url, HEADERS, proxy=through(gate.url)) as link:
                gate.kill()
                with pytest.raises(LinkError) as caught:
                    async for _ in link:
                        pass
    assert caught.value.retryable


@pytest.mark.fault("N13")
async def test_a_stopped_proxy_ends_the_attempt_with_the_deadline() -> None:
    with microsocks() as gate:
        os.kill(gate.pid, signal.SIGSTOP)
        try:
            error = await failure("ws://127.0.0.1:1/", proxy=through(gate.url), deadline_s=1)
        finally:
            os.kill(gate.pid, signal.SIGCONT)
    assert isinstance(error, ProxyError)
    assert "within 1 s" in str(error)
