"""A dialect on a real socket, with a stand-in at the other end: what every such call does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voicechat.errors import VoiceChatError
from voicechat.events import Command, Event, ReplyAudio, ReplyText
from voicechat.providers.base import Dialect

E = TypeVar("E")
C = TypeVar("C", bound="SocketCaller")
LONGEST_S = 40.0
TICK_S = 0.05


def only(kind: type[E], events: list[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


class SocketCaller:
    """Carries messages between the dialect and the server.

    Attributes:
        events: Everything so far, in order.
        end: What the close of the link meant.
        has_ended: Whether it was closed.
    """

    def __init__(self, dialect: Dialect, connection: ClientConnection) -> None:
        self.dialect = dialect
        self.events: list[Event] = []
        self.end: VoiceChatError | None = None
        self.has_ended = False
        self._connection = connection
        self._wake = asyncio.Event()

    async def read(self) -> None:
        try:
            async for message in self._connection:
                self.check(message)
                self.events += self.dialect.receive(message, time.monotonic())
                self._wake.set()
        except ConnectionClosed:
            pass
        code, reason = self._connection.close_code, self._connection.close_reason
        self.end = self.dialect.closed(code or 1006, reason or "")
        self.has_ended = True

    async def write(self) -> None:
        while not self.has_ended:
            try:
                await asyncio.wait_for(self._wake.wait(), TICK_S)
            except TimeoutError:
                self.events += self.dialect.tick(time.monotonic())
            self._wake.clear()
            for message in self.dialect.data_to_send():
                try:
                    await self._connection.send(message.text)
                except ConnectionClosed:
                    return

    def check(self, message: str | bytes) -> None:
        """Look at a message of the server's; fails on one that the real service never sends."""

    # -- what a test does -----------------------------------------------------------------------

    def do(self, *commands: Command) -> None:
        for command in commands:
            self.dialect.send(command, time.monotonic())
        self._wake.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(LONGEST_S):
            while not holds():
                await asyncio.sleep(0.01)

    async def until_seen(self, kind: type[Event], times: int = 1) -> None:
        await self.until(lambda: len(only(kind, self.events)) >= times)

    def words(self) -> list[str]:
        """The whole texts of the replies."""
        return [event.text for event in only(ReplyText, self.events) if event.final]

    def sound(self, reply_id: str) -> bytes:
        return b"".join(e.pcm for e in only(ReplyAudio, self.events) if e.reply_id == reply_id)


@asynccontextmanager
async def on_line(dialect: Dialect, kind: type[C]) -> AsyncIterator[C]:
    """A call while the block runs."""
    async with connect(
        dialect.url(), additional_headers=dialect.headers(), proxy=None, compression=None
    ) as connection:
        caller = kind(dialect, connection)
        dialect.open(time.monotonic())
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(caller.read())
            tasks.create_task(caller.write())
            yield caller
            await connection.close()
            await reading
