"""Certificates are always verified, and the key waits for them."""

import ssl
from pathlib import Path

import pytest

from tests.net import servers
from tests.net.servers import Authority, raw, self_signed, websocket
from tests.net.test_websocket import HEADERS, failure
from voicechat.errors import ConfigError, LinkError, TlsError
from voicechat.net.websocket import connect


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("scheme", ["wss", "https"])
async def test_a_known_certificate_is_accepted(authority: Authority, scheme: str) -> None:
    async with websocket(tls=authority.context()) as server:
        url = f"{scheme}://localhost:{server.port}/"
        async with connect(url, HEADERS, proxy=None, ca_file=authority.ca_file) as link:
            await link.send("hello")
            assert await anext(aiter(link)) == "hello"


async def _refused(context: ssl.SSLContext, ca_file: str = "", host: str = "localhost") -> TlsError:
    async with raw(servers.silent, tls=context) as server:
        error = await failure(f"wss://{host}:{server.port}/", ca_file=ca_file)
        assert server.received == b"", "the key went out"
    assert isinstance(error, TlsError)
    assert not error.retryable
    assert f"{host}:{server.port}" in str(error)
    return error


@pytest.mark.fault("N04")
async def test_an_unknown_authority_is_refused(authority: Authority) -> None:
    error = await _refused(authority.context())
    assert "authority that this machine does not know" in str(error)
    assert "ca_file" in error.hint


@pytest.mark.fault("N04")
async def test_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    error = await _refused(authority.context("api.example.com"), authority.ca_file)
    assert "another host" in str(error)


async def test_a_certificate_for_another_address_is_refused(authority: Authority) -> None:
    error = await _refused(authority.context("127.0.0.9"), authority.ca_file, "127.0.0.1")
    assert "another host" in str(error)


@pytest.mark.fault("N04")
async def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    error = await _refused(authority.context(expired=True), authority.ca_file)
    assert "expired" in str(error)


@pytest.mark.fault("N04")
async def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    assert "self-signed" in str(await _refused(self_signed(tmp_path)))


async def test_a_server_without_tls_is_told() -> None:
    async def talk(*streams: object) -> None:
        reader, writer, _ = streams
        await reader.read(1)  # type: ignore[attr-defined]
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # type: ignore[attr-defined]

    async with raw(talk) as server:
        error = await failure(f"wss://localhost:{server.port}/")
    assert isinstance(error, TlsError)
    assert "No encryption" in str(error)


async def test_a_line_cut_during_the_handshake_may_be_tried_again() -> None:
    async with raw(servers.hanging_up) as server:
        error = await failure(f"wss://localhost:{server.port}/")
    assert type(error) is LinkError
    assert error.retryable


@pytest.mark.fault("N05")
async def test_a_handshake_that_never_ends_ends_with_the_deadline() -> None:
    async with raw(servers.silent) as server:
        error = await failure(f"wss://localhost:{server.port}/", deadline_s=0.5)
    assert type(error) is LinkError
    assert "within 0.5 s" in str(error)


@pytest.mark.parametrize("content", [None, "", "no certificate", "\x00\xff"])
async def test_a_bad_ca_file_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    error = await failure("wss://localhost:1/", ca_file=str(path))
    assert type(error) is ConfigError
    assert str(path) in str(error)


async def test_a_directory_is_no_ca_file(tmp_path: Path) -> None:
    assert type(await failure("wss://localhost:1/", ca_file=str(tmp_path))) is ConfigError
