"""Qwen's own words for turn-taking, tools and, from 3.8 on, the sound."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from voicechat.events import Tool
from voicechat.providers.base import Vad
from voicechat.providers.json_fields import JsonObject

SILENCE_MS = (200, 6000)
"""Least and most of `silence_duration_ms`."""
_MOST_DEPTH = 32
_CHOICES = ("anyOf", "oneOf")


def turn_detection(vad: Vad, semantic: str) -> JsonObject:
    """`turn_detection` of hands-free mode; `semantic` is the model's word for that kind."""
    kind = semantic if vad.kind == "semantic" else "server_vad"
    if kind == "smart_turn":
        return {"type": kind}
    low, high = SILENCE_MS
    return {
        "type": kind,
        "threshold": vad.threshold,
        "prefix_padding_ms": vad.prefix_padding_ms,
        "silence_duration_ms": min(max(vad.silence_ms, low), high),
    }


def nested_audio(session: JsonObject) -> JsonObject:
    """A flat session as 3.8 wants it: sound and voice under `audio`, the rest at the root."""
    flat = dict(session)
    heard = _under("format", flat.pop("input_audio_format", None))
    said = _under("format", flat.pop("output_audio_format", None))
    said |= _under("voice", flat.pop("voice", None))
    audio = _under("input", heard or None) | _under("output", said or None)
    return flat | _under("audio", audio or None)


def _under(key: str, value: object) -> JsonObject:
    return {} if value is None else {key: value}


def plain_tool(tool: Tool) -> Tool:
    """The tool with a schema that Qwen accepts."""
    return replace(tool, parameters=plain_schema(tool.parameters))


def plain_schema(schema: Mapping[str, Any], depth: int = 0) -> JsonObject:
    """A JSON Schema without unions, which Qwen refuses: the first choice that is not null.

    Parts of an `allOf` become one object.
    """
    plain = {key: value for key, value in schema.items() if key not in (*_CHOICES, "allOf")}
    if depth > _MOST_DEPTH:
        return plain
    for part in [*_parts(schema, "allOf"), *_first_choice(schema)]:
        plain = _merged(plain, plain_schema(part, depth + 1))
    if isinstance(plain.get("type"), list):
        plain["type"] = next((kind for kind in plain["type"] if kind != "null"), "string")
    if isinstance(plain.get("properties"), Mapping):
        found = plain["properties"].items()
        plain["properties"] = {name: _plain(value, depth) for name, value in found}
    if "items" in plain:
        plain["items"] = _plain(plain["items"], depth)
    return plain


def _plain(value: object, depth: int) -> object:
    return plain_schema(value, depth + 1) if isinstance(value, Mapping) else value


def _parts(schema: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = schema.get(key)
    return [part for part in found if isinstance(part, Mapping)] if isinstance(found, list) else []


def _first_choice(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        next((part for part in parts if part.get("type") != "null"), parts[0])
        for parts in (_parts(schema, key) for key in _CHOICES)
        if parts
    ]


def _merged(first: JsonObject, second: JsonObject) -> JsonObject:
    """Both; of what they share, properties and required names are joined, else the first counts."""
    merged = {**second, **first}
    if isinstance(first.get("properties"), Mapping) and isinstance(
        second.get("properties"), Mapping
    ):
        merged["properties"] = {**second["properties"], **first["properties"]}
    if isinstance(first.get("required"), list) and isinstance(second.get("required"), list):
        names = (name for name in second["required"] if name not in first["required"])
        merged["required"] = [*first["required"], *names]
    return merged
