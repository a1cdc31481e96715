"""Whether a message of ours is one that OpenAI's own Python package would send in a Live session.

The official models let unknown fields pass; the service does not, so those are looked for by hand.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, get_args

from openai.types.live.built_in_voice import BuiltInVoice
from openai.types.live.client_event import ClientEvent
from pydantic import BaseModel, ValidationError

JsonObject = dict[str, Any]

VOICES = frozenset(get_args(BuiltInVoice))
MOST_MESSAGES = 128
MOST_APPENDED = 2000
"""Characters of appended context: 500 tokens."""
_MODELS = {
    get_args(member.model_fields["type"].annotation)[0]: member
    for member in get_args(get_args(ClientEvent)[0])
}


class Refused(AssertionError):
    """The service would answer with an error: its code, words and the field."""

    def __init__(self, code: str, words: str, param: str = "") -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words
        self.param = param


def check(message: JsonObject) -> None:
    """Pass a client message that the official types and the reference allow.

    Raises:
        Refused: with the path of the first field that is wrong or unknown.
    """
    kind = message.get("type")
    model = _MODELS.get(str(kind))
    if model is None:
        supported = ", ".join(sorted(_MODELS))
        raise Refused("invalid_event_type", f"{kind!r} is not one of {supported}", "type")
    try:
        event = model.model_validate(message, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused("invalid_value", first["msg"], ".".join(map(str, first["loc"]))) from None
    for path in _unknown(event, ""):
        raise Refused("unknown_parameter", f"Unknown parameter: '{path}'.", path)
    _mind(message)


def _mind(message: JsonObject) -> None:
    """What the types leave open."""
    match message["type"]:
        case "session.start":
            _mind_session(message["session"])
        case "session.input_audio.append":
            _mind_sound(message["audio"])
        case "session.instructions.append" | "session.thinking.append":
            _mind_context(message)
        case "session.commentary.append":
            _mind_context(message)


def _mind_session(session: JsonObject) -> None:
    voice = session.get("audio", {}).get("output", {}).get("voice")
    if isinstance(voice, str) and voice not in VOICES:
        raise Refused("invalid_value", f"Invalid voice: '{voice}'.", "session.audio.output.voice")
    history = session.get("input", [])
    if len(history) > MOST_MESSAGES:
        raise Refused("invalid_value", "Too many messages.", "session.input")
    for at, item in enumerate(history):
        if len(item["content"]) != 1 or not item["content"][0]["text"]:
            where = f"session.input[{at}].content"
            raise Refused("invalid_value", "Supply exactly one text part.", where)


def _mind_sound(audio: str) -> None:
    try:
        data = base64.b64decode(audio, validate=True)
    except binascii.Error:
        raise Refused("invalid_value", "Invalid base64.", "audio") from None
    if not data or len(data) % 2:
        raise Refused("invalid_value", "Not a whole number of samples.", "audio")


def _mind_context(message: JsonObject) -> None:
    if "delegation_id" not in message:
        raise Refused("missing_required_parameter", "delegation_id", "delegation_id")
    if not 0 < len(message["content"]) <= MOST_APPENDED:
        raise Refused("invalid_value", "content is limited to 500 tokens", "content")


def _unknown(value: object, path: str) -> Iterator[str]:
    """Paths of fields that no official model declares."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}".lstrip(".") for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name, None), f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from _unknown(member, f"{path}[{at}]")
