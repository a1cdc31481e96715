"""Whatever arrives, in whatever order: the dialect of OpenAI keeps its promises."""

from pathlib import Path

import pytest

from tests.providers.openai.noise import break_conversations, drop_every_field, recordings_of


@pytest.mark.fault("P12", "P15", "P18")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("openai")


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", recordings_of("openai"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)
