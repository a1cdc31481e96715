"""The program through real proxies of every kind; the proxy's own log is the proof."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.e2e.plain.program import KEY, Outcome, Program, sent_to
from tests.e2e.proxies.places import (
    NAME,
    KnowingDanted,
    KnowingMicrosocks,
    KnowingTinyproxy,
    inside,
    write_hosts,
)
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer
from tests.fakes.proxies import RealProxy
from tests.net.servers import Authority, raw, relay_to, socks4a

pytestmark = pytest.mark.proxy

PASSWORD = "canary-pass"
Make = Callable[[], RealProxy]
OPEN: list[tuple[Make, str]] = [
    (KnowingTinyproxy, "http"),
    (KnowingMicrosocks, "socks5h"),
    (KnowingMicrosocks, "socks"),
    (KnowingDanted, "socks5h"),
]
"""Proxies that look names up themselves."""
NEARER: list[tuple[Make, str]] = [
    (KnowingMicrosocks, "socks5"),
    (KnowingDanted, "socks4"),
    (KnowingDanted, "socks5"),
]
"""Schemes with which the program looks them up."""
LOCKED: list[tuple[Make, str]] = [
    (lambda: KnowingTinyproxy("jane", PASSWORD), "http"),
    (lambda: KnowingMicrosocks("jane", PASSWORD), "socks5h"),
    (lambda: KnowingDanted(PASSWORD), "socks5h"),
]
IDS = ["tinyproxy", "microsocks", "danted"]


def as_scheme(proxy: RealProxy, scheme: str) -> str:
    """Its address, spelled with another scheme."""
    return re.sub(r"^\w+", scheme, proxy.url)


def address(service: GaServer, name: str = NAME) -> str:
    return f"wss://{name}:{service.port}/v1/realtime"


def arrived(done: Outcome, program: Program, service: GaServer) -> bool:
    """Whether the question was answered, through one connection, and no password was shown."""
    assert (done.code, done.err) == (0, "")
    assert service.attempts == 1
    assert sent_to(service)
    assert "canary-pass" not in done.out and not program.holds("canary-pass")
    return GREETING in done.out


# -- who names the proxy --------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "scheme"), OPEN)
async def test_an_option_names_the_proxy(
    program: Program, service: GaServer, make: Make, scheme: str
) -> None:
    with make() as proxy:
        done = await program.call(address(service), "--proxy", as_scheme(proxy, scheme), "--json")
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))
        shown = scheme.replace("socks", "socks5h") if scheme == "socks" else scheme
        assert done.of("ready")[0]["proxy"] == f"{shown}://127.0.0.1:{proxy.port}"


@pytest.mark.parametrize(("make", "scheme"), NEARER)
@pytest.mark.fault("N17")
async def test_the_program_looks_names_up_where_the_scheme_says_so(
    program: Program, service: GaServer, make: Make, scheme: str
) -> None:
    program.prefix = inside(write_hosts(program.home))
    with make() as proxy:
        done = await program.call(address(service), "--proxy", as_scheme(proxy, scheme))
        assert arrived(done, program, service)
        assert NAME not in proxy.wait_for(str(service.port))


@pytest.mark.parametrize(("make", "scheme"), NEARER)
@pytest.mark.fault("N17")
async def test_a_name_only_the_proxy_knows_needs_the_other_scheme(
    program: Program, service: GaServer, make: Make, scheme: str
) -> None:
    with make() as proxy:
        done = await program.call(address(service), "--proxy", as_scheme(proxy, scheme))
    assert NAME in done.failed_with_one_line()
    assert service.attempts == 0


@pytest.mark.fault("N17")
async def test_socks4a_leaves_the_name_to_the_proxy(program: Program, service: GaServer) -> None:
    async with raw(socks4a) as proxy:
        url = f"socks4a://jane@127.0.0.1:{proxy.port}"
        done = await program.call(address(service), "--proxy", url)
        assert proxy.received == f"jane@{NAME}".encode()
    assert arrived(done, program, service)


@pytest.mark.parametrize(("make", "scheme"), OPEN)
async def test_the_config_names_the_proxy(
    program: Program, service: GaServer, make: Make, scheme: str
) -> None:
    with make() as proxy:
        with program.config.open("a") as config:
            config.write(f'proxy = "{as_scheme(proxy, scheme)}"\n')
        done = await program.call(address(service))
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))


@pytest.mark.parametrize(
    ("variable", "make", "scheme"),
    [
        ("ALL_PROXY", KnowingMicrosocks, "socks5h"),
        ("ALL_PROXY", KnowingDanted, "socks5h"),
        ("ALL_PROXY", KnowingMicrosocks, "socks"),
        ("all_proxy", KnowingMicrosocks, "socks5h"),
        ("HTTPS_PROXY", KnowingTinyproxy, "http"),
        ("https_proxy", KnowingTinyproxy, "http"),
        ("HTTPS_PROXY", KnowingMicrosocks, "socks5h"),
        ("WSS_PROXY", KnowingTinyproxy, "http"),
        ("wss_proxy", KnowingMicrosocks, "socks5h"),
    ],
)
async def test_the_environment_alone_names_the_proxy(
    program: Program, service: GaServer, variable: str, make: Make, scheme: str
) -> None:
    with make() as proxy:
        env = {variable: as_scheme(proxy, scheme)}
        done = await program.call(address(service), env=env)
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))


async def test_an_address_without_a_scheme_is_an_http_proxy(
    program: Program, service: GaServer
) -> None:
    with KnowingTinyproxy() as proxy:
        env = {"HTTPS_PROXY": f"127.0.0.1:{proxy.port}"}
        assert arrived(await program.call(address(service), env=env), program, service)
        proxy.wait_for(f"{NAME}:{service.port}")


async def test_the_option_counts_more_than_config_and_environment(
    program: Program, service: GaServer
) -> None:
    with program.config.open("a") as config:
        config.write('proxy = "http://127.0.0.1:1"\n')
    with KnowingMicrosocks() as proxy:
        env = {"ALL_PROXY": "http://127.0.0.1:2"}
        done = await program.call(address(service), "--proxy", proxy.url, env=env)
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))


async def test_the_config_counts_more_than_the_environment(
    program: Program, service: GaServer
) -> None:
    with KnowingMicrosocks() as proxy:
        with program.config.open("a") as config:
            config.write(f'proxy = "{proxy.url}"\n')
        done = await program.call(address(service), env={"ALL_PROXY": "http://127.0.0.1:2"})
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))


# -- when it stays out of the way -----------------------------------------------------------------


@pytest.mark.parametrize("exception", [NAME, f".{NAME}", ".test", "*", f"other.example, {NAME}"])
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.fault("N16")
async def test_an_exempted_host_is_reached_directly(
    program: Program, service: GaServer, variable: str, exception: str
) -> None:
    program.prefix = inside(write_hosts(program.home))
    with KnowingMicrosocks() as proxy:
        env = {"ALL_PROXY": proxy.url, variable: exception}
        assert arrived(await program.call(address(service), env=env), program, service)
        assert str(service.port) not in proxy.log()


async def test_an_exemption_of_others_changes_nothing(program: Program, service: GaServer) -> None:
    with KnowingMicrosocks() as proxy:
        env = {"ALL_PROXY": proxy.url, "NO_PROXY": "localhost,127.0.0.1,ice.test"}
        assert arrived(await program.call(address(service), env=env), program, service)
        proxy.wait_for(str(service.port))


@pytest.mark.parametrize("way", ["option", "config"])
async def test_none_goes_directly_whatever_the_environment_says(
    program: Program, service: GaServer, way: str
) -> None:
    program.prefix = inside(write_hosts(program.home))
    if way == "config":
        with program.config.open("a") as config:
            config.write('proxy = "none"\n')
    with KnowingMicrosocks() as proxy:
        options = ("--proxy", "none") if way == "option" else ()
        done = await program.call(address(service), *options, env={"ALL_PROXY": proxy.url})
        assert arrived(done, program, service)
        assert str(service.port) not in proxy.log()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
@pytest.mark.fault("N16")
async def test_this_machine_is_not_reached_through_the_environments_proxy(
    program: Program, service: GaServer, name: str
) -> None:
    env = {"ALL_PROXY": "socks5h://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"}
    assert arrived(await program.call(address(service, name), env=env), program, service)


@pytest.mark.parametrize("way", ["option", "config"])
async def test_this_machine_is_reached_through_a_proxy_that_was_named(
    program: Program, way: str
) -> None:
    async with GaServer() as server:
        with KnowingMicrosocks() as proxy:
            with program.config.open("a") as config:
                config.write(f'proxy = "{proxy.url}"\n' if way == "config" else "")
            options = ("--proxy", proxy.url) if way == "option" else ()
            assert arrived(await program.call(server, *options), program, server)
            proxy.wait_for(str(server.port))


@pytest.mark.parametrize("way", ["option", "config", "environment"])
@pytest.mark.fault("N16")
async def test_the_built_in_model_is_never_reached_through_a_proxy(
    program: Program, way: str
) -> None:
    with KnowingTinyproxy() as proxy:
        if way == "config":
            with program.config.open("a") as config:
                config.write(f'proxy = "{proxy.url}"\n')
        options = ("--proxy", proxy.url) if way == "option" else ()
        env = {"ALL_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url}
        done = await program.run(
            "--json",
            "--model",
            "local",
            *options,
            stdin="hello\n",
            env=env if way == "environment" else {},
        )
        assert "Request" not in proxy.log()
    assert (done.code, done.err) == (0, "")
    assert done.of("ready")[0]["proxy"] == ""


# -- passwords and encryption ---------------------------------------------------------------------


@pytest.mark.parametrize("way", ["option", "config", "environment"])
@pytest.mark.parametrize(("make", "scheme"), LOCKED, ids=IDS)
async def test_a_password_opens_the_way(
    program: Program, service: GaServer, make: Make, scheme: str, way: str
) -> None:
    with make() as proxy:
        if way == "config":
            with program.config.open("a") as config:
                config.write(f'proxy = "{proxy.url}"\n')
        options = ("--proxy", proxy.url) if way == "option" else ()
        env = {"ALL_PROXY": proxy.url} if way == "environment" else {}
        trace = ("--trace", "wire.jsonl")
        done = await program.call(address(service), *options, *trace, "--json", env=env)
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))
        assert done.of("ready")[0]["proxy"] == proxy.label


async def test_a_password_with_special_characters_arrives(
    program: Program, service: GaServer
) -> None:
    with KnowingMicrosocks("jane@home", "canary-pass:/?#%") as proxy:
        login = f"{quote(proxy.user, safe='')}:{quote(proxy.password, safe='')}"
        url = f"socks5h://{login}@127.0.0.1:{proxy.port}"
        done = await program.call(address(service), env={"ALL_PROXY": url})
        assert arrived(done, program, service)
        proxy.wait_for(str(service.port))


@pytest.mark.parametrize("way", ["option", "config", "HTTPS_PROXY", "ALL_PROXY"])
async def test_an_encrypted_proxy_is_gone_through(
    program: Program, service: GaServer, authority: Authority, way: str
) -> None:
    with KnowingTinyproxy("jane", PASSWORD) as proxy:
        async with raw(relay_to(proxy.port), tls=authority.context()) as front:
            url = f"https://jane:{PASSWORD}@localhost:{front.port}"
            if way == "config":
                with program.config.open("a") as config:
                    config.write(f'proxy = "{url}"\n')
            options = ("--proxy", url) if way == "option" else ()
            env = {way: url} if way.isupper() else {}
            done = await program.call(address(service), *options, "--json", env=env)
            assert front.visits == 1
        assert arrived(done, program, service)
        proxy.wait_for(f"{NAME}:{service.port}")
    assert done.of("ready")[0]["proxy"] == f"https://localhost:{front.port}"


async def test_a_spoken_answer_comes_whole_through_a_proxy(
    program: Program, service: GaServer
) -> None:
    with KnowingMicrosocks("jane", PASSWORD) as proxy:
        options = ("--save-reply", "reply.wav", "--json")
        done = await program.call(address(service), *options, env={"ALL_PROXY": proxy.url})
        assert arrived(done, program, service)
    assert sum(event["ms"] for event in done.of("reply_audio")) == 4000
    assert KEY not in done.out
