"""Whatever arrives, in whatever order: the dialect of OpenAI keeps its promises."""

from pathlib import Path

import pytest

from tests.providers.openai_noise import (
    break_conversations,
    broken,
    drop_every_field,
    recordings_of,
)

__all__ = ["broken"]
"""Other dialects break their conversations in the same way."""


@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("openai")


@pytest.mark.parametrize("recording", recordings_of("openai"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)
