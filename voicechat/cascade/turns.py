"""One reply at a time, sentence by sentence: the mind writes, the mouth speaks what is whole.

A cancelled reply is over on the wire at once; its mind and mouth are stopped behind it.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Literal, TypeAlias

from voicechat.cascade.checks import Refusal
from voicechat.cascade.items import History, Item
from voicechat.cascade.parts import (
    CutShort,
    Mind,
    Mouth,
    Parts,
    Piece,
    Question,
    Sound,
    ToolCall,
)
from voicechat.cascade.reply import Reply, ReplyPlan, Send
from voicechat.cascade.sentences import SentenceSplitter
from voicechat.errors import LinkError, RefusedError, VoiceChatError

_FIRST_BLOCK = 4800
"""Bytes: 100 ms, so that the first sound leaves early."""
_BLOCK = 9600
"""Bytes: 200 ms."""

Room: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until the client has taken most of what was sent."""
_Queue: TypeAlias = "asyncio.Queue[Piece | Exception | None]"


class Turns:
    """Starts and stops replies; at most one of them belongs to the conversation."""

    def __init__(
        self, parts: Parts, history: History, send: Send, room: Room, tasks: asyncio.TaskGroup
    ) -> None:
        self._parts, self._history, self._send, self._room = parts, history, send, room
        self._tasks = tasks
        self._running: dict[str, tuple[Reply, asyncio.Task[None]]] = {}
        self.has_spoken = False
        """Whether the client has got any sound, after which the voice stays."""

    @property
    def active(self) -> Reply | None:
        """The reply that is being given to the conversation."""
        replies = [reply for reply, _ in self._running.values()]
        return next((one for one in replies if not one.over and not one.plan.aside), None)

    def create(self, plan: ReplyPlan, items: Sequence[Item] | None = None) -> None:
        """Begin a reply to these items (None: to the conversation).

        Raises:
            Refusal: Another one is being given.
        """
        if not plan.aside and (active := self.active):
            message = f"Conversation already has an active response in progress: {active.id}."
            advice = "Wait until the response is finished before creating a new one."
            raise Refusal("conversation_already_has_active_response", f"{message} {advice}")
        reply = Reply(self._send, self._history, plan)
        reply.begin()
        about = list(self._history.items if items is None else items)
        task = self._tasks.create_task(self._run(reply, about))
        self._running[reply.id] = reply, task
        task.add_done_callback(lambda _: self._running.pop(reply.id, None))

    def cancel(
        self, reason: Literal["client_cancelled", "turn_detected"], reply_id: str | None = None
    ) -> bool:
        """Stop a reply (None: the conversation's); False when there is none."""
        active = self.active
        wanted = reply_id or (active.id if active else "")
        reply, task = self._running.get(wanted, (None, None))
        if reply is None or task is None or reply.over:
            return False
        reply.finish("cancelled", reason=reason)
        task.cancel()
        return True

    async def _run(self, reply: Reply, about: Sequence[Item]) -> None:
        try:
            question = await _ask(about, reply.plan, hears=self._parts.mind.hears)
            reply.count_input(question)
            cut = None if _is_silence(about, question) else await self._answer(reply, question)
            reply.finish("incomplete", reason=cut.reason) if cut else reply.finish()
        except VoiceChatError as error:
            reply.finish("failed", error=describe(error))
        except Exception:
            logging.getLogger(__name__).exception("A reply failed in an unforeseen way")
            reply.finish("failed", error=describe(VoiceChatError("The local model failed")))

    async def _answer(self, reply: Reply, question: Question) -> CutShort | None:
        by_sentence = self._parts.mouth.speaks and not reply.plan.text_only
        queue: _Queue = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            mind = self._parts.mind
            thinking = group.create_task(_think(mind, question, queue, by_sentence))
            failure, cut = await self._utter(reply, queue)
            thinking.cancel()
        if failure:
            raise failure
        return cut

    async def _utter(self, reply: Reply, queue: _Queue) -> tuple[Exception | None, CutShort | None]:
        cut = None
        while (piece := await queue.get()) is not None:
            if isinstance(piece, CutShort):
                cut = piece
                continue
            try:
                await self._utter_piece(reply, piece)
            except VoiceChatError as error:
                return error, None
        return None, cut

    async def _utter_piece(self, reply: Reply, piece: str | Sound | ToolCall | Exception) -> None:
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, ToolCall):
            reply.call(piece)
        elif reply.plan.text_only or reply.kind == "text":
            reply.write(piece.transcript if isinstance(piece, Sound) else piece)
        elif isinstance(piece, Sound):
            await self._sound(reply, piece)
        else:
            await self._speak(reply, piece)
        await self._room()

    async def _sound(self, reply: Reply, sound: Sound) -> None:
        if sound.transcript:
            reply.say(sound.transcript)
        if sound.pcm:
            await self._play(reply, _whole(sound.pcm))

    async def _speak(self, reply: Reply, sentence: str) -> None:
        mouth: Mouth = self._parts.mouth
        if not mouth.speaks:
            # Beside sound that was ready the words stay a transcript; alone they are a text.
            (reply.say if reply.kind == "audio" else reply.write)(sentence)
            return
        reply.say(sentence)
        plan = reply.plan
        await self._play(reply, mouth.speak(sentence, voice=plan.voice, speed=plan.speed))

    async def _play(self, reply: Reply, sound: AsyncGenerator[bytes, None]) -> None:
        async with contextlib.aclosing(_blocks(sound)) as blocks:
            async for block in blocks:
                reply.sound(block)
                self.has_spoken = True
                await self._room()


