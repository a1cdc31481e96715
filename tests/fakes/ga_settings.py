"""The settings of one session: the defaults, what an update changes, and the older flat shape."""

import copy
import re
import time
from typing import Any

from tests.fakes.ga_check import Refused

JsonObject = dict[str, Any]

SERVER_VAD: JsonObject = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: JsonObject = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_SILENCE_MS = {"low": 1000, "medium": 600, "auto": 600, "high": 300}
KNOWN_MODELS = re.compile(r"gpt-realtime(-[\d.]+)?(-mini)?(-\d{4}-\d\d-\d\d)?")
_PCM: JsonObject = {"type": "audio/pcm", "rate": 24000}


class Settings:
    """What is in force now; `update` changes all that it names, or nothing."""

    def __init__(self, session_id: str, model: str) -> None:
        self.voice_is_locked = False
        self.data: JsonObject = {
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
            "expires_at": int(time.time()) + 3600,
            "audio": {
                "input": {
                    "format": dict(_PCM),
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": dict(SERVER_VAD),
                },
                "output": {"format": dict(_PCM), "voice": "alloy", "speed": 1.0},
            },
            "include": None,
        }

    @property
    def vad(self) -> JsonObject | None:
        """`turn_detection`, complete, or None for push-to-talk."""
        vad: JsonObject | None = self.data["audio"]["input"]["turn_detection"]
        return vad

    @property
    def silence_ms(self) -> int:
        """How long the user must be silent for the turn to end."""
        vad = self.vad or SERVER_VAD
        if vad["type"] == "semantic_vad":
            return SEMANTIC_SILENCE_MS[vad["eagerness"]]
        return int(vad["silence_duration_ms"])

    @property
    def transcribes(self) -> bool:
        """Whether the user's speech is written down."""
        transcription = self.data["audio"]["input"]["transcription"]
        return transcription is not None and transcription.get("model") is not None

    def update(self, session: JsonObject, reply_is_running: bool) -> None:
        """Apply a checked `session.update`.

        Raises:
            Refused: A field may not change now; then nothing has changed.
        """
        self._refuse_locked(session, reply_is_running)
        data = copy.deepcopy(self.data)
        audio = session.get("audio") or {}
        data.update({key: value for key, value in session.items() if key != "audio"})
        data["audio"]["output"].update(audio.get("output") or {})
        _update_input(data["audio"]["input"], audio.get("input") or {})
        self.data = data

    def _refuse_locked(self, session: JsonObject, reply_is_running: bool) -> None:
        audio = session.get("audio") or {}
        output = audio.get("output") or {}
        if "voice" in output and self.voice_is_locked:
            raise Refused(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                "session.audio.output.voice",
            )
        if "speed" in output and reply_is_running:
            raise Refused("invalid_value", "Speed cannot change now.", "session.audio.output.speed")
        if (
            self.data["tracing"]
            and session.get("tracing", self.data["tracing"]) != (self.data["tracing"])
        ):
            raise Refused("invalid_value", "Tracing cannot change.", "session.tracing")


def _update_input(data: JsonObject, changes: JsonObject) -> None:
    for name, value in changes.items():
        if name == "turn_detection" and value is not None:
            whole = SEMANTIC_VAD if value["type"] == "semantic_vad" else SERVER_VAD
            value = whole | {key: each for key, each in value.items() if each is not None}
        elif name in ("transcription", "noise_reduction") and value is not None:
            value = (data[name] or {}) | value
        data[name] = value


# -- the older shape --------------------------------------------------------------------------

_TO_FLAT = {
    "input_audio_transcription": ("input", "transcription"),
    "input_audio_noise_reduction": ("input", "noise_reduction"),
    "turn_detection": ("input", "turn_detection"),
    "voice": ("output", "voice"),
    "speed": ("output", "speed"),
}
_FORMATS = {"input_audio_format": "input", "output_audio_format": "output"}
_SAME = ("instructions", "tools", "tool_choice", "tracing")


def flat(data: JsonObject) -> JsonObject:
    """The session as the older generation shows it."""
    old: JsonObject = {name: data["audio"][way][key] for name, (way, key) in _TO_FLAT.items()}
    if old["turn_detection"]:
        old["turn_detection"] = {
            key: value for key, value in old["turn_detection"].items() if key != "idle_timeout_ms"
        }
    old |= dict.fromkeys(_FORMATS, "pcm16")
    old |= {name: data[name] for name in ("id", "object", "model", "expires_at", *_SAME)}
    old["modalities"] = ["text"] if data["output_modalities"] == ["text"] else ["audio", "text"]
    return old | {"max_response_output_tokens": data["max_output_tokens"], "temperature": 0.8}


def nested(old: JsonObject) -> JsonObject:
    """A flat update as the present generation would write it.

    Raises:
        Refused: A format this stand-in does not speak.
    """
    new: JsonObject = {"type": "realtime", "audio": {"input": {}, "output": {}}}
    for name, (way, key) in _TO_FLAT.items():
        if name in old:
            new["audio"][way][key] = old[name]
    for name in _FORMATS:
        if old.get(name, "pcm16") != "pcm16":
            raise Refused("invalid_value", "This stand-in speaks pcm16 only.", f"session.{name}")
    new |= {name: old[name] for name in _SAME if name in old}
    if "modalities" in old:
        new["output_modalities"] = ["audio"] if "audio" in old["modalities"] else ["text"]
    if "max_response_output_tokens" in old:
        new["max_output_tokens"] = old["max_response_output_tokens"]
    return new


def nested_response(old: JsonObject) -> JsonObject:
    """The `response` of an older `response.create` as the present generation would write it."""
    kept = ("metadata", "instructions", "conversation")
    new: JsonObject = {key: old[key] for key in kept if key in old}
    if "modalities" in old:
        new["output_modalities"] = ["audio"] if "audio" in old["modalities"] else ["text"]
    return new


_RENAMED = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
_CONTENT = {"output_audio": "audio", "output_text": "text"}


def older(event: JsonObject) -> JsonObject | None:
    """A server event in the older names; None: that generation has no such event."""
    kind = event["type"]
    if kind == "conversation.item.done":
        return None
    event = copy.deepcopy(event) | {"type": _RENAMED.get(kind, kind)}
    if "session" in event:
        event["session"] = flat(event["session"])
    response = event.get("response")
    if response is not None:
        modalities = response.pop("output_modalities", ["audio"])
        response["modalities"] = ["text"] if modalities == ["text"] else ["audio", "text"]
    for item in [event.get("item"), *(response or {}).get("output", [])]:
        for part in (item or {}).get("content", []):
            part["type"] = _CONTENT.get(part["type"], part["type"])
    return event
