"""A stand-in for Alibaba's Qwen realtime service, written from its published protocol alone.

`QwenServer("normal")` in a test, or `python -m tests.fakes.qwen_server --port 0 --log F --script
S`; see `ga_server`, whose inside and scripts it shares.  Models from 3.8 on get and give the nested
form of the sound's settings, the others the flat one.
"""

import re
from typing import Any, ClassVar

from tests.fakes import ga_settings
from tests.fakes.ga_accent import Accent
from tests.fakes.ga_check import Refused
from tests.fakes.ga_script import Refusal, Script
from tests.fakes.ga_server import GaServer, main
from tests.fakes.shapes import (
    BUFFER,
    ITEM,
    NESTED_TOOL,
    Either,
    Maybe,
    Within,
    base64_of,
    check_kind,
    check_shape,
)

JsonObject = dict[str, Any]

KNOWN_MODELS = re.compile(
    r"qwen3(\.5|\.8)?-omni-(flash|plus)-realtime|qwen-audio-3\.0-realtime-\w+"
)
LARGEST_PICTURE = 500_000
LONGEST_OUTPUT = 8000
UNIONS = frozenset({"anyOf", "oneOf", "allOf"})

_SILENCE = {
    "threshold": Within(-1, 1),
    "prefix_padding_ms": Within(0, 10_000),
    "silence_duration_ms": Within(200, 6000),
}
_RATES = frozenset({"8000", "16000", "24000", "48000"})
_FORMAT: JsonObject = {
    "type": frozenset({"pcm", "wav"}),
    "sample_rate": lambda value, path: check_shape(str(value), _RATES, path),
}
_WORD = frozenset({"pcm", "pcm16"})
_SESSION: JsonObject = {
    "modalities": [frozenset({"text", "audio"})],
    "instructions": str,
    "input_audio_transcription": Maybe({"model": Maybe(str), "language": str}),
    "temperature": Within(0, 2),
    "top_p": Within(0, 1),
    "top_k": Within(0, 100),
    "repetition_penalty": Within(0, 10),
    "enable_search": bool,
    "search_options": dict,
    "max_history_turns": Within(1, 50),
    "tools": [NESTED_TOOL],
}
_FLAT: JsonObject = {"voice": str, "input_audio_format": _WORD, "output_audio_format": _WORD}
_NESTED: JsonObject = {
    "audio": {"input": {"format": _FORMAT}, "output": {"format": _FORMAT, "voice": str}}
}


def _turns(model: str) -> Any:
    """Which words for turn-taking a model knows."""
    kinds: JsonObject = {"server_vad": {"type!": str, **_SILENCE}}
    if model.startswith("qwen-audio-"):
        kinds["smart_turn"] = {"type!": str, "voiceprint_audio_urls": [str]}
    elif not model.startswith("qwen3-"):
        kinds["semantic_vad"] = {"type!": str, **_SILENCE}
    return Maybe(Either("type", kinds))


def shapes(model: str) -> JsonObject:
    """Every client message this model takes."""
    style = _NESTED if model.startswith("qwen3.8-") else _FLAT
    found = {
        "session.update": {"session!": {**_SESSION, **style, "turn_detection": _turns(model)}},
        "input_image_buffer.append": {"image!": base64_of(LARGEST_PICTURE)},
        "conversation.item.create": {"item!": ITEM, "previous_item_id": str},
        "conversation.item.retrieve": {"item_id!": str},
        "conversation.item.delete": {"item_id!": str},
        "response.create": {
            "response": {"modalities": [frozenset({"text", "audio"})], "instructions": Maybe(str)}
        },
        "response.cancel": {"response_id": str},
        **BUFFER,
    }
    if model.startswith("qwen-audio-"):
        del found["input_image_buffer.append"]
    return found


def check(message: JsonObject, model: str = "qwen3.5-omni-flash-realtime") -> None:
    """Check one client message.

    Raises:
        Refused: The service would not take it.
    """
    check_kind(message, shapes(model))
    session = message.get("session", {})
    for tool in session.get("tools", []):
        _check_plain(tool["function"]["parameters"], "session.tools.function.parameters")
    if session.get("tools") and (model.startswith("qwen3-omni") or session.get("enable_search")):
        raise Refused("invalid_value", "Tools are not supported here.", "session.tools")
    output = message.get("item", {}).get("output", "")
    if len(output) > LONGEST_OUTPUT:
        raise Refused("invalid_value", "The output is too long.", "item.output")


