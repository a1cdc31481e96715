"""The local model as a real process, once for each module of tests."""

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cascade.peer import Peer, meet
from tests.cascade.vendor import Vendor, open_shop
from tests.fakes.http_speech import HttpSpeechServer
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import Endpoint, LocalProcess, start


@pytest.fixture(scope="session", autouse=True)
def espeak() -> None:
    assert shutil.which("espeak-ng"), "these tests need espeak-ng (Debian: espeak-ng)"


@pytest.fixture(scope="module")
def echo_process() -> Iterator[LocalProcess]:
    process = start(LocalOptions(mind="echo"))
    yield process
    process.close()


@pytest.fixture
async def echo(echo_process: LocalProcess) -> Endpoint:
    """The built-in echo with espeak-ng for a mouth."""
    return await echo_process.endpoint()


@pytest.fixture
async def peer(echo: Endpoint) -> AsyncIterator[Peer]:
    """A fresh session with the echo."""
    async with meet(echo) as peer:
        yield peer


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """A fake of a paid service."""
    async with open_shop() as vendor:
        yield vendor


@pytest.fixture
def speech_server() -> Iterator[HttpSpeechServer]:
    """Vendors of ears and mouths."""
    with HttpSpeechServer() as server:
        yield server
