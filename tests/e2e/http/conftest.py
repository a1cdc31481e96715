"""A program with a private sound server, beside the stand-in for a provider's HTTP services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.http.vendor import Vendor
from tests.e2e.plain.program import Program
from tests.e2e.voice.conftest import Stage, voice
from tests.fakes.pulse import PulseServer

__all__ = ["voice"]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as sound:
        yield sound


@pytest.fixture
def stage(tmp_path: Path, pulse: PulseServer) -> Iterator[Stage]:
    stage = Stage(tmp_path, pulse)
    yield stage
    stage.close()
