"""Every provider's recorded conversations mean today what they meant yesterday.

To accept a change: `VOICECHAT_WRITE_GOLDEN=1 python -m pytest tests/providers/test_wire.py`, then
read the diff.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import gemini_check, gptlive_check, official
from tests.providers.wire import KEY, WIRE, dialect_of, golden, played, read, recordings, replay
from voicechat.events import ReplyFinished, ReplyStarted
from voicechat.providers import names

VALIDATORS: dict[str, Callable[[dict[str, Any], official.Shape], None]] = {
    "azure": official.check,
    "gemini": lambda message, _: gemini_check.check(message),
    "gptlive": lambda message, _: gptlive_check.check(message),
    "openai": official.check,
}
"""Providers with official Python types of their client messages."""

OURS = ("chat", "local")
"""Providers that are served by a process of our own, and are tested with it."""

UNTYPED = ("gemini",)
"""Providers whose messages are known by their only field."""

STOPS = ("response.cancel", "conversation.item.truncate", "conversation.item.delete")
"""What ends a reply, and what makes the model forget what nobody heard of it."""

each_recording = pytest.mark.parametrize(
    "recording", recordings(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)


@each_recording
def test_recording_gives_the_golden_text(recording: Path) -> None:
    written = golden(recording)
    expected = recording.with_suffix(".txt")
    if os.environ.get("VOICECHAT_WRITE_GOLDEN"):
        expected.write_text(written, "utf-8")
    assert expected.exists(), f"no golden text beside {recording.name}: see the top of this file"
    assert written == expected.read_text("utf-8")


@each_recording
def test_every_message_we_send_is_one_of_the_official_types(recording: Path) -> None:
    check = VALIDATORS.get(recording.parent.name)
    shapes = read(recording)[0].get("shapes", ["ga"])
    for _, _, messages in replay(recording):
        for message in messages:
            assert recording.parent.name in UNTYPED or message["type"]
            if check:
                _check_any(check, message, shapes)


def _check_any(
    check: Callable[[dict[str, Any], official.Shape], None],
    message: dict[str, Any],
    shapes: list[official.Shape],
) -> None:
    """The message is good in the shape the server asked for last, or was so in the first."""
    for shape in shapes[:-1]:
        try:
            return check(message, shape)
        except AssertionError:
            continue
    return check(message, shapes[-1])


@each_recording
def test_every_reply_that_starts_also_ends_once(recording: Path) -> None:
    events = [event for _, given, _ in replay(recording) for event in given]
    started = [event.reply_id for event in events if isinstance(event, ReplyStarted)]
    finished = [event.reply_id for event in events if isinstance(event, ReplyFinished)]
    assert len(finished) == len(set(finished))
    assert set(started) <= set(finished)


@each_recording
def test_no_event_and_no_message_shows_the_key(recording: Path) -> None:
    for words, given, messages in replay(recording):
        assert KEY not in words + repr(given) + json.dumps(messages)


@pytest.mark.parametrize("provider", [name for name in names() if name not in OURS])
def test_every_provider_has_recorded_conversations(provider: str) -> None:
    assert list((WIRE / provider).glob("*.jsonl"))


@pytest.mark.parametrize("folder", sorted(path.name for path in WIRE.iterdir() if path.is_dir()))
def test_recordings_belong_to_a_provider_that_exists(folder: str) -> None:
    assert folder in names()
    assert list((WIRE / folder).glob("*.jsonl"))


@each_recording
def test_a_message_tells_how_much_speech_it_carries(recording: Path) -> None:
    """By that a slow line knows what waits on it."""
    dialect = dialect_of(recording.parent.name, read(recording)[0])
    for _, _, messages in played(dialect, recording):
        for outgoing in messages:
            message = json.loads(outgoing.text)
            sound = str(sound_of(message))
            expected = len(sound) * 3 / 4 / dialect.sound_bytes_per_s
            assert outgoing.sound_s == pytest.approx(expected, abs=0.005), outgoing.text[:200]
            assert outgoing.is_urgent is (message.get("type") in STOPS)


def sound_of(message: dict[str, Any]) -> object:
    streamed = message.get("realtimeInput", {}).get("audio", {})
    kind = str(message.get("type"))
    is_sound = kind.endswith(("input_audio_buffer.append", "input_audio.append"))
    appended = message["audio"] if is_sound else ""
    return streamed.get("data") or appended