def _check_plain(schema: Any, path: str) -> None:
    if isinstance(schema, list):
        for member in schema:
            _check_plain(member, path)
    if not isinstance(schema, dict):
        return
    if UNIONS & schema.keys() or isinstance(schema.get("type"), list):
        raise Refused("invalid_value", "Unions are not supported in a schema.", path)
    for value in schema.values():
        _check_plain(value, path)


class QwenAccent(Accent):
    """One connection; the beta, with DashScope's own ways."""

    module: ClassVar[str] = "qwen_server"
    paths: ClassVar[tuple[str, ...]] = ("/api-ws/v1/realtime",)
    refuses_by_http: ClassVar[bool] = True
    input_rate: ClassVar[int] = 16_000
    vad_cancels: ClassVar[bool] = False
    answers_while_spoken_to: ClassVar[bool] = False

    def __init__(self, dialect: str) -> None:
        super().__init__("beta")
        self._model = ""
        self._has_sound = self._has_settings = False
        self._tools: list[JsonObject] = []

    @property
    def keeps_item_ids(self) -> bool:  # type: ignore[override]
        """Qwen-Audio echoes the client's; Omni gives its own."""
        return self._model.startswith("qwen-audio-")

    def model(self, query: dict[str, list[str]]) -> str:
        self._model = super().model(query)
        return self._model

    def refusal(self, request: Any, key: str, good_key: str, model: str) -> Refusal | None:
        if KNOWN_MODELS.fullmatch(model):
            return None
        error = {"type": "ModelNotFound", "code": "ModelNotFound", "message": "Model not found."}
        return Refusal(error=error, close_code=1007, close_reason="Model not found.")

    def check(self, message: JsonObject, model: str) -> None:
        check(message, model)
        if model.startswith("qwen-audio-"):
            self._check_settled(message)

    def _check_settled(self, message: JsonObject) -> None:
        """Qwen-Audio takes its voice only once, and who finds the turns only before any sound."""
        session = message.get("session", {})
        if self._has_sound and "turn_detection" in session:
            raise Refused("invalid_value", "It is too late.", "session.turn_detection", state=True)
        if self._has_settings and "voice" in session:
            raise Refused("invalid_value", "The voice is settled.", "session.voice")
        self._has_settings |= bool(session)
        self._has_sound |= message["type"] == "input_audio_buffer.append"

    def update(self, session: JsonObject) -> JsonObject:
        """As GA would write it; the sound's settings need no more than to be right."""
        audio = session.get("audio", {})
        flat = {key: value for key, value in session.items() if key not in _OWN}
        if "voice" in session or "voice" in audio.get("output", {}):
            flat["voice"] = session.get("voice") or audio["output"]["voice"]
        if flat.get("turn_detection"):
            flat["turn_detection"] = {**_ANSWERS, **_usual(flat["turn_detection"])}
        self._tools = session.get("tools", self._tools)
        transcription = flat.get("input_audio_transcription")
        if transcription is not None:
            flat["input_audio_transcription"] = {"model": "asr", **transcription}
        return ga_settings.nested(flat)

    def events(self, event: JsonObject) -> list[JsonObject]:
        found = super().events(event)
        for each in found:
            if "session" in each:
                each["session"] = self._shown(each["session"])
        return found

    def _shown(self, flat: JsonObject) -> JsonObject:
        """The session as this model describes it."""
        shown = {**flat, "tools": self._tools, "input_audio_format": "pcm"}
        shown["output_audio_format"] = "pcm"
        if not self._model.startswith("qwen3.8-"):
            return shown
        voice = shown.pop("voice")
        heard, said = ({"type": "pcm", "sample_rate": rate} for rate in (16_000, 24_000))
        del shown["input_audio_format"], shown["output_audio_format"]
        audio = {"input": {"format": heard}, "output": {"format": said, "voice": voice}}
        return shown | {"audio": audio}


_OWN = ("audio", "input_audio_format", "output_audio_format", "tools", "enable_search")
_ANSWERS = {"create_response": True, "interrupt_response": True}


def _usual(turns: JsonObject) -> JsonObject:
    """The stand-in's own VAD finds the turns, whatever the model calls that."""
    given = {key: value for key, value in turns.items() if key in _SILENCE}
    return {"type": "server_vad", "silence_duration_ms": 400, **given}


class QwenServer(GaServer):
    """The service on the loopback."""

    def __init__(self, script: Script | str = "normal", **options: Any) -> None:
        super().__init__(script, **options, accent=QwenAccent)


if __name__ == "__main__":
    main(QwenAccent)
