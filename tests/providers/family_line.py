"""A dialect on a real line to a stand-in of its provider, without the rest of the program.

    async with dialled(QwenServer(), "qwen") as line:
        line.does(SendText("Hello", "msg_1"))
        await line.until(ReplyFinished)

Everything that passes is kept: events, messages, and the entries of a recording (see `wire`).
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from tests.fakes.ga_server import GaServer
from voicechat.events import Command, Event, Heard, SendAudio, SessionReady, Tool
from voicechat.providers import dialect_class
from voicechat.providers.base import Dialect, Settings

JsonObject = dict[str, Any]
E = TypeVar("E")

KEY = "sk-test-0123456789abcdef"
JPEG = b"\xff\xd8\xff\xe0 a very small picture \xff\xd9"
TIME = Tool("get_time", "The time now.", {"type": "object", "properties": {}})
PLACE = Tool(
    "find",
    "Where something is.",
    {"type": "object", "properties": {"what": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
)
PATIENCE_S = 15.0


class Line:
    """One dialect and its connection."""

    def __init__(self, dialect: Dialect, socket: ClientConnection) -> None:
        self.dialect = dialect
        self.events: list[Event] = []
        self.sent: list[JsonObject] = []
        self.entries: list[JsonObject] = []
        self._socket = socket
        self._began = time.monotonic()
        self._queued: asyncio.Queue[str | bytes] = asyncio.Queue()

    @property
    def _now(self) -> float:
        return time.monotonic() - self._began

    def does(self, *commands: Command) -> None:
        """The user does something."""
        for command in commands:
            self.entries.append(_entry(command, self._now))
            self.dialect.send(command, self._now)
            self._flush()

    def says(self, pcm: bytes) -> None:
        """The user's sound, in chunks of 48 ms."""
        step = self.dialect.input_rate * 48 // 1000 * 2
        self.does(*(SendAudio(pcm[at : at + step]) for at in range(0, len(pcm), step)))

    async def until(
        self,
        kind: type[E],
        holds: Callable[[E], bool] = lambda event: True,
        *,
        in_order: bool = True,
    ) -> E:
        """Wait for an event, or find one that came since the last that was waited for.

        `in_order`: forget what came before it.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for at, event in enumerate(self.events):
                    if isinstance(event, kind) and holds(event):
                        del self.events[(0 if in_order else at) : at + 1]
                        return event
                await asyncio.sleep(0.005)
                self.events += self.dialect.tick(self._now)
                self._flush()

    def asked(self, kind: str) -> list[JsonObject]:
        """The messages of one type that were sent."""
        return [message for message in self.sent if message["type"] == kind]

    # -- the two tasks ------------------------------------------------------------------------

    async def read(self) -> None:
        self.dialect.open(self._now)
        self._flush()
        async for message in self._socket:
            now = self._now
            given = self.dialect.receive(message, now)
            self.entries.append({"at": round(now, 3), "from": "server", **_quiet(message)})
            self.events += given
            self._flush()

    async def write(self) -> None:
        while True:
            await self._socket.send(await self._queued.get())

    def _flush(self) -> None:
        for message in self.dialect.data_to_send():
            self.sent.append(json.loads(message.text))
            self._queued.put_nowait(message.text)


@asynccontextmanager
async def dialled(server: GaServer, provider: str, **chosen: Any) -> AsyncIterator[Line]:
    """A line that is ready, to a server that is started and stopped with it."""
    async with server:
        kind = dialect_class(provider)
        chosen = {"model": kind.profile.default_model, "api_key": KEY, **chosen}
        dialect = kind(Settings(url=server.url, **chosen))
        url, headers = dialect.url(), dialect.headers()
        async with connect(url, additional_headers=headers, proxy=None, close_timeout=2) as socket:
            line = Line(dialect, socket)
            tasks = [asyncio.create_task(line.read()), asyncio.create_task(line.write())]
            try:
                await line.until(SessionReady)
                yield line
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def heard(item_id: str, heard_ms: int, received_ms: int) -> Heard:
    return Heard(item_id, heard_ms, received_ms)


def _quiet(message: str | bytes) -> JsonObject:
    """A message for a recording, its sound as so much silence."""
    content = json.loads(message)
    if "delta" in content and "audio.delta" in content["type"]:
        content["delta"] = {"silence_ms": len(base64.b64decode(content["delta"])) // 48}
    return {"message": content}


def _entry(command: Command, now: float) -> JsonObject:
    given = {field.name: getattr(command, field.name) for field in fields(command)}
    for name, value in given.items():
        if name == "pcm":
            given[name] = {"silence_ms": len(value) // 48}
        elif isinstance(value, bytes):
            given[name] = base64.b64encode(value).decode()
        elif name == "heard":
            given[name] = [{f.name: getattr(part, f.name) for f in fields(part)} for part in value]
    return {"at": round(now, 3), "from": "user", "command": type(command).__name__, **given}
