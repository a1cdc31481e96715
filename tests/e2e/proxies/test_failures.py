"""Proxies that refuse, hang, or are none: one line that names the proxy, and never its password."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.e2e.plain.program import Outcome, Program
from tests.e2e.proxies.places import NAME, KnowingMicrosocks
from tests.e2e.proxies.test_ways import IDS, LOCKED, Make, address, as_scheme
from tests.fakes.ga_server import GaServer
from tests.fakes.proxies import RealProxy, danted, microsocks, tinyproxy
from tests.net.servers import Authority, hanging_up, http, raw, relay_to, self_signed, silent

pytestmark = pytest.mark.proxy

SECRETS = ("canary-pass", "canary-wrong")


def blamed(done: Outcome, program: Program, label: str, code: int = 1) -> str:
    """The one line, which names the proxy; no password is anywhere."""
    line = done.failed_with_one_line(code)
    assert label in line
    for secret in SECRETS:
        assert secret not in done.out + done.err
        assert not program.holds(secret)
    return line


@pytest.mark.parametrize("way", ["option", "environment"])
@pytest.mark.parametrize(("make", "scheme"), LOCKED, ids=IDS)
@pytest.mark.fault("N12")
async def test_a_wrong_password_is_told(
    program: Program, service: GaServer, make: Make, scheme: str, way: str
) -> None:
    with make() as proxy:
        url = as_scheme(proxy, scheme).replace("canary-pass", "canary-wrong")
        options = ("--proxy", url) if way == "option" else ()
        env = {"ALL_PROXY": url} if way == "environment" else {}
        trace = ("--trace", "wire.jsonl")
        done = await program.call(address(service), *options, *trace, env=env)
        line = blamed(done, program, proxy.label)
    assert "refused the user name or password" in line
    assert ("--proxy" if way == "option" else "ALL_PROXY") in line
    assert service.attempts == 0


@pytest.mark.parametrize(("make", "scheme"), LOCKED, ids=IDS)
@pytest.mark.fault("N12")
async def test_a_missing_password_is_told(
    program: Program, service: GaServer, make: Make, scheme: str
) -> None:
    with make() as proxy:
        done = await program.call(address(service), "--proxy", proxy.label)
        assert "wants a user name and password" in blamed(done, program, proxy.label)
    assert service.attempts == 0


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5", "socks5h"])
@pytest.mark.fault("N11")
async def test_a_proxy_that_does_not_run_is_told(
    program: Program, service: GaServer, unused_tcp_port: int, scheme: str
) -> None:
    url = f"{scheme}://jane:canary-pass@127.0.0.1:{unused_tcp_port}"
    done = await program.call(address(service, "localhost"), "--proxy", url)
    line = blamed(done, program, f"{scheme}://127.0.0.1:{unused_tcp_port}")
    assert "refused the connection" in line


@pytest.mark.parametrize("make", [tinyproxy, microsocks, danted])
async def test_a_service_the_proxy_cannot_reach_is_told(
    program: Program, unused_tcp_port: int, make: Callable[[], RealProxy]
) -> None:
    with make() as proxy:
        url = f"wss://127.0.0.1:{unused_tcp_port}/v1/realtime"
        done = await program.call(url, "--proxy", proxy.url)
        assert f"127.0.0.1:{unused_tcp_port}" in blamed(done, program, proxy.label)


async def test_a_proxy_that_forbids_the_way_is_told(program: Program, service: GaServer) -> None:
    with danted(blocked=True) as proxy:
        done = await program.call(address(service, "localhost"), "--proxy", proxy.url)
        assert "does not allow connections" in blamed(done, program, proxy.label)
    assert service.attempts == 0


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5h"])
@pytest.mark.fault("N13")
async def test_a_hanging_proxy_is_given_up(program: Program, scheme: str) -> None:
    async with raw(silent) as proxy:
        url = f"{scheme}://jane:canary-pass@127.0.0.1:{proxy.port}"
        done = await program.call("wss://127.0.0.1:9/v1/realtime", "--proxy", url)
    line = blamed(done, program, f"{scheme}://127.0.0.1:{proxy.port}")
    assert "within 10 s" in line


@pytest.mark.fault("N13")
async def test_a_stopped_proxy_is_given_up(program: Program, service: GaServer) -> None:
    with KnowingMicrosocks() as proxy:
        os.kill(proxy.pid, signal.SIGSTOP)
        try:
            done = await program.call(address(service), env={"ALL_PROXY": proxy.url})
        finally:
            os.kill(proxy.pid, signal.SIGCONT)
        assert "within 10 s" in blamed(done, program, proxy.label)


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
@pytest.mark.fault("N14")
async def test_a_web_server_on_the_socks_port_is_told(program: Program, scheme: str) -> None:
    async with raw(http("400 Bad Request", "no")) as web:
        url = f"{scheme}://127.0.0.1:{web.port}"
        done = await program.call("wss://127.0.0.1:9/v1/realtime", "--proxy", url)
    assert "scheme" in blamed(done, program, url) or scheme == "socks4"


@pytest.mark.fault("N14")
async def test_a_socks_proxy_on_the_http_port_is_told(program: Program, service: GaServer) -> None:
    with microsocks() as proxy:
        url = as_scheme(proxy, "http")
        done = await program.call(address(service, "localhost"), "--proxy", url)
    assert "scheme" in blamed(done, program, url)


async def test_a_proxy_that_hangs_up_is_told(program: Program) -> None:
    async with raw(hanging_up) as proxy:
        url = f"socks5h://127.0.0.1:{proxy.port}"
        done = await program.call("wss://127.0.0.1:9/v1/realtime", "--proxy", url)
    blamed(done, program, url)


async def test_an_encrypted_proxy_that_nobody_vouches_for_gets_no_password(
    program: Program, service: GaServer
) -> None:
    async with raw(relay_to(1), tls=self_signed(program.home)) as front:
        url = f"https://jane:canary-pass@localhost:{front.port}"
        done = await program.call(address(service), "--proxy", url)
        assert front.visits == 0
    assert "certificate" in blamed(done, program, f"https://localhost:{front.port}")


async def test_the_services_certificate_is_verified_behind_a_proxy(
    program: Program, authority: Authority
) -> None:
    async with GaServer(tls=authority.context("api.example.com")) as server:
        with KnowingMicrosocks() as proxy:
            done = await program.call(address(server), env={"ALL_PROXY": proxy.url})
            proxy.wait_for(str(server.port))
        assert server.attempts == 0, "the key went out"
    line = done.failed_with_one_line()
    assert f"{NAME}:{server.port}" in line and "another host" in line


@pytest.mark.fault("N01")
async def test_a_name_that_nobody_knows_is_told(program: Program) -> None:
    with microsocks() as proxy:
        done = await program.call(f"wss://{NAME}/v1/realtime", env={"ALL_PROXY": proxy.url})
        assert NAME in blamed(done, program, proxy.label)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://jane:canary-pass@127.0.0.1:1",
        "socks5h://jane:canary-pass@",
        "http://jane:canary-pass@127.0.0.1:99999",
        "http://jane:canary-pass@127.0.0.1:1/path",
        "http://jane:canary#pass@127.0.0.1:1",
    ],
)
@pytest.mark.parametrize("way", ["option", "config", "ALL_PROXY"])
@pytest.mark.fault("N15")
async def test_an_address_that_is_no_proxy_is_told_before_anybody_is_called(
    program: Program, service: GaServer, url: str, way: str
) -> None:
    if way == "config":
        with program.config.open("a") as config:
            config.write(f'proxy = "{url}"\n')
    options = ("--proxy", url) if way == "option" else ()
    env = {way: url} if way.isupper() else {}
    done = await program.call(address(service), *options, env=env)
    where = {"option": "--proxy", "config": "config", "ALL_PROXY": "ALL_PROXY"}[way]
    assert where in done.failed_with_one_line(2)
    assert "canary" not in done.out + done.err
    assert service.attempts == 0


async def test_a_proxy_that_dies_in_the_call_ends_it(
    program: Program, authority: Authority
) -> None:
    context = authority.context(NAME)
    async with GaServer("real_time", tls=context) as server:
        with KnowingMicrosocks() as proxy:
            given = ("--save-reply", "reply.wav", "--retry-for", "0")
            options = program.call_options(address(server), *given)
            env = {"ALL_PROXY": proxy.url, "OPENAI_API_KEY": "sk-canary"}
            async with program.running(*options, env=env) as process:
                assert process.stdin and process.stdout and process.stderr
                process.stdin.write(b"hello\n")
                await process.stdin.drain()
                await process.stdout.readexactly(4)
                proxy.kill()
                err = await process.stderr.read()
                assert await process.wait() == 1
    assert err.startswith(b"voicechat: ") and err.count(b"\n") == 1
