"""One connection of a session: a line opened, written by one task, read by another, and ticked.

The rule of this file: mutate the dialect, then wake the writer; nobody else touches the link.  Two
tasks flushing one socket reorder messages (audio would land between a commit and its
response.create).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from voicechat.errors import VoiceChatError
from voicechat.events import Command, Event
from voicechat.line import Line
from voicechat.links.websocket import Link
from voicechat.providers.base import Dialect

Trace = Callable[[str, str | bytes], None]


class Call:
    """Carries commands to a model and events from it, until the link ends.

    Args:
        take: Gets every event, in order.
        trace: Sees every message with its direction, `up` or `down`.
    """

    def __init__(self, line: Line, take: Callable[[Event], None], trace: Trace | None) -> None:
        self._line, self._dialect = line, line.dialect
        self._take = take
        self._trace = trace or _no_trace
        self._wake = asyncio.Event()

    def send(self, command: Command) -> None:
        """Hand a command to the dialect, which keeps it until it may be sent."""
        self._dialect.send(command, time.monotonic())
        self._wake.set()

    async def run(self, prepare: Callable[[Link, Dialect], Awaitable[None]]) -> None:
        """Dial, let `prepare` settle what must be known before the greeting, and talk.

        Raises:
            VoiceChatError: (in a group, as a rule) the link could not be had, or ended.
        """
        async with self._line.link() as link, asyncio.TaskGroup() as tasks:
            await prepare(link, self._dialect)
            self._greet()
            tasks.create_task(self._writer(link))
            tasks.create_task(self._ticker())
            await self._downlink(link)

    def _greet(self) -> None:
        self._dialect.unix_at_zero = time.time() - time.monotonic()
        self._dialect.open(time.monotonic())
        self._wake.set()

    async def _writer(self, link: Link) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for message in self._dialect.data_to_send():
                self._trace("up", message)
                await link.send(message)

    async def _ticker(self) -> None:
        while True:
            await asyncio.sleep(self._dialect.tick_s)
            self._pass_on(self._dialect.tick(time.monotonic()))

    async def _downlink(self, link: Link) -> None:
        async for message in link:
            self._trace("down", message)
            self._pass_on(self._dialect.receive(message, time.monotonic()))

    def _pass_on(self, events: list[Event]) -> None:
        for event in events:
            self._take(event)
        self._wake.set()  # The dialect may have something to say back.


def first(group: BaseExceptionGroup[VoiceChatError]) -> VoiceChatError:
    """The first of a group's errors, however deep it lies."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error


def _no_trace(direction: str, message: str | bytes) -> None:
    """Nobody asked for a trace."""
