"""The program's own dialect against the real local model: what a user of it will see."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.cascade.peer import silence, speech
from tests.fakes.http_chat import Call as ToolUse
from tests.fakes.http_chat import HttpChatServer, Script
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import Endpoint, running
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Heard,
    InputFailed,
    InputTranscript,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionReady,
    SpeechStarted,
    Tool,
    ToolCalled,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.base import Dialect, HistoryEntry, Settings
from voicechat.providers.chat import DIALECT as CHAT
from voicechat.providers.local import DIALECT


class Call:
    """One session by way of the dialect."""

    def __init__(self, dialect: Dialect, socket: ClientConnection) -> None:
        self.dialect, self.socket = dialect, socket
        self.events: list[Event] = []

    async def say(self, command: Command) -> None:
        self.dialect.send(command, time.monotonic())
        await self._flush()

    async def until(self, kind: type[Event]) -> list[Event]:
        """Everything up to an event of this class."""
        start = len(self.events)
        while not any(isinstance(event, kind) for event in self.events[start:]):
            message = await self.socket.recv()
            self.events += self.dialect.receive(message, time.monotonic())
            self.events += self.dialect.tick(time.monotonic())
            await self._flush()
        return self.events[start:]

    async def _flush(self) -> None:
        for message in self.dialect.data_to_send():
            await self.socket.send(message.text)


@asynccontextmanager
async def _call(
    endpoint: Endpoint, hands_free: bool, dialect_class: type[Dialect] = DIALECT, **more: Any
) -> AsyncIterator[Call]:
    """A ready session; at its end nothing in it may have gone wrong or been strange."""
    settings = Settings(
        model="local", api_key=endpoint.token, url=endpoint.url, hands_free=hands_free, **more
    )
    dialect = dialect_class(settings)
    async with connect(
        dialect.url(), additional_headers=dialect.headers(), max_size=None, proxy=None
    ) as socket:
        call = Call(dialect, socket)
        dialect.open(time.monotonic())
        await call.until(SessionReady)
        yield call
    wrong = (ProviderFailed, Notice, Unknown, InputFailed, InputTranscript)
    assert not [event for event in call.events if isinstance(event, wrong)]


def _words(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyText) and event.final)


async def test_typed_message_is_answered(echo: Endpoint) -> None:
    async with _call(echo, hands_free=False) as call:
        await call.say(SendText("Good day.", "msg_1"))
        events = await call.until(ReplyFinished)
        assert _words(events).startswith("Good day.") and "not an AI" in _words(events)
        assert any(isinstance(event, ReplyAudio) for event in events)
        finished = events[-1]
        assert isinstance(finished, ReplyFinished) and finished.status == "completed"
        assert finished.usage and finished.usage.output_audio > 0


async def test_push_to_talk_turn_is_echoed(echo: Endpoint) -> None:
    async with _call(echo, hands_free=False) as call:
        await call.say(BeginTurn())
        await call.say(SendAudio(speech()))
        await call.say(EndTurn())
        events = await call.until(ReplyFinished)
        committed = next(event for event in events if isinstance(event, TurnCommitted))
        assert not committed.transcribed
        assert _words(events).startswith("(your own voice")


async def test_hands_free_turn_is_found_and_echoed(echo: Endpoint) -> None:
    async with _call(echo, hands_free=True) as call:
        await call.say(SendAudio(silence(500) + speech() + silence(1000)))
        events = await call.until(ReplyFinished)
        assert any(isinstance(event, SpeechStarted) for event in events)
        assert _words(events).startswith("(your own voice")


async def test_interrupted_reply_is_cancelled_and_cut_without_complaint(echo: Endpoint) -> None:
    async with _call(echo, hands_free=False) as call:
        await call.say(SendText("A long sentence, said again and again. " * 60, "msg_1"))
        audio = next(e for e in await call.until(ReplyAudio) if isinstance(e, ReplyAudio))
        await call.say(Interrupt((Heard(audio.item_id, 50, 100),)))
        finished = (await call.until(ReplyFinished))[-1]
        assert isinstance(finished, ReplyFinished) and finished.status == "cancelled"
        await call.say(SendText("And now?", "msg_2"))
        assert _words(await call.until(ReplyFinished)).endswith("And now?")


def test_profile_needs_no_key() -> None:
    assert DIALECT.profile.name == "local" and not DIALECT.profile.key_env


async def test_chat_model_calls_a_tool_sees_a_picture_and_knows_what_was_said_before() -> None:
    tool = Tool("clock", "Tells the time.", {"type": "object", "properties": {}})
    past = (HistoryEntry("user", "Before."), HistoryEntry("assistant", "Yes."))
    with HttpChatServer() as server:
        server.next.append(Script([], calls=[ToolUse("clock")]))
        options = LocalOptions(
            mind=server.url, mind_key=server.key, mind_model="chat-1", mouth="none"
        )
        async with (
            running(options) as endpoint,
            _call(endpoint, False, CHAT, tools=(tool,), history=past) as call,
        ):
            await call.say(SendText("What time is it?", "msg_1"))
            events = await call.until(ReplyFinished)
            (called,) = [event for event in events if isinstance(event, ToolCalled)]
            assert (called.name, called.arguments) == ("clock", "{}")
            await call.say(SendToolResult(called.call_id, "clock", "noon"))
            assert _words(await call.until(ReplyFinished)) == "The tool said: noon "
            await call.say(SendImage(b"\x89PNG", "image/png", "msg_2", "What is it?"))
            events = await call.until(ReplyFinished)
            assert _words(events) == "You said: What is it?. I see 1. "
            finished = events[-1]
            assert isinstance(finished, ReplyFinished) and finished.usage
            assert (finished.usage.input_tokens, finished.usage.cached_text) == (12, 3)
    assert [message["content"] for message in server.asked[0]["messages"]][-3:] == [
        "Before.",
        "Yes.",
        "What time is it?",
    ]
