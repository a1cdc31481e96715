"""A program in a home of its own for every test."""

from pathlib import Path

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.voice.conftest import voice

__all__ = ["voice"]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)