def describe(error: VoiceChatError) -> dict[str, Any]:
    """The error as `status_details` shows it."""
    kind, code = "server_error", "local_model_failed"
    if isinstance(error, RefusedError):
        kind, code = "invalid_request_error", "local_model_refused"
    elif isinstance(error, LinkError):
        code = "local_model_unreachable"
    elif error.retry_after_s is not None:
        kind = code = "rate_limit_exceeded"
    return {"type": kind, "code": code, "message": str(error)}


async def _ask(about: Sequence[Item], plan: ReplyPlan, *, hears: bool) -> Question:
    """Put the question together; wait for words that are still written down, if the mind needs."""
    waiting = [item.words for item in about if item.words and not hears]
    if waiting:
        # Not awaited directly: a cancelled reply must not cancel the words.
        await asyncio.wait(waiting)
        if words := about[-1].words:
            words.result()
    limit = plan.max_output_tokens
    return Question(
        [item.said() for item in about],
        plan.instructions,
        limit if isinstance(limit, int) else None,
        plan.tools,
        plan.must_call,
        "" if plan.voice == "default" else plan.voice,
        not plan.text_only,
    )


def _is_silence(about: Sequence[Item], question: Question) -> bool:
    """Whether the ears found no word in the sound that is to be answered: a cough, a door."""
    words = about[-1].words if about else None
    return bool(words and words.done() and not words.exception() and not question.said[-1].text)


async def _think(mind: Mind, question: Question, queue: _Queue, by_sentence: bool) -> None:
    """Put what the mind says on the queue, whole sentences only; its failure, then None, last."""
    splitter = SentenceSplitter()
    try:
        async with contextlib.aclosing(mind.answer(question)) as pieces:
            async for piece in pieces:
                for part in _parts(piece, splitter, by_sentence):
                    queue.put_nowait(part)
        for rest in splitter.flush():
            queue.put_nowait(rest)
    except VoiceChatError as error:
        for rest in splitter.flush():
            queue.put_nowait(rest)
        queue.put_nowait(error)
    queue.put_nowait(None)


def _parts(piece: Piece, splitter: SentenceSplitter, by_sentence: bool) -> list[Piece]:
    if not isinstance(piece, str):
        return [*splitter.flush(), piece]
    return [*splitter.feed(piece)] if by_sentence else [piece]


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
