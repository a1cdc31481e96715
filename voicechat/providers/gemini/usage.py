"""Tokens of a turn: `usageMetadata` in our words.

Details are optional and need not add up to the totals; zeros and empty lists are left out, and
64-bit numbers may be written as strings.
"""

from dataclasses import fields

from voicechat.events import Usage
from voicechat.providers.json_fields import JsonObject, count, rows, text

_KINDS = {"TEXT": "text", "DOCUMENT": "text", "AUDIO": "audio", "IMAGE": "image", "VIDEO": "image"}

_COUNTED = tuple(field.name for field in fields(Usage) if field.default == 0)
"""All counts of tokens; the time of a session is not what is billed here."""


def read(metadata: JsonObject) -> Usage | None:
    """The tokens; None where nothing is told."""
    prompt, tools = (
        tokens(metadata, "promptTokenCount"),
        tokens(metadata, "toolUsePromptTokenCount"),
    )
    thoughts = tokens(metadata, "thoughtsTokenCount")
    said = tokens(metadata, "responseTokenCount") or tokens(metadata, "candidatesTokenCount")
    given = _kinds(metadata, "promptTokensDetails", "toolUsePromptTokensDetails")
    cached = _kinds(metadata, "cacheTokensDetails")
    made = _kinds(metadata, "responseTokensDetails", "candidatesTokensDetails")
    usage = Usage(
        input_tokens=prompt + tools,
        output_tokens=said + thoughts,
        input_text=given["text"],
        input_audio=given["audio"],
        input_image=given["image"],
        cached_text=cached["text"],
        cached_audio=cached["audio"],
        cached_image=cached["image"],
        output_text=made["text"] + thoughts,  # Thoughts are billed as text.
        output_audio=made["audio"],
    )
    return None if usage == Usage() else usage


def add(first: Usage | None, second: Usage | None) -> Usage | None:
    """The sum: one reply may take several turns of the server."""
    if first is None or second is None:
        return first or second
    sums = {name: getattr(first, name) + getattr(second, name) for name in _COUNTED}
    return Usage(**sums)


def tokens(source: JsonObject, key: str) -> int:
    value = source.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    return count(source, key)


def _kinds(metadata: JsonObject, *keys: str) -> dict[str, int]:
    found = {"text": 0, "audio": 0, "image": 0}
    for row in (row for key in keys for row in rows(metadata, key)):
        kind = _KINDS.get(text(row, "modality"))
        if kind:
            found[kind] += tokens(row, "tokenCount")
    return found
