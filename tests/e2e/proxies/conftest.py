"""A program that trusts the tests' authority, and a service under a name that only proxies know."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.proxies.places import NAMES
from tests.fakes.ga_server import GaServer
from tests.net.servers import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def program(tmp_path: Path, authority: Authority) -> Program:
    program = Program(tmp_path)
    program.config.write_text(f'ca_file = "{authority.ca_file}"\n')
    return program


@pytest.fixture
async def service(authority: Authority) -> AsyncIterator[GaServer]:
    """Encrypted, as the real one is."""
    async with GaServer(tls=authority.context(*NAMES)) as server:
        yield server
