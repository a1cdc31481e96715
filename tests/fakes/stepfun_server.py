"""A stand-in for StepFun's realtime service, written from its published protocol alone.

`StepfunServer("normal")` in a test, or `python -m tests.fakes.stepfun_server --port 0 --log F
--script S`; see `ga_server`, whose inside and scripts it shares.
"""

import re
from typing import Any, ClassVar

from tests.fakes import ga_settings
from tests.fakes.ga_accent import Accent
from tests.fakes.ga_check import Refused
from tests.fakes.ga_script import Refusal, Script
from tests.fakes.ga_server import GaServer, main
from tests.fakes.shapes import BUFFER, ITEM, NESTED_TOOL, Maybe, Within, check_kind

JsonObject = dict[str, Any]

KNOWN_MODELS = re.compile(r"step-1o-audio|step-audio-2(-mini)?|stepaudio-\d\S*-realtime\S*")
_OLD_VOICES = ("qingchunshaonv", "wenrounansheng", "elegantgentle-female", "livelybreezy-female")
_MODALITIES = [frozenset({"text", "audio"})]
_SESSION: JsonObject = {
    "modalities": _MODALITIES,
    "instructions": str,
    "voice": str,
    "input_audio_format": frozenset({"pcm16"}),
    "output_audio_format": frozenset({"pcm16"}),
    "input_audio_transcription": Maybe({"model": str, "language": str}),
    "turn_detection": Maybe(
        {
            "type!": frozenset({"server_vad"}),
            "prefix_padding_ms": Within(0, 10_000),
            "silence_duration_ms": Within(0, 10_000),
            "energy_awakeness_threshold": Within(0, 5000),
        }
    ),
    "tools": [NESTED_TOOL],
}
SHAPES: JsonObject = {
    "session.update": {"session!": _SESSION},
    "conversation.item.create": {"item!": ITEM, "previous_item_id": str},
    "conversation.item.delete": {"item_id!": str},
    "response.create": {"response": {"modalities": _MODALITIES, "instructions": str}},
    "response.cancel": {"response_id": str},
    **BUFFER,
}


def check(message: JsonObject, model: str = "stepaudio-2.5-realtime") -> None:
    """Check one client message.

    Raises:
        Refused: The service would not take it.
    """
    check_kind(message, SHAPES)
    session = message.get("session", {})
    if session.get("modalities", ["text", "audio"]) != ["text", "audio"]:
        raise Refused("invalid_value", "Modalities are text and audio.", "session.modalities")
    if "modalities" in session and not session.get("voice"):
        raise Refused("missing_required_parameter", "A voice is needed.", "session.voice")
    is_old = model.startswith("step-audio-2")
    if is_old and "voice" in session and session["voice"] not in _OLD_VOICES:
        raise Refused("invalid_value", "This model has other voices.", "session.voice")


class StepfunAccent(Accent):
    """One connection; the beta, with thoughts before each reply."""

    module: ClassVar[str] = "stepfun_server"
    refuses_by_http: ClassVar[bool] = True
    vad_cancels: ClassVar[bool] = False

    def __init__(self, dialect: str) -> None:
        super().__init__("beta")
        self._tools: list[JsonObject] = []

    def refusal(self, request: Any, key: str, good_key: str, model: str) -> Refusal | None:
        if KNOWN_MODELS.fullmatch(model):
            return None
        error = {"type": "invalid_request_error", "code": "model_not_found"}
        error["message"] = f"model {model} not found"
        return Refusal(error=error, close_code=4004, close_reason="model_not_found")

    def check(self, message: JsonObject, model: str) -> None:
        check(message, model)

    def update(self, session: JsonObject) -> JsonObject:
        """As GA would write it.  The user's words are always written down."""
        flat = {key: value for key, value in session.items() if key != "tools"}
        self._tools = session.get("tools", self._tools)
        if flat.get("turn_detection"):
            given = dict(flat["turn_detection"])
            given.pop("energy_awakeness_threshold", None)
            answers = {"create_response": True, "interrupt_response": True}
            flat["turn_detection"] = {"silence_duration_ms": 100, **given, **answers}
        return ga_settings.nested({"input_audio_transcription": {"model": "asr"}, **flat})

    def events(self, event: JsonObject) -> list[JsonObject]:
        found = super().events(event)
        for each in found:
            if "session" in each:
                each["session"]["tools"] = self._tools
        if event["type"] != "response.created":
            return found
        thought = {"type": "response.thinking.delta", "response_id": event["response"]["id"]}
        thought |= {"event_id": f"{event['event_id']}_t", "delta": "Let me see."}
        return [*found, thought]


class StepfunServer(GaServer):
    """The service on the loopback."""

    def __init__(self, script: Script | str = "normal", **options: Any) -> None:
        super().__init__(script, **options, accent=StepfunAccent)


if __name__ == "__main__":
    main(StepfunAccent)
