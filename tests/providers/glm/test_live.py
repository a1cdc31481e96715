"""The dialect and the stand-in service talk over a real socket, and neither complains."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.fakes.ga_signal import decode_track, tone
from tests.fakes.glm_script import ANSWER, Script
from tests.fakes.glm_server import GlmServer
from tests.providers.glm.call import TOOL, settings
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    Tool,
    ToolCalled,
    TurnCommitted,
)
from voicechat.providers.glm.dialect import GlmDialect

E = TypeVar("E")
PLACE = Tool("get_place", "Where we are", {"type": "object", "properties": {}})
PICTURE = SendImage(b"\xff\xd8\xff" + bytes(1000), "image/jpeg", "msg_p")
SPEECH = SendAudio(tone(200))
QUIET = SendAudio(bytes(3200))


class Line:
    """A dialect on its line; its clock is set by hand, so that waiting takes no time."""

    def __init__(self, dialect: GlmDialect, socket: ClientConnection) -> None:
        self.dialect, self._socket = dialect, socket
        self.now = 100.0
        self.events: list[Event] = []
        dialect.open(self.now)

    async def does(self, *commands: Command) -> None:
        for command in commands:
            self.now += 0.1
            self.dialect.send(command, self.now)
        await self._drain()

    async def passes(self, seconds: float) -> None:
        self.now += seconds
        self.events += self.dialect.tick(self.now)
        await self._drain()

    async def until(self, kind: type[E]) -> E:
        """Read on to the next event of a kind."""
        async with asyncio.timeout(20):
            while True:
                given = self.dialect.receive(await self._socket.recv(), self.now)
                self.events += given
                await self._drain()
                for event in given:
                    if isinstance(event, kind):
                        return event

    async def _drain(self) -> None:
        for message in self.dialect.data_to_send():
            await self._socket.send(message.text)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def answer(self) -> str:
        """The words of the last reply item."""
        return [event.text for event in self.of(ReplyText) if event.final][-1]


@asynccontextmanager
async def calling(script: Script | str, **chosen: Any) -> AsyncIterator[tuple[GlmServer, Line]]:
    async with GlmServer(script) as server:
        dialect = GlmDialect(settings(url=server.url, **chosen))
        async with connect(dialect.url(), additional_headers=dialect.headers()) as socket:
            line = Line(dialect, socket)
            await line.until(SessionReady)
            yield server, line
        assert server.violations == []


TURN = (BeginTurn(), SPEECH, QUIET, EndTurn())


@pytest.mark.parametrize("script", ["normal", "both_streams", "text_stream", "done_only"])
async def test_a_turn_is_answered_however_the_words_come(script: str) -> None:
    async with calling(script) as (_, line):
        await line.does(*TURN)
        await line.until(ReplyFinished)
        assert line.answer == ANSWER
        [stretch] = decode_track(b"".join(event.pcm for event in line.of(ReplyAudio)))
        assert (stretch.from_ms, stretch.duration_ms) == (0, 1600)


async def test_a_tool_is_called_and_its_answer_spoken_of() -> None:
    async with calling("tool_call", tools=(TOOL,)) as (server, line):
        await line.does(*TURN)
        called = await line.until(ToolCalled)
        await line.does(SendToolResult(called.call_id, called.name, '"noon"'))
        await line.until(ReplyFinished)
        await line.until(ReplyFinished)
        assert line.answer == ANSWER
        [item] = server.log.messages("conversation.item.create")
        assert item["item"]["call_id"] == called.call_id


async def test_two_calls_without_ids_are_answered_in_order() -> None:
    async with calling("two_calls", tools=(TOOL, PLACE)) as (server, line):
        await line.does(*TURN)
        await line.until(ReplyFinished)
        first, second = line.of(ToolCalled)
        await line.does(SendToolResult(second.call_id, "get_place", "2"))
        await line.does(SendToolResult(first.call_id, "get_time", "1"))
        await line.until(ReplyFinished)
        outputs = [m["item"]["output"] for m in server.log.messages("conversation.item.create")]
        assert (outputs, line.answer) == (["1", "2"], ANSWER)


async def test_a_picture_is_seen_with_every_turn() -> None:
    async with calling("normal") as (server, line):
        await line.does(PICTURE, *TURN)
        await line.until(ReplyFinished)
        await line.does(*TURN)
        await line.until(ReplyFinished)
        assert len(line.of(ReplyFinished)) == 2
        size = len(base64.b64encode(PICTURE.data)) * 3 // 4
        frames = server.log.messages("input_audio_buffer.append_video_frame")
        assert [frame["video_frame"] for frame in frames] == [{"bytes": size}] * 3


async def test_an_interrupted_reply_makes_room_for_the_next() -> None:
    async with calling("slow") as (server, line):
        await line.does(*TURN)
        await line.until(ReplyAudio)
        await line.does(Interrupt(), *TURN)
        first = await line.until(ReplyFinished)
        await line.until(ReplyAudio)
        assert first.status == "cancelled"
        assert len(server.log.messages("response.cancel")) == 1


async def test_the_vad_finds_the_turn_in_received_silence() -> None:
    async with calling("normal", hands_free=True) as (_, line):
        await line.does(SPEECH, *[QUIET] * 8)
        await line.until(TurnCommitted)
        await line.until(ReplyFinished)
        assert line.answer == ANSWER


async def test_a_vad_that_tools_made_deaf_is_helped() -> None:
    async with calling("deaf_with_tools", hands_free=True, tools=(TOOL,)) as (server, line):
        await line.does(SPEECH, QUIET)
        await line.until(SpeechStarted)
        await line.does(*[QUIET] * 32)
        await line.passes(0.2)
        await line.until(ReplyFinished)
        assert [notice.code for notice in line.of(Notice)] == ["turn_end_missed"]
        await line.passes(0.2)
        await line.does(SPEECH, *[QUIET] * 8)
        await line.until(TurnCommitted)
        await line.until(ReplyFinished)
        last = server.log.messages("session.update")[-1]["session"]
        assert (last["turn_detection"]["type"], last["tools"]) == ("server_vad", [])


async def test_typed_text_is_answered_where_the_server_reads_it() -> None:
    async with calling("text_answers") as (_, line):
        await line.does(SendText("Hello", "msg_1"))
        finished = await line.until(ReplyFinished)
        assert (finished.status, line.answer) == ("completed", ANSWER)


async def test_who_finds_the_turns_changes_in_the_middle() -> None:
    async with calling("normal") as (_, line):
        await line.does(SetHandsFree(True), SPEECH, *[QUIET] * 8)
        await line.until(ReplyFinished)
        await line.does(SetHandsFree(False), *TURN)
        await line.until(ReplyFinished)
        assert len(line.of(ReplyFinished)) == 2
