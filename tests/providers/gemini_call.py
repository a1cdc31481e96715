"""One Gemini dialect on a real socket, with the stand-in at the other end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.fakes.gemini_check import check
from tests.fakes.gemini_server import GeminiServer
from voicechat.errors import VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    ReplyAudio,
    ReplyText,
    SendAudio,
    Tool,
)
from voicechat.providers.base import Settings
from voicechat.providers.gemini import GeminiDialect

E = TypeVar("E")

KEY = "AIzaTestKey0123456789"
MODEL = "gemini-3.8-live"
CLOCK = Tool("get_time", "The time of day.", {"type": "object", "properties": {}})
LONGEST_S = 20.0


def settings(**chosen: Any) -> Settings:
    return Settings(**{"model": MODEL, "api_key": KEY, **chosen})


def only(kind: type[E], events: list[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


class Caller:
    """Carries messages between the dialect and the server.

    Attributes:
        events: Everything so far, in order.
        end: What the close of the link meant.
        has_ended: Whether it was closed.
    """

    def __init__(self, dialect: GeminiDialect, connection: ClientConnection) -> None:
        self.dialect = dialect
        self.events: list[Event] = []
        self.end: VoiceChatError | None = None
        self.has_ended = False
        self._connection = connection
        self._wake = asyncio.Event()

    async def read(self) -> None:
        try:
            async for message in self._connection:
                assert isinstance(message, bytes)
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
                await asyncio.wait_for(self._wake.wait(), 0.05)
            except TimeoutError:
                self.events += self.dialect.tick(time.monotonic())
            self._wake.clear()
            for message in self.dialect.data_to_send():
                try:
                    await self._connection.send(message)
                except ConnectionClosed:
                    return

    # -- what a test does -----------------------------------------------------------------------

    def do(self, *commands: Command) -> None:
        for command in commands:
            self.dialect.send(command, time.monotonic())
        self._wake.set()

    def speak(self, ms: int = 600) -> None:
        """One turn of the key, all at once."""
        self.do(BeginTurn(), *sound(ms), EndTurn())

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(LONGEST_S):
            while not holds():
                await asyncio.sleep(0.01)

    async def until_seen(self, kind: type[Event], count: int = 1) -> None:
        await self.until(lambda: len(only(kind, self.events)) >= count)

    def words(self) -> list[str]:
        """The whole texts of the replies."""
        return [event.text for event in only(ReplyText, self.events) if event.final]

    def sound(self, reply_id: str) -> bytes:
        return b"".join(e.pcm for e in only(ReplyAudio, self.events) if e.reply_id == reply_id)


def sound(ms: int) -> list[Command]:
    return [SendAudio(bytes(20 * 32)) for _ in range(ms // 20)]


def loud(ms: int) -> list[Command]:
    """What a VAD takes for speech."""
    return [SendAudio(b"\x00\x20\x00\xe0" * 160) for _ in range(ms // 20)]


@asynccontextmanager
async def calling(server: GeminiServer, **chosen: Any) -> AsyncIterator[Caller]:
    """A call while the block runs."""
    dialect = GeminiDialect(settings(url=server.url, **chosen))
    headers = dialect.headers()
    async with connect(
        dialect.url(), additional_headers=headers, proxy=None, compression=None
    ) as connection:
        caller = Caller(dialect, connection)
        dialect.open(time.monotonic())
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(caller.read())
            tasks.create_task(caller.write())
            yield caller
            await connection.close()
            await reading


__all__ = [
    "CLOCK",
    "KEY",
    "MODEL",
    "Caller",
    "calling",
    "check",
    "loud",
    "only",
    "settings",
    "sound",
]
