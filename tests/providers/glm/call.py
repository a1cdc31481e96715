"""One GLM dialect with somebody to talk to; every message it sends is checked."""

import base64
import json
from typing import Any

from tests.fakes.glm_check import check_shape
from voicechat.events import BeginTurn, Command, EndTurn, Event, SendAudio, SendText, Tool
from voicechat.providers.base import Settings
from voicechat.providers.glm.dialect import GlmDialect

JsonObject = dict[str, Any]
KEY = "0123456789abcdef0123456789abcdef.ABCDEFGHIJKLMNOP"
TOOL = Tool("get_time", "The time now", {"type": "object", "properties": {}})
SECOND = SendAudio(bytes(32_000))
LOUD = SendAudio(b"\x00\x30\x00\xd0" * 800)
"""100 ms."""
QUIET = SendAudio(bytes(3200))


def settings(**chosen: Any) -> Settings:
    return Settings(**{"model": "glm-realtime", "api_key": KEY, **chosen})


class Call:
    """A session that is open; `ready` also brings it past its settings.

    Attributes:
        now: Seconds; every message takes a millisecond.
    """

    def __init__(self, **chosen: Any) -> None:
        self.now = 100.0
        self.dialect = GlmDialect(settings(**chosen))
        self.dialect.open(self.now)
        self.updates: list[JsonObject] = []
        """Every `session` asked for so far."""
        self._ids = 0

    def says(self, kind: str, **fields: Any) -> list[Event]:
        """The server says something."""
        self._ids += 1
        return self.raw(json.dumps({"type": kind, "event_id": f"event_{self._ids}", **fields}))

    def raw(self, message: str | bytes) -> list[Event]:
        self.now += 0.001
        return self.dialect.receive(message, self.now)

    def does(self, *commands: Command) -> list[JsonObject]:
        """The user does something; what is sent for it."""
        for command in commands:
            self.now += 0.001
            self.dialect.send(command, self.now)
        return self.sent()

    def passes(self, seconds: float) -> list[Event]:
        self.now += seconds
        return self.dialect.tick(self.now)

    def sent(self) -> list[JsonObject]:
        messages = [json.loads(message.text) for message in self.dialect.data_to_send()]
        for message in messages:
            check_shape(message)
        self.updates += [m["session"] for m in messages if m["type"] == "session.update"]
        return messages

    def ready(self, **session: Any) -> "Call":
        self.says("heartbeat")
        self.says("session.created", session={"id": "sess_1"})
        self.says("session.updated", session={"id": "sess_1", **session})
        self.sent()
        return self

    # -- longer exchanges -----------------------------------------------------------------------

    def asks(self) -> list[JsonObject]:
        """One turn by the key."""
        return self.does(BeginTurn(), SECOND, EndTurn())

    def types(self, text: str = "Hello") -> list[JsonObject]:
        return self.does(SendText(text, "msg_1"))

    def begins(self, reply_id: str = "resp_1") -> list[Event]:
        return self.says("response.created", response={"id": reply_id, "status": "in_progress"})

    def speaks(
        self, ms: int = 800, reply_id: str = "resp_1", item_id: str = "item_A"
    ) -> list[Event]:
        delta = base64.b64encode(bytes(ms * 48)).decode()
        return self.says("response.audio.delta", response_id=reply_id, item_id=item_id, delta=delta)

    def writes(
        self, words: str, kind: str = "audio_transcript", reply_id: str = "resp_1"
    ) -> list[Event]:
        place = {"response_id": reply_id, "item_id": "item_A", "content_index": 0}
        return self.says(f"response.{kind}.delta", delta=words, **place)

    def ends(
        self, reply_id: str = "resp_1", status: str = "completed", **response: Any
    ) -> list[Event]:
        return self.says("response.done", response={"id": reply_id, "status": status, **response})

    def calls(self, name: str = "get_time", reply_id: str = "resp_1", **fields: Any) -> list[Event]:
        given = {"response_id": reply_id, "name": name, "arguments": "{}", **fields}
        return self.says("response.function_call_arguments.done", **given)

    def fails(self, code: object, message: str = "出错了", **error: Any) -> list[Event]:
        return self.says("error", error={"code": code, "message": message, **error})


def kinds(messages: list[JsonObject]) -> list[str]:
    return [message["type"] for message in messages]


def only(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
