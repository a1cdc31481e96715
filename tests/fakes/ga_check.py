"""Strict reading of client messages against the official `openai` types, extras refused.

What the types leave open (ranges, names of voices, lengths of ids) is checked by hand after the
published reference.  Every refusal is a value with the code, words and parameter of the service.
"""

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import Any

from openai.types import realtime as ga
from openai.types.beta import realtime as beta
from pydantic import BaseModel, ValidationError

JsonObject = dict[str, Any]

GA_TYPES: dict[str, type[BaseModel]] = {
    "session.update": ga.SessionUpdateEvent,
    "input_audio_buffer.append": ga.InputAudioBufferAppendEvent,
    "input_audio_buffer.commit": ga.InputAudioBufferCommitEvent,
    "input_audio_buffer.clear": ga.InputAudioBufferClearEvent,
    "conversation.item.create": ga.ConversationItemCreateEvent,
    "conversation.item.retrieve": ga.ConversationItemRetrieveEvent,
    "conversation.item.truncate": ga.ConversationItemTruncateEvent,
    "conversation.item.delete": ga.ConversationItemDeleteEvent,
    "response.create": ga.ResponseCreateEvent,
    "response.cancel": ga.ResponseCancelEvent,
}
BETA_TYPES: dict[str, type[BaseModel]] = {
    "session.update": beta.SessionUpdateEvent,
    "input_audio_buffer.append": beta.InputAudioBufferAppendEvent,
    "input_audio_buffer.commit": beta.InputAudioBufferCommitEvent,
    "input_audio_buffer.clear": beta.InputAudioBufferClearEvent,
    "conversation.item.create": beta.ConversationItemCreateEvent,
    "conversation.item.retrieve": beta.ConversationItemRetrieveEvent,
    "conversation.item.truncate": beta.ConversationItemTruncateEvent,
    "conversation.item.delete": beta.ConversationItemDeleteEvent,
    "response.create": beta.ResponseCreateEvent,
    "response.cancel": beta.ResponseCancelEvent,
}
VOICES = frozenset(
    ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
)
ASR_MODELS = frozenset(
    (
        "gpt-live-transcribe",
        "gpt-transcribe",
        "gpt-realtime-whisper",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-diarize",
        "whisper-1",
    )
)
REASONING_MODELS = re.compile(r"gpt-realtime-2(\.\d+)?(-mini)?")
APPEND_LIMIT = 15 * 1024 * 1024
_CODES = {
    "missing": "missing_required_parameter",
    "literal_error": "invalid_value",
    "extra_forbidden": "unknown_parameter",
}


class Refused(Exception):
    """A client message the service answers with an `error` event; nothing of it is applied.

    `state`: the message is well formed, but comes at the wrong moment (a race may excuse it).
    """

    def __init__(
        self, code: str, message: str, param: str | None = None, *, state: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.state = state


def check(message: JsonObject, model: str, dialect: str = "ga") -> None:
    """Check one client message.

    Raises:
        Refused: The service would not take it.
    """
    kind = message.get("type")
    types = BETA_TYPES if dialect == "beta" else GA_TYPES
    if kind is None:
        raise Refused("invalid_event", "The event has no type.", "type")
    if not isinstance(kind, str) or kind not in types:
        supported = ", ".join(repr(name) for name in types)
        raise Refused(
            "invalid_value",
            f"Invalid value: {kind!r}. Supported values are: {supported}.",
            "type",
        )
    _check_type(message, types[kind], dialect)
    _check_values(message, model)


def _check_type(message: JsonObject, wanted: type[BaseModel], dialect: str) -> None:
    session = message.get("session")
    if dialect == "ga" and isinstance(session, dict) and "type" not in session:
        raise Refused("missing_required_parameter", _missing("session.type"), "session.type")
    try:
        parsed = wanted.model_validate(_without_references(message), strict=True)
    except ValidationError as error:
        raise _refusal_of(error, message) from None
    for path in _extras(parsed):
        raise Refused("unknown_parameter", f"Unknown parameter: '{path}'.", path)


def _without_references(message: JsonObject) -> JsonObject:
    """`response.input` may also name items by reference, which the type does not say."""
    response = message.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("input"), list):
        return message
    items = [item for item in response["input"] if not _is_reference(item)]
    return message | {"response": response | {"input": items}}


