"""The first message of a session, which cannot be changed later, and the address it is sent to.

The rule: nothing that was not asked for.  The server ends the session for one unknown field.
Source: `BidiGenerateContentSetup` in the Live API reference (https://ai.google.dev/api/live).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from voicechat.events import Tool
from voicechat.providers.base import Settings, Vad
from voicechat.providers.gemini.history import CONFIG, is_first_content, told
from voicechat.providers.gemini.model_traits import full_name, traits, voice_name
from voicechat.providers.json_fields import JsonObject
from voicechat.text.clean import clean

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
TOKEN_PREFIX = "auth_tokens/"
"""Of a short-lived key, which has a method of its own."""

ALWAYS_ANSWER = "Everything you hear in this conversation is said to you. Always answer it."
"""For a model that would otherwise decide for itself; the user marks every turn with a key."""

_KEPT = frozenset({"description", "nullable", "minimum", "maximum", "minItems", "maxItems"})


def address(url: str, model: str, api_key: str) -> str:
    """The address to connect to: `url`, with the usual path where it has none.

    The model is named in the setup; `{model}` is filled in only where an address has it.
    """
    parts = urlsplit(url.replace("{model}", quote(model, safe="")))
    path = PATH if parts.path in ("", "/") else parts.path
    if api_key.startswith(TOKEN_PREFIX) and path.endswith("BidiGenerateContent"):
        path += "Constrained"
    return urlunsplit(parts._replace(path=path, fragment=""))


def authorization(api_key: str) -> dict[str, str]:
    """The header that holds the key."""
    if api_key.startswith(TOKEN_PREFIX):
        return {"Authorization": f"Token {api_key}"}
    return {"x-goog-api-key": api_key} if api_key else {}


def is_transcribed(settings: Settings) -> bool:
    """Whether the user's words are written down; by which model cannot be chosen."""
    return settings.transcription_model != "none"


def build(settings: Settings, model: str) -> JsonObject:
    """The `setup` for what the user chose."""
    setup: JsonObject = {
        "model": full_name(model),
        "generationConfig": _generation(settings, model),
        "realtimeInputConfig": _turns(settings),
        "outputAudioTranscription": {},
        "sessionResumption": {"handle": settings.resume} if settings.resume else {},
        "contextWindowCompression": {"slidingWindow": {}},
    }
    if is_transcribed(settings):
        languages = {"languageCodes": [settings.language]} if settings.language else {}
        setup["inputAudioTranscription"] = languages
    if is_first_content(settings, model):
        setup["historyConfig"] = CONFIG
    if instructions := _instructions(told(settings, model), model):
        setup["systemInstruction"] = {"parts": [{"text": words} for words in instructions]}
    if settings.tools:
        setup["tools"] = [{"functionDeclarations": [_declaration(one) for one in settings.tools]}]
    return setup


def _generation(settings: Settings, model: str) -> JsonObject:
    """No live model answers in text alone: a session without sound shows the transcript."""
    config: JsonObject = {"responseModalities": ["AUDIO"]}
    if settings.voice:
        voice = {"prebuiltVoiceConfig": {"voiceName": voice_name(settings.voice)}}
        config["speechConfig"] = {"voiceConfig": voice}
    if traits(model).thinks_long:
        config["thinkingConfig"] = {"thinkingLevel": "MEDIUM"}
    return config


def _turns(settings: Settings) -> JsonObject:
    if not settings.hands_free:
        return {"automaticActivityDetection": {"disabled": True}}
    interrupts = "START_OF_ACTIVITY_INTERRUPTS" if settings.vad.interrupt else "NO_INTERRUPTION"
    return {
        "automaticActivityDetection": _detection(settings.vad),
        "activityHandling": interrupts,
    }


def _detection(vad: Vad) -> JsonObject:
    """The nearest to a threshold and an eagerness that the protocol can say."""
    is_patient = vad.kind == "semantic" and vad.eagerness == "low"
    return {
        "startOfSpeechSensitivity": f"START_SENSITIVITY_{'LOW' if vad.threshold > 0.5 else 'HIGH'}",
        "endOfSpeechSensitivity": f"END_SENSITIVITY_{'LOW' if is_patient else 'HIGH'}",
        "prefixPaddingMs": vad.prefix_padding_ms,
        "silenceDurationMs": vad.silence_ms,
    }


def _instructions(settings: Settings, model: str) -> list[str]:
    """Paragraphs."""
    own = clean(settings.instructions).strip()
    is_told = traits(model).may_stay_silent and not settings.hands_free
    return [*([own] if own else []), *([ALWAYS_ANSWER] if is_told else [])]


# -- tools ----------------------------------------------------------------------------------------


def _declaration(tool: Tool) -> JsonObject:
    declared: JsonObject = {"name": tool.name, "description": tool.description}
    if tool.parameters.get("properties"):
        declared["parameters"] = schema(tool.parameters)
    return declared


def schema(source: Mapping[str, Any]) -> JsonObject:
    """A JSON Schema as the OpenAPI subset that the protocol knows; the rest is left out."""
    found: JsonObject = {key: value for key, value in source.items() if key in _KEPT}
    found.update(_kind(source.get("type")))
    if choices := source.get("enum") or ([source["const"]] if "const" in source else []):
        found.update({"type": "STRING", "enum": [str(one) for one in choices]})
    if properties := source.get("properties"):
        found["properties"] = {name: schema(one) for name, one in properties.items()}
        found["required"] = [name for name in source.get("required", ()) if name in properties]
    if isinstance(source.get("items"), Mapping):
        found["items"] = schema(source["items"])
    if either := source.get("anyOf") or source.get("oneOf"):
        found["anyOf"] = [schema(one) for one in either]
    return found


def _kind(kind: object) -> JsonObject:
    """`string` is `STRING` here; a list with null makes a type that may be null."""
    if isinstance(kind, str):
        return {"type": kind.upper()}
    if not isinstance(kind, list | tuple):
        return {}
    real = [one for one in kind if one != "null"]
    nullable = {"nullable": True} if "null" in kind else {}
    return {**({"type": str(real[0]).upper()} if real else {}), **nullable}
