"""A stand-in for xAI's Grok Voice Agent service, written from its published protocol alone.

`XaiServer("normal")` in a test, or `python -m tests.fakes.xai_server --port 0 --log F --script S`;
see `ga_server`, whose inside and scripts it shares.
"""

import re
from typing import Any, ClassVar

from tests.fakes.ga_accent import Accent
from tests.fakes.ga_script import Refusal, Script
from tests.fakes.ga_server import GaServer, main
from tests.fakes.shapes import BUFFER, FLAT_TOOL, ITEM, Maybe, Within, check_kind, check_shape

JsonObject = dict[str, Any]

ITEM_USD = 0.004
"""What every message costs that a client puts into the conversation."""
KNOWN_MODELS = re.compile(r"grok-voice-[\w.-]+")
_RATES = frozenset({"8000", "16000", "21050", "24000", "32000", "44100", "48000"})


def _is_rate(value: Any, path: str) -> None:
    check_shape(str(value), _RATES, path)


_FORMAT = {"type!": frozenset({"audio/pcm", "audio/pcmu", "audio/pcma"}), "rate": _is_rate}
_TURNS = {
    "type!": frozenset({"server_vad", None}),
    "threshold": Within(0.1, 0.9),
    "prefix_padding_ms": Within(0, 10_000),
    "silence_duration_ms": Within(0, 10_000),
    "idle_timeout_ms": Maybe(Within(0, 600_000)),
}
_TRANSCRIPTION = {"model": str, "language_hint": str, "keyterms": [str]}
_SESSION: JsonObject = {
    "instructions": str,
    "voice": str,
    "turn_detection": Maybe(_TURNS),
    "audio": {
        "input": {"format": _FORMAT, "transcription": Maybe(_TRANSCRIPTION)},
        "output": {"format": _FORMAT, "speed": Within(0.7, 1.5)},
    },
    "reasoning": {"effort": str},
    "resumption": {"enabled": bool},
    "tools": [FLAT_TOOL],
}
SHAPES: JsonObject = {
    "session.update": {"session!": _SESSION},
    "conversation.item.create": {"item!": ITEM, "previous_item_id": str},
    "conversation.item.delete": {"item_id!": str},
    "conversation.item.truncate": {
        "item_id!": str,
        "content_index!": int,
        "audio_end_ms!": Within(0, 3_600_000),
    },
    "response.create": {"response": {"modalities": [frozenset({"text", "audio"})]}},
    "response.cancel": {"response_id": str},
    **BUFFER,
}


def check(message: JsonObject, model: str = "grok-voice-latest") -> None:
    """Check one client message.

    Raises:
        Refused: The service would not take it.
    """
    check_kind(message, SHAPES)


class XaiAccent(Accent):
    """One connection.

    `conversation.created` comes first; words of the user come whole and are completed twice; a
    reply that is cut before it says anything has no end.
    """

    module: ClassVar[str] = "xai_server"
    refuses_by_http: ClassVar[bool] = True

    def __init__(self, dialect: str) -> None:
        super().__init__(dialect)
        self._words = ""
        self._writes_partials = False
        self._root: JsonObject = {"voice": "eve", "turn_detection": {"type": "server_vad"}}

    def refusal(self, request: Any, key: str, good_key: str, model: str) -> Refusal | None:
        if KNOWN_MODELS.fullmatch(model):
            return None
        error = {"type": "invalid_request_error", "code": "model_not_found"}
        error["message"] = f"The model {model} does not exist."
        return Refusal(error=error, close_code=4000, close_reason="model_not_found")

    def check(self, message: JsonObject, model: str) -> None:
        check(message, model)

    def update(self, session: JsonObject) -> JsonObject:
        self._root |= {key: session[key] for key in self._root if key in session}
        audio = {way: dict(half) for way, half in session.get("audio", {}).items()}
        heard, said = audio.setdefault("input", {}), audio.setdefault("output", {})
        if "turn_detection" in session:
            heard["turn_detection"] = _turns(session["turn_detection"])
        if "voice" in session:
            said["voice"] = session["voice"]
        words = heard.get("transcription")
        self._writes_partials = bool(words and words.get("model") == "grok-transcribe")
        kept: JsonObject = {k: session[k] for k in ("instructions", "tools") if k in session}
        return {"type": "realtime", **kept, "audio": audio}

    def request(self, response: JsonObject) -> JsonObject:
        modalities = response.get("modalities", ["text", "audio"])
        return {"output_modalities": ["audio"] if "audio" in modalities else ["text"]}

    def events(self, event: JsonObject) -> list[JsonObject]:
        match event["type"]:
            case "session.created":
                conversation = {"id": "conv_stand_in", "object": "realtime.conversation"}
                first = {**event, "type": "conversation.created", "conversation": conversation}
                del first["session"]
                return [first, self._ping(event), self._session(event)]
            case "session.updated":
                return [self._session(event)]
            case "conversation.item.done":
                return []
            case kind if kind.startswith("conversation.item.input_audio_transcription."):
                return self._transcribed(event)
            case "response.done":
                response = event["response"]
                is_silent = response["status"] == "cancelled" and not response["output"]
                return [] if is_silent else [event]
            case _:
                return [event]

    def _ping(self, event: JsonObject) -> JsonObject:
        return {"type": "ping", "event_id": f"{event['event_id']}_p", "timestamp": 1_794_000_000}

    def _session(self, event: JsonObject) -> JsonObject:
        """Voice and turns at the root, where the client puts them."""
        session = {**event["session"], **self._root}
        del session["expires_at"]  # Its two hours are in its documents only.
        audio = session["audio"]
        heard = {key: held for key, held in audio["input"].items() if key in ("format", _WORDS)}
        session["audio"] = {"input": heard, "output": {"format": audio["output"]["format"]}}
        return {**event, "session": session}

    def _transcribed(self, event: JsonObject) -> list[JsonObject]:
        """Partials are the whole text so far; the item is completed once while it goes on."""
        base = event["type"].rpartition(".")[0]
        if event["type"].endswith(".delta"):
            self._words += event["delta"]
            shown = {**event, "type": f"{base}.updated", "transcript": self._words}
            del shown["delta"]
            return [shown] if self._writes_partials else []
        self._words = ""
        if not event["type"].endswith(".completed"):
            return [event]
        interim = {**event, "event_id": f"{event['event_id']}_i", "status": "in_progress"}
        interim["transcript"] = event["transcript"].partition(" ")[0]
        return [interim, {**event, "status": "completed"}]


_WORDS = "transcription"


def _turns(turns: JsonObject | None) -> JsonObject | None:
    if turns is None or turns["type"] is None:
        return None
    return {**turns, "create_response": True, "interrupt_response": True}


class XaiServer(GaServer):
    """The service on the loopback."""

    def __init__(self, script: Script | str = "normal", **options: Any) -> None:
        super().__init__(script, **options, accent=XaiAccent)

    @property
    def items_usd(self) -> float:
        """What the messages cost so far; tools' outputs and sound cost nothing."""
        created = self.log.of("conversation.item.create")
        messages = [entry for entry in created if entry["item"]["type"] == "message"]
        return ITEM_USD * len(messages)


if __name__ == "__main__":
    main(XaiAccent)
