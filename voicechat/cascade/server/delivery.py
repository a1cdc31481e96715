"""An answer on its way from the mind to the client, sentence by sentence.

The mind writes ahead, the mouth speaks what is whole, and the client gets the words of each
sentence just before its sound.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from voicechat.cascade.roles import (
    CutShort,
    LanguageModel,
    LlmRequest,
    Parts,
    Piece,
    ReadyAudio,
    Spent,
    ToolCall,
)
from voicechat.cascade.server.checks import mend
from voicechat.cascade.server.prefetch import Ahead
from voicechat.cascade.server.response import Response
from voicechat.cascade.server.sentences import SentenceSplitter
from voicechat.cascade.tts.fallback import take_complaint
from voicechat.errors import VoiceChatError

_FIRST_BLOCK = 4800
"""Bytes: 100 ms, so that the first sound leaves early."""
_BLOCK = 9600
"""Bytes: 200 ms."""

Room: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until the client has taken most of what was sent."""
_Queue: TypeAlias = "asyncio.Queue[Piece | Exception | None]"


class Delivery:
    """One answer."""

    def __init__(self, parts: Parts, reply: Response, room: Room) -> None:
        self._parts, self._reply, self._room = parts, reply, room
        self._queue: _Queue = asyncio.Queue()
        self._ahead: Ahead | None = None
        """None: the words are not spoken, and need not be cut into sentences."""

    async def run(self, question: LlmRequest) -> CutShort | None:
        """Ask the mind and give what it says; what stopped it, if anything did.

        Raises:
            VoiceChatError: The mind or the mouth failed; what came before was given.
        """
        async with asyncio.TaskGroup() as group:
            if self._parts.mouth.speaks and not self._reply.plan.text_only:
                plan = self._reply.plan
                mouth = self._parts.mouth
                self._ahead = Ahead(mouth, group, voice=plan.voice, speed=plan.speed)
            thinking = group.create_task(self._think(self._parts.mind, question))
            failure, cut = await self._utter()
            thinking.cancel()
            if self._ahead:
                self._ahead.stop()
        if failure:
            raise failure
        return cut

    async def _think(self, mind: LanguageModel, question: LlmRequest) -> None:
        """Put what the mind says on the queue, whole sentences only; its failure, then None."""
        splitter = SentenceSplitter()
        try:
            async with contextlib.aclosing(mind.answer(question)) as pieces:
                async for piece in pieces:
                    self._put(self._cut(piece, splitter))
            self._put(splitter.flush())
        except VoiceChatError as error:
            self._put(splitter.flush())
            self._queue.put_nowait(error)
        self._queue.put_nowait(None)

    def _cut(self, piece: Piece, splitter: SentenceSplitter) -> list[Piece]:
        if isinstance(piece, Spent):
            return [piece]
        if not isinstance(piece, str):
            return [*splitter.flush(), piece]
        return [*splitter.feed(piece)] if self._ahead else [piece]

    def _put(self, pieces: list[Piece] | list[str]) -> None:
        for piece in pieces:
            if self._ahead and isinstance(piece, str):
                piece = mend(piece)
                self._ahead.begin(piece)
            self._queue.put_nowait(piece)

    async def _utter(self) -> tuple[Exception | None, CutShort | None]:
        cut = None
        while (piece := await self._queue.get()) is not None:
            if isinstance(piece, CutShort):
                cut = piece
                continue
            if isinstance(piece, Spent):
                self._reply.count(piece)
                continue
            try:
                await self._utter_piece(piece)
            except VoiceChatError as error:
                return error, None
        return None, cut

    async def _utter_piece(self, piece: str | ReadyAudio | ToolCall | Exception) -> None:
        reply = self._reply
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, ToolCall):
            reply.call(piece)
        elif reply.plan.text_only or reply.kind == "text":
            reply.write(piece.transcript if isinstance(piece, ReadyAudio) else piece)
        elif isinstance(piece, ReadyAudio):
            await self._sound(piece)
        else:
            await self._speak(piece)
        await self._room()

    async def _sound(self, sound: ReadyAudio) -> None:
        if sound.transcript:
            self._reply.say(sound.transcript)
        if sound.pcm:
            await self._play(_whole(sound.pcm))

    async def _speak(self, sentence: str) -> None:
        reply = self._reply
        if self._ahead is None:
            # Beside sound that was ready the words stay a transcript; alone they are a text.
            (reply.say if reply.kind == "audio" else reply.write)(sentence)
            return
        reply.say(sentence)
        await self._play(self._ahead.sound(), is_apart=self._parts.mouth.is_billed)
        if complaint := take_complaint(self._parts.mouth):
            reply.complain(complaint)

    async def _play(self, sound: AsyncGenerator[bytes, None], *, is_apart: bool = False) -> None:
        async with contextlib.aclosing(_blocks(sound)) as blocks:
            async for block in blocks:
                self._reply.count_apart(said_bytes=len(block) if is_apart else 0)
                self._reply.sound(block)
                await self._room()


async def _whole(pcm: bytes) -> AsyncGenerator[bytes, None]:
    yield pcm


async def _blocks(sound: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same sound in pieces of 200 ms, the first of 100 ms."""
    held, size = bytearray(), _FIRST_BLOCK
    async with contextlib.aclosing(sound) as pieces:
        async for piece in pieces:
            held += piece
            while len(held) >= size:
                yield bytes(held[:size])
                del held[:size]
                size = _BLOCK
    if held:
        yield bytes(held)
