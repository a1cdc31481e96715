"""The JSON objects of events: their names and fields are a contract."""

import json
from dataclasses import replace
from typing import get_args

import pytest

from voicechat.audio.echo.echo import EchoStats
from voicechat.audio.playback.jitter import Stats
from voicechat.errors import ConfigError, LinkError, VoiceChatError
from voicechat.events import (
    Event,
    InputFailed,
    InputTranscript,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    Resumable,
    Retrying,
    SessionEnding,
    SessionExpired,
    SessionMetered,
    SessionPaused,
    SessionReady,
    SessionResumed,
    SpeechStarted,
    SpeechStopped,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
    Unknown,
    Usage,
    WentOffline,
)
from voicechat.front.plain.json_events import describe, describe_cost, describe_sound
from voicechat.session.state.snapshot import Snapshot

CASES: list[tuple[Event | VoiceChatError, dict[str, object] | None]] = [
    (SessionReady("s1", "m"), {"event": "ready", "model": "m", "session_id": "s1"}),
    (WentOffline("t", "h"), {"event": "offline", "text": "t", "hint": "h"}),
    (Retrying(1.25), {"event": "retrying", "seconds": 1.2}),
    (Notice("c", "t"), {"event": "notice", "code": "c", "text": "t"}),
    (SpeechStarted("i"), {"event": "speech_started"}),
    (SpeechStopped("i"), {"event": "speech_stopped"}),
    (TurnCommitted("i"), None),
    (
        InputTranscript("i", "a"),
        {"event": "user_delta", "id": "i", "text": "a", "spoken": True},
    ),
    (
        InputTranscript("i", "ab", final=True),
        {"event": "user", "id": "i", "text": "ab", "spoken": True},
    ),
    (
        InputFailed("i", "no"),
        {"event": "notice", "code": "not_transcribed", "text": "no", "id": "i"},
    ),
    (ReplyStarted("r"), {"event": "reply_started", "reply": "r"}),
    (
        ReplyAudio("r", "i", bytes(48_000)),
        {"event": "reply_audio", "reply": "r", "id": "i", "ms": 1000},
    ),
    (ReplyText("r", "i", "a"), {"event": "reply_delta", "reply": "r", "id": "i", "text": "a"}),
    (
        ReplyText("r", "i", "ab", final=True),
        {"event": "reply_text", "reply": "r", "id": "i", "text": "ab"},
    ),
    (
        ReplyFinished("r", "failed", "c", "m"),
        {
            "event": "reply_done",
            "reply": "r",
            "status": "failed",
            "code": "c",
            "message": "m",
            "usage": None,
        },
    ),
    (
        ProviderFailed("c", "t", fatal=True),
        {
            "event": "error",
            "kind": "ProviderFailed",
            "code": "c",
            "text": "t",
            "hint": "",
            "retryable": False,
        },
    ),
    (SessionExpired("old"), None),
    (SessionEnding(30.0), None),
    (SessionMetered(3.0), None),
    (SessionPaused(), {"event": "paused"}),
    (SessionResumed(), {"event": "resumed"}),
    (Resumable("handle"), None),
    (
        ToolCalled("r", "c", "name", "{}"),
        {"event": "tool_called", "id": "c", "name": "name", "arguments": "{}"},
    ),
    (
        ToolAnswered("c", "name", "noon"),
        {"event": "tool_answered", "id": "c", "name": "name", "output": "noon", "is_error": False},
    ),
    (ToolsCancelled(("c",)), None),
    (Unknown("x"), None),
    (
        LinkError("broke", "Try again"),
        {
            "event": "error",
            "kind": "LinkError",
            "text": "broke",
            "hint": "Try again",
            "retryable": True,
        },
    ),
    (
        ConfigError("wrong"),
        {"event": "error", "kind": "ConfigError", "text": "wrong", "hint": "", "retryable": False},
    ),
]


@pytest.mark.parametrize(("event", "wanted"), CASES, ids=lambda value: type(value).__name__)
def test_each_event_has_its_object(
    event: Event | VoiceChatError, wanted: dict[str, object] | None
) -> None:
    found = describe(event, 24_000)
    assert found == wanted
    assert json.loads(json.dumps(found)) == wanted


def test_every_kind_of_event_is_looked_at_here() -> None:
    assert {type(event) for event, _ in CASES} >= set(get_args(Event))


def test_usage_is_given_in_full() -> None:
    found = describe(ReplyFinished("r", usage=Usage(input_tokens=7, output_audio=3)), 24_000)
    assert found is not None and found["usage"]["input_tokens"] == 7
    assert found["usage"]["output_audio"] == 3


def test_time_that_is_billed_leaves_tokens_unknown() -> None:
    timed = Usage(connected_s=2.5, items=1)
    found = describe(ReplyFinished("r", usage=timed), 24_000)
    assert found is not None and found["usage"]["input_tokens"] is None
    assert (found["usage"]["connected_s"], found["usage"]["items"]) == (2.5, 1)
    assert found["usage"]["standby_s"] is None
    both = describe(ReplyFinished("r", usage=replace(timed, output_audio=3)), 24_000)
    assert both is not None and both["usage"]["input_tokens"] == 0


def test_a_cost_is_told_by_currency_or_as_unknown() -> None:
    seen = Snapshot("ready", False, -60, -60, None, None, {"CNY": 0.18})
    assert describe_cost(seen) == {"cost": {"CNY": 0.18}, "is_cost_partial": False}
    unknown = replace(seen, costs={}, is_cost_partial=True)
    assert describe_cost(unknown) == {"cost": None, "is_cost_partial": True}


def test_the_sound_of_a_call_is_told_in_numbers_or_not_at_all() -> None:
    playout = Stats(80, 95, 2, 700, "playing", added_ms=300, dropped_ms=40, is_paced=False)
    echo = EchoStats("on", 38.0, 84)
    seen = Snapshot("ready", False, -60, -60, playout, 500, {}, echo, is_slow=True, lost=3)
    assert describe_sound(seen) == {
        "level_ms": 80,
        "target_ms": 95,
        "underruns": 2,
        "gap_ms": 700,
        "added_ms": 300,
        "dropped_ms": 40,
        "is_paced": False,
        "is_slow": True,
        "lost": 3,
        "echo": {"state": "on", "erle_db": 38.0, "delay_ms": 84},
    }
    assert describe_sound(Snapshot("ready", False, -60, -60, None, None, {})) is None
