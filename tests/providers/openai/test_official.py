"""The check itself must be able to fail."""

from typing import Any

import pytest

from tests.fakes.official import Shape, check

GOOD: list[dict[str, Any]] = [
    {"type": "input_audio_buffer.append", "audio": "AAA="},
    {"type": "response.create", "response": {"metadata": {"any": "key"}}},
    {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    },
]


@pytest.mark.parametrize("message", GOOD)
def test_what_the_reference_shows_passes(message: dict[str, Any]) -> None:
    check(message)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "response.cancle"}, "type"),
        ({"type": "input_audio_buffer.append"}, "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AA==", "rate": 1}, "append.rate"),
        ({"type": "session.update", "session": {"instructions": "x"}}, "type"),
        ({"type": "session.update", "session": {"type": "realtime", "voice": "x"}}, "voice"),
        (
            {
                "type": "session.update",
                "session": {
                    "type": "realtime",
                    "audio": {"input": {"turn_detection": {"type": "server_vad", "silence": 1}}},
                },
            },
            "session.audio.input.turn_detection.silence",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "x", "words": 1}],
                },
            },
            "content[0].words",
        ),
        ({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0}, "audio_end"),
    ],
)
def test_what_the_types_do_not_know_fails_with_its_path(message: dict[str, Any], path: str) -> None:
    with pytest.raises(AssertionError, match=path.replace(".", r"\.").replace("[", r"\[")):
        check(message)


@pytest.mark.parametrize(("shape", "is_good"), [("beta", True), ("ga", False)])
def test_flat_settings_are_good_only_in_the_beta(shape: Shape, is_good: bool) -> None:
    message = {"type": "session.update", "session": {"input_audio_format": "pcm16"}}
    if is_good:
        check(message, shape)
        return
    with pytest.raises(AssertionError):
        check(message, shape)
