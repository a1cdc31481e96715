"""Nothing a link does may complain behind our back: stderr belongs to the screen."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _nobody_complains(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    loud = [
        record
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING
        and record.name.startswith(("asyncio", "voicechat"))
        # A busy machine is no complaint: told in asyncio's debug mode alone.
        and not record.msg.startswith("Executing ")
    ]
    assert not loud, [record.getMessage() for record in loud]
