"""A stand-in for self-hosted servers that speak OpenAI's language more or less: all their quirks.

`CustomServer("no_session_updated")` in a test, or `python -m tests.fakes.custom_server --port 0
--log F --script S`; see `ga_server`, whose inside and scripts it shares.  It hears 16 kHz and
speaks 24 kHz, has one slot, says neither that an item is done nor that one was truncated, mixes
old and new names, leaves out ids, and its errors are plain strings.
"""

from typing import Any, ClassVar

from tests.fakes import ga_check
from tests.fakes.ga_accent import Accent
from tests.fakes.ga_check import Refused
from tests.fakes.ga_script import Refusal, Script
from tests.fakes.ga_server import GaServer, main

JsonObject = dict[str, Any]

_NEVER_SAID = ("conversation.item.done", "response.output_item.done", "conversation.item.truncated")
_HEARD = {"type": "audio/pcm", "rate": 16_000}


class CustomAccent(Accent):
    """One connection."""

    module: ClassVar[str] = "custom_server"
    input_rate: ClassVar[int] = 16_000
    most_sessions: ClassVar[int] = 1

    def refusal(self, request: Any, key: str, good_key: str, model: str) -> Refusal | None:
        """A key is checked only where the owner set one."""
        if good_key and key != good_key:
            error: JsonObject = {"message": "bad key", "code": "unauthorized"}
            return Refusal(error=error, close_code=1008, close_reason="unauthorized")
        return None

    def check(self, message: JsonObject, model: str) -> None:
        ga_check.check(_without_rate(message), model, self.dialect)
        item_id = (message.get("item") or {}).get("id")
        if item_id and not item_id.startswith(("msg_", "fc_", "fco_")):
            raise Refused("invalid_value", "Ids begin with msg_, fc_ or fco_.", "item.id")

    def update(self, session: JsonObject) -> JsonObject:
        """It hears what it hears, whatever the client says."""
        return super().update(_without_rate({"session": session})["session"])

    def events(self, event: JsonObject) -> list[JsonObject]:
        if event["type"] in _NEVER_SAID:
            return []
        event = {key: value for key, value in event.items() if key != "event_id"}
        if event["type"] == "conversation.item.added":
            event["type"] = "conversation.item.created"
        if event["type"] == "error" and isinstance(event["error"], dict):
            event |= {"code": event["error"].get("code"), "error": event["error"]["message"]}
        if "session" in event:
            audio = event["session"]["audio"]
            heard = {**audio["input"], "format": _HEARD}
            event["session"] = {**event["session"], "audio": {**audio, "input": heard}}
        return super().events(event)


def _without_rate(message: JsonObject) -> JsonObject:
    """The message with the usual input format, which is what the checks know."""
    session = message.get("session")
    heard = session.get("audio", {}).get("input", {}) if isinstance(session, dict) else {}
    if not isinstance(session, dict) or heard.get("format", {}).get("type") != "audio/pcm":
        return message
    usual = {**heard, "format": {"type": "audio/pcm", "rate": 24_000}}
    return {**message, "session": {**session, "audio": {**session["audio"], "input": usual}}}


class CustomServer(GaServer):
    """The server on the loopback."""

    def __init__(self, script: Script | str = "normal", **options: Any) -> None:
        super().__init__(script, **options, accent=CustomAccent)


if __name__ == "__main__":
    main(CustomAccent)
