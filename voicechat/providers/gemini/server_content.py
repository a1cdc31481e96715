"""What one server message says, read into plain values: sound, words, and the ends of things.

One message may hold any number of these at once, so every field is looked at on its own.  The
rule: thoughts are never shown, and sound in a form that is not known is never played.
Source: `BidiGenerateContentServerContent` in the Live API reference.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from voicechat.providers.audio_fields import decode
from voicechat.providers.json_fields import JsonObject, rows, table, text

USUAL_RATE = 24_000
_RATE = re.compile(r"(?:^|[;\s])rate=(\d{4,5})(?!\d)")
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")


@dataclass(frozen=True, slots=True)
class ModelAudio:
    """PCM16, perhaps with half a sample at its ends."""

    data: bytes = field(repr=False)
    rate: int


@dataclass(frozen=True, slots=True)
class ModelWords:
    """Words of the model: the transcript of its sound, or text beside it."""

    words: str
    is_spoken: bool


@dataclass(frozen=True, slots=True)
class Bad:
    """Something that should have been one of the others."""

    kind: str


Sign: TypeAlias = ModelAudio | ModelWords


def signs(content: JsonObject) -> list[Sign | Bad]:
    """Everything the model says in one `serverContent`, sound before its words."""
    found = [sign for part in rows(table(content, "modelTurn"), "parts") for sign in _part(part)]
    spoken = text(table(content, "outputTranscription"), "text")
    return [*found, *([ModelWords(spoken, is_spoken=True)] if spoken else [])]


def _part(part: JsonObject) -> Iterator[Sign | Bad]:
    if part.get("thought"):
        return
    if words := text(part, "text"):
        yield ModelWords(words, is_spoken=False)
    if "inlineData" in part:
        yield from _sound(table(part, "inlineData"))


def _sound(blob: JsonObject) -> Iterator[Sign | Bad]:
    mime, data = text(blob, "mimeType").lower(), decode(blob.get("data"))
    if mime and not mime.startswith(("audio/pcm", "audio/l16")):
        yield Bad(f"sound as {mime[:60]}")
    elif data is None:
        yield Bad("bad audio")
    elif data:
        yield ModelAudio(data, rate_of(mime))


def rate_of(mime: str) -> int:
    """Hz, as a mime type tells it; the usual rate where it does not, or tells nonsense."""
    found = _RATE.search(mime)
    rate = int(found[1]) if found else USUAL_RATE
    return rate if 8000 <= rate <= 48_000 else USUAL_RATE


def seconds(source: JsonObject, key: str) -> float:
    """A duration such as `"9.5s"`; zero where there is none."""
    found = _DURATION.fullmatch(text(source, key))
    return float(found[1]) if found else 0.0


def interaction(message: JsonObject, content: JsonObject) -> str:
    """`IN_PROGRESS` or `IDLE`; some messages carry it beside the content, not inside."""
    return text(content, "interactionStatus") or text(message, "interactionStatus")


def is_set(source: JsonObject, key: str) -> bool:
    return source.get(key) is True
