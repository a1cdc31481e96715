"""The recorded wire: complete, without secrets, without sound, and never in the way."""

import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from voicechat.connection.trace import Trace, read
from voicechat.errors import ConfigError
from voicechat.text.clean import MASK

KEY = "canary-0123456789"


def recorded(path: Path, *messages: Any, **options: Any) -> list[dict[str, Any]]:
    trace = Trace(path, [KEY], **options)
    for message in messages:
        trace.record("up", message if isinstance(message, str | bytes) else json.dumps(message))
    trace.close()
    return [entry.message for entry in read(path)]


def test_both_directions_are_recorded_with_their_time(tmp_path: Path) -> None:
    now = 100.0
    path = tmp_path / "wire.jsonl"
    trace = Trace(path, clock=lambda: now)
    trace.record("up", '{"type":"session.update"}')
    now = 101.25
    trace.record("down", b'{"setupComplete":{}}')
    trace.note("closed 1000")
    trace.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"at": 0.0, "dir": "up", "message": {"type": "session.update"}},
        {"at": 1.25, "dir": "down", "message": {"setupComplete": {}}},
        {"at": 1.25, "dir": "note", "message": {"text": "closed 1000"}},
    ]
    assert [(entry.at, entry.direction) for entry in read(path)] == [
        (0.0, "up"),
        (1.25, "down"),
        (1.25, "note"),
    ]


def test_every_line_is_on_the_disk_at_once(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "wire.jsonl")
    trace.record("up", '{"n":1}')
    assert read(tmp_path / "wire.jsonl")[0].message == {"n": 1}
    trace.close()


SOUND = b64encode(bytes(480)).decode()


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            {"type": "input_audio_buffer.append", "audio": SOUND},
            {"type": "input_audio_buffer.append", "audio": {"bytes": 480}},
        ),
        (
            {"type": "response.output_audio.delta", "delta": "AAA="},
            {"type": "response.output_audio.delta", "delta": {"bytes": 2}},
        ),
        (
            {"type": "response.output_text.delta", "delta": "AAA="},
            {"type": "response.output_text.delta", "delta": "AAA="},
        ),
        (
            {"realtimeInput": {"audio": {"data": SOUND, "mimeType": "audio/pcm"}}},
            {"realtimeInput": {"audio": {"data": {"bytes": 480}, "mimeType": "audio/pcm"}}},
        ),
        ({"image_url": SOUND}, {"image_url": {"bytes": 480}}),
        ({"type": "x", "audio": {"format": "pcm"}}, {"type": "x", "audio": {"format": "pcm"}}),
    ],
)
def test_sound_is_recorded_as_its_length(tmp_path: Path, message: Any, shown: Any) -> None:
    assert recorded(tmp_path / "t", message) == [shown]
    assert recorded(tmp_path / "t", message, full=True) == [message]


@pytest.mark.fault("S02")
@pytest.mark.parametrize(
    "message",
    [
        {"error": {"message": f"Incorrect API key provided: {KEY}"}},
        {"deep": [{"a": [f"x{KEY}y"]}]},
        {"client_secret": {"value": "ek_68af296e8e4081"}, "x": f"Bearer {KEY}"},
        {"authorization": "short", "api_key": "short", "token": "short"},
        f"not json {KEY}",
        f'["{KEY}"]',
        f'"{KEY}"',
    ],
)
@pytest.mark.parametrize("full", [False, True])
def test_no_secret_is_recorded(tmp_path: Path, message: Any, full: bool) -> None:
    path = tmp_path / "wire.jsonl"
    assert len(recorded(path, message, full=full)) == 1
    text = path.read_text()
    assert KEY not in text and "ek_68" not in text and '"short"' not in text
    assert json.dumps(MASK)[1:-1] in text


def test_a_secret_learnt_later_is_hidden_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    trace = Trace(path)
    trace.hide("local-token-77")
    trace.note("token local-token-77")
    trace.close()
    assert "local-token-77" not in path.read_text()


def test_counts_are_not_taken_for_secrets(tmp_path: Path) -> None:
    usage = {"usage": {"total_tokens": 12, "input_tokens": 3, "text": "tokens are words"}}
    assert recorded(tmp_path / "t", usage) == [usage]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("hello", {"raw": "hello", "characters": 5}),
        (b"\x00\xff\x01", {"bytes": 3}),
        ("[" * 100_000, {"raw": "[" * 10_000, "characters": 100_000}),
        ("[1, 2]", {"raw": [1, 2]}),
    ],
)
def test_anything_can_be_recorded(tmp_path: Path, message: str | bytes, shown: Any) -> None:
    assert recorded(tmp_path / "t", message) == [shown]


@pytest.mark.fault("T02")
def test_the_file_is_plain_text_for_any_terminal(tmp_path: Path) -> None:
    path = tmp_path / "t"
    evil = {"text": "\x1b[31m\x7f\x9b\u202e\ud800 你好"}
    assert recorded(path, evil) == [evil]
    assert all(32 <= byte < 127 or byte == 10 for byte in path.read_bytes())


@pytest.mark.fault("S07")
def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    path.write_text("an older trace\n")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        assert recorded(path, {"n": 1}) == [{"n": 1}]
        assert recorded(tmp_path / "new", {"n": 1}) == [{"n": 1}]
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["none/wire.jsonl", ".", "a\0b"])
def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        Trace(tmp_path / name)


def test_a_disk_that_fills_up_later_does_not_disturb_the_call() -> None:
    mode = os.stat("/dev/full").st_mode
    trace = Trace(Path("/dev/full"))
    for _ in range(3):
        trace.record("up", '{"n":1}')
    trace.close()
    assert os.stat("/dev/full").st_mode == mode


def test_what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "t")
    trace.close()
    trace.record("up", '{"n":1}')
    trace.close()
    assert read(tmp_path / "t") == []


def test_reading_skips_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "t"
    good = b'{"at":1,"dir":"up","message":{"n":1}}\n'
    path.write_bytes(good + b"\x00\xff\n[]\n{}\n" + b"[" * 90_000 + b"\n" + good + good[:9])
    assert [entry.message for entry in read(path)] == [{"n": 1}, {"n": 1}]
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none")
