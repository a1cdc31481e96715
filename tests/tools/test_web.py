"""Servers of tools at an address: real ones, through real proxies, over TLS, and none at all."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from tests.fakes.proxies import RealProxy, danted, microsocks, tinyproxy
from tests.net.servers import raw, socks4a
from tests.tools.bench import Start, at_work, serving
from voicechat.config.schema import McpSection
from voicechat.errors import ConfigError
from voicechat.tools.web import Way, check_way


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with serving(tmp_path) as begin:
        yield begin


def at(url: str, **more: object) -> dict[str, McpSection]:
    return {"far": McpSection(url=url, allow=True, **more)}  # type: ignore[arg-type]


async def test_its_tools_are_offered_and_called(start: Start) -> None:
    async with at_work(servers=at(f"http://127.0.0.1:{start()}/mcp")) as bench:
        assert "far__read_file" in [tool.name for tool in bench.toolbox.tools()]
        result = await bench.call("far__read_file", '{"path": "/a"}')
        assert (result.output, result.is_error) == ("the text of /a", False)
        assert bench.told == []


async def test_a_server_that_was_started_anew_is_found_again(start: Start) -> None:
    port = start()
    async with at_work(servers=at(f"http://127.0.0.1:{port}/mcp")) as bench:
        assert not (await bench.call("far__read_file", '{"path": "/a"}')).is_error
        assert start(str(port)) == port
        while (await bench.call("far__read_file", '{"path": "/a"}')).is_error:
            await asyncio.sleep(0.1)


async def test_a_server_that_died_is_told_and_comes_back(start: Start) -> None:
    port = start()
    async with at_work(servers=at(f"http://127.0.0.1:{port}/mcp")) as bench:
        assert (await bench.call("far__die")).is_error
        result = await bench.call("far__read_file", '{"path": "/a"}')
        assert result.is_error and "The tool server far" in result.output
        assert any("far does not work" in line for line in bench.told)
        start(str(port))
        while (await bench.call("far__read_file", '{"path": "/a"}')).is_error:
            await asyncio.sleep(0.1)


WAYS: list[tuple[Callable[[], RealProxy], str]] = [
    (lambda: tinyproxy("me", "hunter2secret"), "http"),
    (danted, "socks4"),
    (lambda: microsocks("me", "hunter2secret"), "socks5"),
    (lambda: microsocks("me", "hunter2secret"), "socks5h"),
]


@pytest.mark.proxy
@pytest.mark.parametrize(("make", "scheme"), WAYS, ids=[scheme for _, scheme in WAYS])
async def test_it_is_reached_through_the_proxy(
    make: Callable[[], RealProxy], scheme: str, start: Start
) -> None:
    port = start()
    with make() as proxy:
        through = re.sub(r"^\w+", scheme, proxy.url)
        servers = at(f"http://localhost:{port}/mcp")
        async with at_work(servers=servers, find_proxy=lambda asked: through) as bench:
            assert not (await bench.call("far__read_file", '{"path": "/a"}')).is_error
        proxy.wait_for(str(port))


async def test_it_is_found_by_a_socks4a_proxy(start: Start) -> None:
    servers = at(f"http://localhost:{start()}/mcp")
    async with raw(socks4a) as proxy:
        through = f"socks4a://jane@127.0.0.1:{proxy.port}"
        async with at_work(servers=servers, find_proxy=lambda asked: through) as bench:
            assert not (await bench.call("far__read_file", '{"path": "/a"}')).is_error
        assert proxy.received.startswith(b"jane@localhost")


async def test_the_users_headers_are_sent_and_a_refusal_is_told() -> None:
    async with web_server("HTTP/1.1 401 Unauthorized", "no") as (port, heard):
        servers = at(f"http://127.0.0.1:{port}/mcp", headers={"X-Key": "canary-0123456789"})
        async with at_work(servers=servers) as bench:
            assert bench.told == [
                "The tool server far does not work: It wants a key. Look at headers"
            ]
        assert b"x-key: canary-0123456789" in heard[0].lower()


async def test_a_server_that_hangs_does_not_hold_the_end_up(start: Start) -> None:
    port = start()
    async with asyncio.timeout(20):
        async with at_work(servers=at(f"http://127.0.0.1:{port}/mcp")) as bench:
            pid = int((await bench.call("far__environment")).output.split()[0])
            bench.begin("far__hang")
            os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
    assert list(bench.answers) == ["call_1"]


async def test_a_web_page_is_no_server() -> None:
    async with (
        web_server("HTTP/1.1 200 OK", "<html>") as (port, _),
        at_work(servers=at(f"http://127.0.0.1:{port}/mcp")) as bench,
    ):
        assert len(bench.told) == 1 and "text/html" in bench.told[0]


async def test_no_server_at_all_is_told_without_its_address() -> None:
    servers = at("http://127.0.0.1:9/secret-path-0123456789")
    async with at_work(servers=servers) as bench:
        assert len(bench.told) == 1
        assert "127.0.0.1:9 refused the connection: nothing listens there" in bench.told[0]
        assert "secret-path" not in bench.told[0]
        result = await bench.call("far__x")
        assert result.is_error


@pytest.mark.fault("S05")
async def test_a_proxy_that_is_away_is_told_without_its_password() -> None:
    proxy = "socks5h://me:hunter2secret@127.0.0.1:9"
    servers = at("https://tools.example/mcp")
    async with at_work(servers=servers, find_proxy=lambda url: proxy) as bench:
        assert len(bench.told) == 1
        assert "The proxy socks5h://127.0.0.1:9 refused the connection" in bench.told[0]
        assert "hunter2" not in bench.told[0]


async def test_only_a_server_with_a_trusted_certificate_is_spoken_to(
    start: Start, tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate, ca_file = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(ca_file)
    servers = at(f"https://localhost:{start('0', str(certificate))}/mcp")
    async with at_work(servers=servers) as bench:
        assert len(bench.told) == 1
        assert "was issued by an authority that this machine does not know" in bench.told[0]
    async with at_work(servers=servers, ca_file=str(ca_file)) as bench:
        assert not (await bench.call("far__read_file", '{"path": "/a"}')).is_error
    async with at_work(servers=servers, ca_file=str(tmp_path / "none")) as bench:
        assert "ca_file" in bench.told[0]


@pytest.mark.parametrize("url", ["", "host/mcp", "ftp://host", "http://", "http://host:99999/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="no address"):
        check_way(Way(url, {}))


def test_headers_do_not_leave_this_machine_in_the_clear() -> None:
    headers = {"Authorization": "Bearer x"}
    check_way(Way("http://127.0.0.1:80/mcp", headers))
    check_way(Way("http://host/mcp", {}))
    check_way(Way("https://host/mcp", headers, "http://proxy:1"))
    for way in (
        Way("http://host/mcp", headers),
        Way("http://127.0.0.1:80/mcp", headers, "http://proxy:1"),
    ):
        with pytest.raises(ConfigError, match="readable on the way"):
            check_way(way)


@asynccontextmanager
async def web_server(status: str, body: str) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answers everything alike; what it heard is kept."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"{status}\r\nContent-Length: {len(body)}\r\nContent-Type: text/html\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard
