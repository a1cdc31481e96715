"""What a service may say, message by message and in no order at all: one small grammar a dialect.

Ids come from small pools, so that unknown, late, doubled and mixed-up ones are the rule.  Each
piece of sound has a loudness of its own, by which an ear knows it.
"""

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

from tests.session.card import RATE

JsonObject = dict[str, Any]
Say = Callable[[int], JsonObject | str]
"""Makes a message; the number chooses ids and words."""

_FRAMES = RATE * 60 // 1000


LEVELS = range(1000, 31_000, 30)
_levels = itertools.cycle(LEVELS)


def sound() -> str:
    """A little sound, as base64, as loud as no other for a long time."""
    return base64.b64encode(next(_levels).to_bytes(2, "little") * _FRAMES).decode()


# -- OpenAI and GLM --------------------------------------------------------------------------------


def _reply(n: int) -> str:
    return f"resp_{n % 5}"


def _where(n: int) -> JsonObject:
    place = {"output_index": 0, "content_index": 0}
    return {"response_id": _reply(n), "item_id": f"item_{n % 5}", **place}


def _status(n: int) -> JsonObject:
    status = ("completed", "cancelled", "incomplete", "failed")[n // 5 % 4]
    error = {"type": "server_error", "code": "server_error", "message": "Not well."}
    details = {"type": status, "error": error} if status == "failed" else None
    return {"id": _reply(n), "status": status, "status_details": details, "output": []}


def _error(n: int) -> JsonObject:
    codes = (
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "server_error",
        "rate_limit_exceeded",
        "session_expired",
        "invalid_value",
    )
    code = codes[n % len(codes)]
    return {"type": "error", "error": {"type": "x", "code": code, "message": "Oh.", "param": None}}


def _event(kind: str, fields: Callable[[int], JsonObject] = lambda n: {}) -> Say:
    return lambda n: {"type": kind, **fields(n)}


def _item(n: int) -> JsonObject:
    return {"item_id": f"turn_{n % 4}"}


def _family(audio: str, words: str) -> list[Say]:
    heard = "conversation.item.input_audio_transcription"
    message = {"type": "message", "role": "assistant", "content": []}
    return [
        _event("response.created", lambda n: {"response": {"id": _reply(n), "output": []}}),
        _event("response.done", lambda n: {"response": _status(n)}),
        _event(f"response.{audio}.delta", lambda n: {**_where(n), "delta": sound()}),
        _event(f"response.{audio}.delta", lambda n: {**_where(n), "delta": sound()}),
        _event(f"response.{audio}.done", _where),
        _event(f"response.{words}.delta", lambda n: {**_where(n), "delta": f"w{n} "}),
        _event(
            f"response.{words}.done", lambda n: {**_where(n), "transcript": "all", "text": "all"}
        ),
        _event(
            "response.output_item.added", lambda n: {**_where(n), "item": {"id": "i", **message}}
        ),
        _event("input_audio_buffer.speech_started", _item),
        _event("input_audio_buffer.speech_stopped", _item),
        _event(
            "input_audio_buffer.committed",
            lambda n: {**_item(n), "previous_item_id": f"item_{n // 4 % 5}" if n % 3 else None},
        ),
        _event(f"{heard}.completed", lambda n: {**_item(n), "transcript": f"heard {n}"}),
        _event(f"{heard}.delta", lambda n: {**_item(n), "delta": "he"}),
        _event(f"{heard}.failed", lambda n: {**_item(n), "error": {"message": "no"}}),
        _event("conversation.item.added", lambda n: {"item": {"id": "x"}}),
        _event("heartbeat"),
        _event("session.updated", lambda n: {"session": {"id": "sess"}}),
        _error,
        lambda n: ("[]", "{}", "null", "nonsense", '{"type":5}')[n % 5],
    ]


def _call(n: int) -> JsonObject:
    return {**_where(n), "call_id": f"call_{n % 3}", "name": "f", "arguments": "{}"}


GA = [
    *_family("output_audio", "output_audio_transcript"),
    _event("response.function_call_arguments.done", _call),
]
GLM = [
    *_family("audio", "audio_transcript"),
    _event("response.cancelled", lambda n: {"response": {"id": _reply(n)}}),
    _event("response.function_call_arguments.done", _call),
]

# -- Gemini ----------------------------------------------------------------------------------------


def _content(**fields: Any) -> JsonObject:
    return {"serverContent": fields}


def _part(n: int) -> JsonObject:
    blob = {"mimeType": f"audio/pcm;rate={RATE}", "data": sound()}
    return _content(modelTurn={"parts": [{"inlineData": blob}]})


GEMINI: list[Say] = [
    _part,
    _part,
    _part,
    lambda n: _content(outputTranscription={"text": f"w{n} "}),
    lambda n: _content(inputTranscription={"text": f"heard {n}"}),
    lambda n: _content(generationComplete=True),
    lambda n: _content(turnComplete=True),
    lambda n: _content(turnComplete=True, turnCompleteReason="RESPONSE_REJECTED"),
    lambda n: _content(turnComplete=True, interactionStatus="IN_PROGRESS"),
    lambda n: _content(interrupted=True),
    lambda n: _content(interrupted=True, turnComplete=True),
    lambda n: _content(modelTurn={"parts": [{"text": "a thought", "thought": True}]}),
    lambda n: {"goAway": {"timeLeft": ("50s", "1s", "0s")[n % 3]}},
    lambda n: {"sessionResumptionUpdate": {"newHandle": f"h{n}", "resumable": n % 3 > 0}},
    lambda n: {"toolCall": {"functionCalls": [{"id": f"c{n % 3}", "name": "f", "args": {}}]}},
    lambda n: {"toolCallCancellation": {"ids": [f"c{n % 3}"]}},
    lambda n: {"usageMetadata": {"promptTokenCount": n, "responseTokenCount": 1}},
    lambda n: {"voiceActivity": {"type": ("ACTIVITY_START", "ACTIVITY_END")[n % 2]}},
    lambda n: {"error": {"code": 400, "message": "Oh.", "status": "INVALID_ARGUMENT"}},
    lambda n: {"setupComplete": {}},
    lambda n: ("[]", "{}", "null", "nonsense", '{"serverContent":5}')[n % 5],
]


def as_text(message: JsonObject | str) -> str:
    return message if isinstance(message, str) else json.dumps(message)
