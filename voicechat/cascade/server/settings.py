"""What a client may set for a session and for one response, checked whole before anything counts.

A setting that this server knows but cannot honour (noise reduction, tools of others' servers, a
transcription when there are no ears) is accepted and shown in `session.updated` as off, so that
nothing is pretended.
"""

import copy
from typing import Any, cast

from voicechat.cascade.server import checks
from voicechat.cascade.server.checks import Refusal

RATE = 24_000
"""Hz, of all sound on this wire: PCM16 little-endian mono."""

_TOOL = checks.struct(
    {
        "type": checks.text,
        "name": checks.text,
        "description": checks.nullable(checks.text),
        "parameters": checks.nullable(checks.mapping),
    },
    required=("type", "name"),
)


def _tools(value: Any, path: str) -> list[dict[str, Any]]:
    """Functions; other kinds of tools are left out."""
    entries = checks.array(checks.mapping, 128)(value, path)
    return [
        _TOOL(entry, f"{path}[{index}]")
        for index, entry in enumerate(entries)
        if checks.require(entry, "type", f"{path}[{index}]") == "function"
    ]


def _tool_choice(value: Any, path: str) -> Any:
    """`auto`, `none`, `required`, or one function; a choice of other kinds is none."""
    if not isinstance(value, dict):
        return checks.one_of("auto", "none", "required")(value, path)
    name = value.get("name")
    return {"type": "function", "name": checks.text(name, f"{path}.name")} if name else "auto"


def _format(value: Any, path: str) -> dict[str, Any]:
    kinds = {"audio/pcm": checks.struct({"type": checks.text, "rate": checks.integer(RATE, RATE)})}
    checks.by_type(kinds)(value, path)
    return {"type": "audio/pcm", "rate": RATE}


def _modalities(value: Any, path: str) -> list[str]:
    chosen = checks.array(checks.one_of("text", "audio"))(value, path)
    if len(chosen) != 1:
        message = f"Invalid '{path}': expected ['text'] or ['audio']."
        raise Refusal("invalid_value", message, path)
    return cast(list[str], chosen)


def _tokens(value: Any, path: str) -> int | str:
    if isinstance(value, str):
        return cast(str, checks.one_of("inf")(value, path))
    return cast(int, checks.integer(1, 4096)(value, path))


def _voice(value: Any, path: str) -> str:
    if isinstance(value, dict):
        return cast(str, checks.struct({"id": checks.text}, required=("id",))(value, path)["id"])
    return checks.text(value, path)


def _switched_off(inner: checks.Check, off: Any = None) -> checks.Check:
    def check(value: Any, path: str) -> Any:
        inner(value, path)
        return copy.deepcopy(off)

    return check


_REPLYING = {"create_response": checks.flag, "interrupt_response": checks.flag}
_TURN_KINDS = {
    "server_vad": checks.struct(
        {
            "type": checks.text,
            "threshold": checks.number(0, 1),
            "prefix_padding_ms": checks.integer(0, 10_000),
            "silence_duration_ms": checks.integer(0, 10_000),
            "idle_timeout_ms": _switched_off(checks.nullable(checks.integer(1000, 60_000))),
            **_REPLYING,
        }
    ),
    "semantic_vad": checks.struct(
        {
            "type": checks.text,
            "eagerness": checks.one_of("low", "medium", "high", "auto"),
            **_REPLYING,
        }
    ),
}
_TURN_DEFAULTS: dict[str, dict[str, Any]] = {
    "server_vad": {
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
    },
    "semantic_vad": {"eagerness": "auto"},
}


def _turn_detection(value: Any, path: str) -> dict[str, Any]:
    given = checks.by_type(_TURN_KINDS)(value, path)
    kind = given["type"]
    replying = {"create_response": True, "interrupt_response": True}
    return {"type": kind, **_TURN_DEFAULTS[kind], **replying, **given}


_TRANSCRIPTION = checks.nullable(
    checks.struct(
        {
            "model": checks.text,
            "language": checks.text,
            "languages": checks.array(checks.text),
            "prompt": checks.text,
            "keywords": checks.array(checks.text),
            "delay": checks.anything,
        }
    )
)
_INPUT = {
    "format": _format,
    "noise_reduction": _switched_off(
        checks.nullable(checks.struct({"type": checks.text, "strength": checks.number(0, 1)}))
    ),
    "transcription": _TRANSCRIPTION,
    "turn_detection": checks.nullable(_turn_detection),
}
_OUTPUT = {"format": _format, "voice": _voice, "speed": checks.number(0.25, 1.5)}
_COMMON = {
    "output_modalities": _modalities,
    "instructions": checks.text,
    "max_output_tokens": _tokens,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": checks.flag,
    "reasoning": checks.anything,
    "prompt": _switched_off(checks.anything),
}
_SESSION = checks.struct(
    {
        "type": checks.one_of("realtime"),
        "model": checks.text,
        "audio": checks.struct({"input": checks.struct(_INPUT), "output": checks.struct(_OUTPUT)}),
        "tracing": _switched_off(checks.anything),
        "truncation": _switched_off(checks.anything, "auto"),
        "include": _switched_off(checks.anything),
        **_COMMON,
    },
    required=("type",),
)
_UNSHOWN = ("parallel_tool_calls", "reasoning")


def default_session(session_id: str, model: str) -> dict[str, Any]:
    """What a session is before the client says anything."""
    sound = {"type": "audio/pcm", "rate": RATE}
    turns = _turn_detection({"type": "server_vad"}, "")
    listening = {
        "format": sound,
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": turns,
    }
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "include": None,
        "audio": {
            "input": listening,
            "output": {"format": dict(sound), "voice": "default", "speed": 1.0},
        },
    }


def updated_session(session: dict[str, Any], given: Any, *, hears: bool) -> dict[str, Any]:
    """The session after an update: only keys that are present change; `session` is untouched.

    Raises:
        Refusal: One thing in it is wrong, so nothing of it applies.
    """
    update: dict[str, Any] = _SESSION(given, "session")
    if update.pop("model", session["model"]) != session["model"]:
        message = "The model of a session cannot be changed."
        raise Refusal("invalid_value", message, "session.model")
    for name in _UNSHOWN:
        update.pop(name, None)
    audio = update.pop("audio", {})
    result: dict[str, Any] = copy.deepcopy(session) | update
    result["audio"]["input"] |= audio.get("input", {})
    result["audio"]["output"] |= audio.get("output", {})
    if not hears:
        result["audio"]["input"]["transcription"] = None
    return result


response_options = checks.struct(
    {
        "conversation": checks.one_of("auto", "none"),
        "input": checks.array(checks.anything),
        "metadata": checks.nullable(checks.pairs),
        "audio": checks.struct(
            {"output": checks.struct({"format": _format, "voice": _voice})},
        ),
        **_COMMON,
    }
)
"""Check of `response` in `response.create`; `input` is read by `items`."""
