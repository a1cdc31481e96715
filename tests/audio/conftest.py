from collections.abc import Iterator

import pytest

from tests.fakes.pulse import PulseServer


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    """A private sound server with a virtual loudspeaker and a virtual microphone."""
    with PulseServer() as server:
        yield server
