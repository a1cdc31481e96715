"""Events as JSON objects, one a line, for scripts.  The names are a contract; see README.

| event | fields |
| --- | --- |
| `past` | `id`, `role`, `text`: a row of the conversation that is resumed |
| `ready` | `model`, `link`, `proxy`, `session_id` |
| `offline` | `text`, `hint`: the line was lost, and is tried again |
| `retrying` | `seconds`: until then; another ready tells that there is a line again |
| `notice` | `code`, `text` |
| `paused`, `resumed` | the model stands by, at another price, or listens again |
| `speech_started`, `speech_stopped` | |
| `user_delta`, `user` | `id`, `text`, `spoken` |
| `reply_started` | `reply` |
| `reply_delta` | `reply`, `id`, `text` |
| `reply_audio` | `reply`, `id`, `ms` |
| `reply_text` | `reply`, `id`, `text`: the whole text of one item |
| `reply_done` | `reply`, `status`, `code`, `message`, `usage`, `latency_ms`, `sound` and cost |
| `tool_called` | `id`, `name`, `arguments` |
| `tool_answered` | `id`, `name`, `output`, `is_error` |
| `error` | `kind`, `text`, `hint`, `retryable` |
| `end` | `exit_code`, `sound` and cost |

`sound`, of the call so far, null without a loudspeaker: `level_ms`, `target_ms`, `underruns`,
`gap_ms`, `added_ms`, `dropped_ms`, `is_paced`, `is_slow`, `lost`, `echo` (`state`, `erle_db`,
`delay_ms`).

`usage`, of one reply: tokens, and where the session's time or its messages are billed
`connected_s`, `active_s`, `standby_s` and `items` since the reply before; null: not counted.
Cost is two fields, of the call so far: `cost`, amounts by currency, null while nobody knows, and
`is_cost_partial`: there was more.
"""

from dataclasses import asdict
from typing import Any

from voicechat.errors import VoiceChatError
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
    Retrying,
    SessionPaused,
    SessionReady,
    SessionResumed,
    SpeechStarted,
    SpeechStopped,
    ToolAnswered,
    ToolCalled,
    Usage,
    WentOffline,
)
from voicechat.session.state.snapshot import Snapshot

JsonObject = dict[str, Any]


def describe(event: Event | VoiceChatError, rate: int) -> JsonObject | None:
    """The JSON object of an event, or None for one that scripts need not see.

    Args:
        rate: Hz of the reply's sound, to give its length in milliseconds.
    """
    match event:
        case VoiceChatError():
            return describe_error(event)
        case SessionReady(session_id, model):
            return {"event": "ready", "model": model, "session_id": session_id}
        case WentOffline(message, hint):
            return {"event": "offline", "text": message, "hint": hint}
        case Retrying(seconds):
            return {"event": "retrying", "seconds": round(seconds, 1)}
        case Notice(code, message):
            return {"event": "notice", "code": code, "text": message}
        case SessionPaused() | SessionResumed():
            return {"event": "paused" if isinstance(event, SessionPaused) else "resumed"}
        case SpeechStarted():
            return {"event": "speech_started"}
        case SpeechStopped():
            return {"event": "speech_stopped"}
        case ProviderFailed(code, message, fatal):
            error = {"event": "error", "kind": "ProviderFailed", "code": code, "text": message}
            return {**error, "hint": "", "retryable": not fatal}
        case _:
            return _describe_turn(event, rate)


def _describe_turn(event: Event, rate: int) -> JsonObject | None:
    match event:
        case InputTranscript(item_id, text, final):
            name = "user" if final else "user_delta"
            return {"event": name, "id": item_id, "text": text, "spoken": True}
        case InputFailed(item_id, message):
            return {"event": "notice", "code": "not_transcribed", "text": message, "id": item_id}
        case ReplyStarted(reply_id):
            return {"event": "reply_started", "reply": reply_id}
        case ReplyText(reply_id, item_id, text, final):
            name = "reply_text" if final else "reply_delta"
            return {"event": name, "reply": reply_id, "id": item_id, "text": text}
        case ReplyAudio(reply_id, item_id, pcm):
            ms = len(pcm) * 500 // rate
            return {"event": "reply_audio", "reply": reply_id, "id": item_id, "ms": ms}
        case ReplyFinished():
            return _describe_end(event)
        case ToolCalled(_, call_id, name, arguments):
            return {"event": "tool_called", "id": call_id, "name": name, "arguments": arguments}
        case ToolAnswered(call_id, name, output, is_error):
            told = {"event": "tool_answered", "id": call_id, "name": name, "output": output}
            return {**told, "is_error": is_error}
        case _:
            return None


def _describe_end(event: ReplyFinished) -> JsonObject:
    return {
        "event": "reply_done",
        "reply": event.reply_id,
        "status": event.status,
        "code": event.code,
        "message": event.message,
        "usage": _describe_usage(event.usage) if event.usage else None,
    }


_METERED = ("connected_s", "active_s", "standby_s", "items")


def _describe_usage(usage: Usage) -> JsonObject:
    """Tokens are null where only the time is counted, and the time where only tokens are."""
    told = asdict(usage)
    if usage.connected_s is None and usage.items is None:
        return told
    tokens = {name: much for name, much in told.items() if name not in _METERED}
    return told if any(tokens.values()) else {**told, **dict.fromkeys(tokens)}


def describe_cost(seen: Snapshot) -> JsonObject:
    """What the call has cost so far, by currency; None: nobody knows, or nothing was used."""
    return {"cost": dict(seen.costs) or None, "is_cost_partial": seen.is_cost_partial}


def describe_sound(seen: Snapshot) -> JsonObject | None:
    """How the sound was kept together so far; None: there was no loudspeaker."""
    if seen.playout is None:
        return None
    told = asdict(seen.playout)
    del told["state"]
    return {**told, "is_slow": seen.is_slow, "lost": seen.lost, "echo": asdict(seen.echo)}


def describe_error(error: VoiceChatError) -> JsonObject:
    return {
        "event": "error",
        "kind": type(error).__name__,
        "text": error.message,
        "hint": error.hint,
        "retryable": error.retryable,
    }