def _is_reference(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == {"type", "id"}
        and (item["type"] == "item_reference")
    )


def _missing(path: str) -> str:
    return f"Missing required parameter: '{path}'."


def _refusal_of(error: ValidationError, message: JsonObject) -> Refused:
    """The deepest complaint: in a union of shapes the one that came nearest to fitting."""
    worst = max(error.errors(), key=lambda detail: len(_path(detail["loc"], message)))
    path = ".".join(_path(worst["loc"], message))
    code = _CODES.get(worst["type"], "invalid_type")
    if path.endswith("format.rate"):
        code = "integer_below_min_value"
    if code == "missing_required_parameter":
        return Refused(code, _missing(path), path)
    return Refused(code, f"Invalid value for '{path}': {worst['msg']}.", path)


def _path(loc: tuple[int | str, ...], message: JsonObject) -> list[str]:
    """A pydantic location without the names of union branches, as far as the message goes."""
    path: list[str] = []
    here: Any = message
    for part in loc:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            if part is not loc[-1] or not str(part).islower():
                continue
        path.append(str(part))
    return path


def _extras(value: Any, path: str = "") -> Iterator[str]:
    """Paths of everything the types do not name."""
    if isinstance(value, BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _extras(each, f"{path[:-1]}[{index}].")


def _check_values(message: JsonObject, model: str) -> None:
    match message:
        case {"type": "input_audio_buffer.append", "audio": str(audio)}:
            decode_audio(audio, "audio")
        case {"type": "session.update", "session": dict(session)}:
            _check_session(session, model)
        case {"type": "conversation.item.create", "item": dict(item)}:
            _check_item(item, "item")
        case {"type": "conversation.item.truncate", "audio_end_ms": int(end)} if end < 0:
            raise Refused("integer_below_min_value", "Expected a value >= 0.", "audio_end_ms")
        case {"type": "response.create", "response": dict(response)}:
            _check_response(response)
        case _:
            pass


MULAW: JsonObject = {"type": "audio/pcmu"}
MULAW_RATE = 8000


def _linear(byte: int) -> bytes:
    """A sample of mu-law as PCM16 (ITU-T G.711, table 2a)."""
    value = ~byte & 0xFF
    size = ((((value & 0x0F) * 2 + 33) << (value >> 4 & 7)) - 33) * 4
    return struct.pack("<h", -size if value & 0x80 else size)


_LINEAR = [_linear(byte) for byte in range(256)]


def decode_audio(audio: str, param: str, *, is_mulaw: bool = False) -> bytes:
    """Base64 to PCM16; mu-law has a byte for each sample.

    Raises:
        Refused: It is no base64, half a sample, or too long.
    """
    try:
        pcm = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("invalid_value", f"Invalid '{param}': not base64.", param) from None
    if len(pcm) > APPEND_LIMIT:
        raise Refused("invalid_value", f"Invalid '{param}': more than 15 MiB.", param)
    if is_mulaw:
        return b"".join(_LINEAR[byte] for byte in pcm)
    if len(pcm) % 2:
        raise Refused("invalid_value", f"Invalid '{param}': odd number of bytes.", param)
    return pcm


def _within(value: Any, low: float, high: float, param: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if value < low:
        kind = "integer" if isinstance(value, int) else "decimal"
        raise Refused(f"{kind}_below_min_value", f"Invalid '{param}': below {low}.", param)
    if value > high:
        kind = "integer" if isinstance(value, int) else "decimal"
        raise Refused(f"{kind}_above_max_value", f"Invalid '{param}': above {high}.", param)


def _check_session(session: JsonObject, model: str) -> None:
    if session.get("type") == "transcription":
        raise Refused("invalid_value", "This is a realtime session.", "session.type")
    audio = session.get("audio") or {}
    _check_input(audio.get("input") or {})
    _check_output(audio.get("output") or {}, "session.audio.output")
    _check_modalities(session.get("output_modalities"), "session.output_modalities")
    _within(session.get("max_output_tokens"), 1, 4096, "session.max_output_tokens")
    if "reasoning" in session and not REASONING_MODELS.fullmatch(model):
        raise Refused(
            "invalid_value", f"Reasoning is not supported by {model}.", "session.reasoning"
        )
    if session.get("model", model) != model:
        raise Refused("invalid_value", "The model of a session cannot change.", "session.model")


def _check_input(audio: JsonObject) -> None:
    vad = audio.get("turn_detection") or {}
    at = "session.audio.input.turn_detection"
    _within(vad.get("threshold"), 0, 1, f"{at}.threshold")
    _within(vad.get("prefix_padding_ms"), 0, 10_000, f"{at}.prefix_padding_ms")
    _within(vad.get("silence_duration_ms"), 0, 10_000, f"{at}.silence_duration_ms")
    _within((audio.get("noise_reduction") or {}).get("strength"), 0, 1, "strength")
    model = (audio.get("transcription") or {}).get("model")
    if model is not None and model not in ASR_MODELS:
        raise Refused(
            "invalid_value", f"Invalid value: {model!r}.", "session.audio.input.transcription.model"
        )
    if audio.get("format") != MULAW:
        _check_format(audio.get("format"), "session.audio.input.format")


def _check_output(audio: JsonObject, at: str) -> None:
    _within(audio.get("speed"), 0.25, 1.5, f"{at}.speed")
    voice = audio.get("voice")
    if isinstance(voice, str) and voice not in VOICES:
        raise Refused("invalid_value", f"Invalid value: {voice!r}.", f"{at}.voice")
    _check_format(audio.get("format"), f"{at}.format")


def _check_format(form: Any, at: str) -> None:
    if form is None:
        return
    if form.get("type") != "audio/pcm":
        raise Refused("invalid_value", "This stand-in speaks audio/pcm only.", f"{at}.type")
    if "rate" not in form:
        raise Refused("missing_required_parameter", _missing(f"{at}.rate"), f"{at}.rate")


def _check_modalities(modalities: Any, at: str) -> None:
    if modalities is not None and modalities not in (["audio"], ["text"]):
        raise Refused("invalid_value", f"Invalid modalities: {modalities}.", at)


def _check_response(response: JsonObject) -> None:
    _check_modalities(response.get("output_modalities"), "response.output_modalities")
    _check_output((response.get("audio") or {}).get("output") or {}, "response.audio.output")
    _within(response.get("max_output_tokens"), 1, 4096, "response.max_output_tokens")
    metadata = response.get("metadata") or {}
    if len(metadata) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in metadata.items()):
        raise Refused("invalid_value", "Metadata is too large.", "response.metadata")
    for index, item in enumerate(response.get("input") or []):
        _check_item(item, f"response.input[{index}]")


def _check_item(item: JsonObject, at: str) -> None:
    for name in ("id", "call_id"):
        if len(item.get(name) or "") > 32:
            raise Refused("string_above_max_length", "Expected at most 32.", f"{at}.{name}")
    for index, part in enumerate(item.get("content") or []):
        _check_part(part, f"{at}.content[{index}]")


def _check_part(part: JsonObject, at: str) -> None:
    kind = part.get("type")
    if kind == "output_audio" or (kind is None):
        raise Refused("invalid_value", f"Invalid content type: {kind!r}.", f"{at}.type")
    needed = {"input_text": "text", "output_text": "text", "input_audio": "audio"}
    if kind in needed and not isinstance(part.get(needed[kind]), str):
        raise Refused("missing_required_parameter", _missing(f"{at}.{needed[kind]}"), at)
    if kind == "input_audio":
        decode_audio(part["audio"], f"{at}.audio")
    url = part.get("image_url") or ""
    if kind == "input_image" and not url.startswith(("data:image/png;", "data:image/jpeg;")):
        raise Refused("invalid_value", "Expected a base64 PNG or JPEG.", f"{at}.image_url")
