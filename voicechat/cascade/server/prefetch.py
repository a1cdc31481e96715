"""Makes the sound of the next sentence while one is still being given, so that no gap is heard.

The rule: one sentence ahead and no more, for what is cut was paid for.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator
from typing import TypeAlias

from voicechat.cascade.roles import TextToSpeech
from voicechat.errors import VoiceChatError

_AT_ONCE = 2
"""The sentence that is being given, and the next."""
_Queue: TypeAlias = "asyncio.Queue[bytes | VoiceChatError | None]"


class Ahead:
    """The sentences of one reply, begun in the order they are to be given in.

    The makers belong to the task group of the reply and stop with it.
    """

    def __init__(
        self, mouth: TextToSpeech, tasks: asyncio.TaskGroup, *, voice: str, speed: float
    ) -> None:
        self._mouth, self._tasks = mouth, tasks
        self._voice, self._speed = voice, speed
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._begun: deque[tuple[_Queue, asyncio.Task[None]]] = deque()

    def begin(self, sentence: str) -> None:
        """A sentence is whole: its sound is made as soon as its turn is near."""
        queue: _Queue = asyncio.Queue()
        self._begun.append((queue, self._tasks.create_task(self._make(sentence, queue))))

    def sound(self) -> AsyncGenerator[bytes, None]:
        """The sound of the next sentence that was begun, as `TextToSpeech.speak` gives it.

        Raises:
            VoiceChatError: As the mouth.
            IndexError: None was begun.
        """
        return self._give(*self._begun.popleft())

    def stop(self) -> None:
        """No more of it: what was begun and not given is given up."""
        for _, maker in self._begun:
            maker.cancel()
        self._begun.clear()

    async def _give(self, queue: _Queue, maker: asyncio.Task[None]) -> AsyncGenerator[bytes, None]:
        try:
            while (piece := await queue.get()) is not None:
                if isinstance(piece, VoiceChatError):
                    raise piece
                yield piece
        finally:
            maker.cancel()
            self._free.release()

    async def _make(self, sentence: str, queue: _Queue) -> None:
        # First come, first served: the semaphore lets them in by the order they were begun in.
        await self._free.acquire()
        try:
            sound = self._mouth.speak(sentence, voice=self._voice, speed=self._speed)
            async with contextlib.aclosing(sound) as pieces:
                async for pcm in pieces:
                    queue.put_nowait(pcm)
        except VoiceChatError as error:
            queue.put_nowait(error)
        queue.put_nowait(None)
