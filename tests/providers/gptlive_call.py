"""One GPT-Live dialect on a real socket, with the stand-in at the other end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.fakes.ga_signal import tone
from tests.fakes.gptlive_server import GptLiveServer
from voicechat.errors import VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    ReplyAudio,
    ReplyText,
    SendAudio,
)
from voicechat.providers.base import Settings
from voicechat.providers.gptlive import GptLiveDialect

E = TypeVar("E")

KEY = "sk-test-0123456789abcdef"
MODEL = "gpt-live-1"
LONGEST_S = 40.0


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

    def __init__(self, dialect: GptLiveDialect, connection: ClientConnection) -> None:
        self.dialect = dialect
        self.events: list[Event] = []
        self.end: VoiceChatError | None = None
        self.has_ended = False
        self._connection = connection
        self._wake = asyncio.Event()

    async def read(self) -> None:
        try:
            async for message in self._connection:
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
                await asyncio.wait_for(self._wake.wait(), 0.1)
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

    def press(self, ms: int = 600) -> None:
        """One turn of the key, all at once."""
        self.do(BeginTurn(), *said(ms), EndTurn())

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(LONGEST_S):
            while not holds():
                await asyncio.sleep(0.01)

    async def until_seen(self, kind: type[Event], times: int = 1) -> None:
        await self.until(lambda: len(only(kind, self.events)) >= times)

    async def talk(self, ms: int) -> None:
        """Speak at the pace of speech, hands-free."""
        for piece in said(ms):
            self.do(piece)
            await asyncio.sleep(0.1)

    def words(self) -> list[str]:
        """The whole texts of the replies."""
        return [event.text for event in only(ReplyText, self.events) if event.final]

    def sound(self, reply_id: str) -> bytes:
        return b"".join(e.pcm for e in only(ReplyAudio, self.events) if e.reply_id == reply_id)


def said(ms: int) -> list[Command]:
    """What anybody takes for speech."""
    return [SendAudio(tone(100)) for _ in range(ms // 100)]


@asynccontextmanager
async def calling(server: GptLiveServer, **chosen: Any) -> AsyncIterator[Caller]:
    """A call while the block runs."""
    dialect = GptLiveDialect(settings(url=server.url, **chosen))
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
