"""One dialect with somebody to talk to: what the server says goes in, what we send is checked."""

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from tests.fakes import official
from voicechat.events import Command, Event, Heard, Interrupt, ReplyAudio, SendText
from voicechat.providers.base import Settings, Vad
from voicechat.providers.openai.dialect import OpenAIDialect

JsonObject = dict[str, Any]
E = TypeVar("E")

KEY = "sk-proj-abcdefghijklmnop1234"
SERVER_VAD = {"type": "server_vad", "create_response": True, "interrupt_response": True}


def settings(**chosen: Any) -> Settings:
    return Settings(**{"model": "gpt-realtime-2.1", "api_key": KEY, **chosen})


def sound(ms: int) -> str:
    return base64.b64encode(bytes(ms * 48)).decode()


class Call:
    """A session that is open; `ready` also brings it past its settings.

    Attributes:
        now: Seconds; every message takes a millisecond.
    """

    def __init__(
        self,
        dialect: type[OpenAIDialect] = OpenAIDialect,
        *,
        shapes: Sequence[official.Shape] = ("ga",),
        **chosen: Any,
    ) -> None:
        self.now = 100.0
        self.dialect = dialect(settings(**chosen))
        self.dialect.open(self.now)
        self._shapes = shapes
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
        """What the dialect wants sent; each message is checked against the official types."""
        messages = [json.loads(message.text) for message in self.dialect.data_to_send()]
        for message in messages:
            self._check(message)
        return messages

    def _check(self, message: JsonObject) -> None:
        try:
            official.check(message, self._shapes[0])
        except AssertionError:
            if len(self._shapes) == 1:
                raise
            official.check(message, self._shapes[1])

    def ready(self, **session: Any) -> "Call":
        """Created, asked, agreed; the session says what `session` says."""
        self.says("session.created", session={"id": "sess_1", "model": "gpt-realtime-2.1"})
        self.says("session.updated", session={"id": "sess_1", **session})
        self.sent()
        return self

    # -- longer exchanges -----------------------------------------------------------------------

    def asks(self, text: str = "Hello") -> list[JsonObject]:
        return self.does(SendText(text, "msg_1"))

    def begins(self, reply_id: str = "resp_1", tag: str = "", **response: Any) -> list[Event]:
        metadata = {"client_event_id": tag} if tag else None
        fields = {"id": reply_id, "status": "in_progress", "metadata": metadata, **response}
        return self.says("response.created", response=fields)

    def speaks(
        self, ms: int = 100, reply_id: str = "resp_1", item_id: str = "item_A", **fields: Any
    ) -> list[Event]:
        place = {"output_index": 0, "content_index": 0, **fields}
        ids = {"response_id": reply_id, "item_id": item_id}
        return self.says("response.output_audio.delta", delta=sound(ms), **{**ids, **place})

    def writes(
        self, words: str, reply_id: str = "resp_1", item_id: str = "item_A", **fields: Any
    ) -> list[Event]:
        ids = {"response_id": reply_id, "item_id": item_id, **fields}
        return self.says("response.output_audio_transcript.delta", delta=words, **ids)

    def ends(
        self, reply_id: str = "resp_1", status: str = "completed", **response: Any
    ) -> list[Event]:
        fields = {"id": reply_id, "status": status, **response}
        return self.says("response.done", response=fields)

    def fails(self, code: str, message: str = "It went wrong.", **error: Any) -> list[Event]:
        fields = {"type": "invalid_request_error", "code": code, "message": message, **error}
        return self.says("error", error=fields)

    def interrupts(self, *heard: Heard, by_server: bool = False) -> list[JsonObject]:
        return self.does(Interrupt(heard, by_server))


def kinds(messages: Sequence[JsonObject]) -> list[str]:
    return [message["type"] for message in messages]


def only(kind: type[E], events: Sequence[object]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def heard_bytes(events: Sequence[Event]) -> int:
    return sum(len(event.pcm) for event in only(ReplyAudio, events))


HANDS_FREE: dict[str, Any] = {"hands_free": True, "vad": Vad()}
