"""A call on lines that are dead, slow or only quiet: real sockets, and a server made by hand."""

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import pytest

from tests.net.servers import Raw, raw, upgraded
from tests.session.wires import MemoryLink, Wire
from voicechat.connection.connection import Connection, first
from voicechat.connection.state.keepalive import ASK_S
from voicechat.connection.target import Target
from voicechat.errors import LinkError, VoiceChatError
from voicechat.events import (
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
    SendAudio,
    SendText,
    Unknown,
)
from voicechat.net import websocket
from voicechat.net.close_codes import LinkClosed
from voicechat.net.websocket import Link
from voicechat.providers.audio_fields import encode
from voicechat.providers.base import Dialect, Profile, Settings

RATE = 24_000
CHUNK = (2000).to_bytes(2, "little") * 480
PING, PONG, TEXT = 9, 10, 1


class Plain(Dialect):
    """Says what it is told to, in the words of the house's first provider."""

    profile: ClassVar[Profile] = Profile("plain", "Plain", "ws://x", "m", pong_s=1.5)

    def url(self) -> str:
        return self.settings.url

    def headers(self) -> dict[str, str]:
        return {}

    def open(self, now: float) -> None:
        self._say({"type": "hello"})

    def send(self, command: Command, now: float) -> None:
        match command:
            case SendAudio(pcm):
                message = {"type": "input_audio_buffer.append", "audio": encode(pcm)}
                self._say(message, sound_s=len(pcm) / 2 / RATE)
            case EndTurn():
                self._say({"type": "input_audio_buffer.commit"})
            case SendText(words):
                self._say({"type": "text", "text": words})
            case Interrupt():
                self._say({"type": "response.cancel"}, is_urgent=True)

    def receive(self, message: str | bytes, now: float) -> list[Event]:
        return [Unknown(str(message))]

    def tick(self, now: float) -> list[Event]:
        return []

    def closed(self, code: int, reason: str) -> VoiceChatError | None:
        return None


class Patient(Plain):
    """Its pongs come late, and that is health."""

    profile: ClassVar[Profile] = Profile("patient", "Patient", "ws://x", "m", pong_s=6.0)


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that ends with its body, and says what ended that."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except* (asyncio.IncompleteReadError, ConnectionError):
        pass


@dataclass
class Far:
    """The far side: a WebSocket server (RFC 6455, 5.2) that does what it is told to.

    Attributes:
        pong_after_s: How late it answers pings; None: never.
        pings_each_s: How often it pings; 0: never.
        is_deaf: It reads nothing any more.
        bytes_per_s: How fast it reads; 0: as fast as it can.
    """

    pong_after_s: float | None = 0.0
    pings_each_s: float = 0.0
    is_deaf: bool = False
    bytes_per_s: float = 0.0
    messages: list[str] = field(default_factory=list)
    pings: int = 0

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Raw
    ) -> None:
        async with _together() as tasks:
            self._tasks = tasks
            if self.pings_each_s:
                tasks.create_task(self._ping(writer))
            while True:
                await self._hold()
                await self._read(reader, writer)

    async def _hold(self) -> None:
        while self.is_deaf:
            await asyncio.sleep(0.05)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start, size = await reader.readexactly(2)
        size &= 0x7F
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(await reader.readexactly(width))
        mask, payload = await reader.readexactly(4), await reader.readexactly(size)
        if self.bytes_per_s:
            await asyncio.sleep((size + 8) / self.bytes_per_s)
        match start & 0x0F:
            case 9:
                self.pings += 1
                if self.pong_after_s is not None:
                    data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
                    self._tasks.create_task(self._pong(writer, data, self.pong_after_s))
            case 1:
                key = (mask * (size // 4 + 1))[:size]
                plain = int.from_bytes(payload) ^ int.from_bytes(key)
                self.messages.append(plain.to_bytes(size).decode())

    async def _pong(self, writer: asyncio.StreamWriter, data: bytes, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if not self.is_deaf:
            writer.write(struct.pack("!BB", 0x80 | PONG, len(data)) + data)

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(bytes([0x80 | PING, 0]))
            await asyncio.sleep(self.pings_each_s)

    def kinds(self) -> list[str]:
        return [json.loads(message)["type"] for message in self.messages]


@dataclass
class Near:
    """A call, and all that it told."""

    call: Connection
    told: list[Event] = field(default_factory=list)
    error: VoiceChatError | None = None
    ended_at: float = 0.0
    running: asyncio.Task[None] = field(init=False)

    async def run(self) -> None:
        try:
            await self.call.run(_prepared)
        except* VoiceChatError as group:
            self.error = first(group)
        self.ended_at = time.monotonic()

    async def talk(self, seconds: float, *, pace: float = 1.0) -> None:
        """Speak for so long, in real time."""
        end, due = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end and not self.running.done():
            self.call.send(SendAudio(CHUNK))
            due += 0.02 / pace
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def notices(self) -> list[str]:
        return [event.code for event in self.told if isinstance(event, Notice)]


async def _prepared(link: Link, dialect: Dialect) -> None:
    """Nothing to settle."""


@asynccontextmanager
async def calling(
    far: Far, dialect: Callable[[Settings], Dialect] = Plain, **chosen: Any
) -> AsyncIterator[Near]:
    """A call to a far side, until the block ends."""
    async with raw(upgraded(far.talk)) as server:
        spoken = dialect(Settings("m", url=f"ws://127.0.0.1:{server.port}/", **chosen))
        line = Target(spoken, lambda: websocket.connect(spoken.url(), {}, proxy=None), "m")
        told: list[Event] = []
        near = Near(Connection(line, told.append, None), told)
        near.running = asyncio.create_task(near.run())
        yield near
        near.running.cancel()
        await asyncio.gather(near.running, return_exceptions=True)


async def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


# -- dead lines -----------------------------------------------------------------------------------


@pytest.mark.fault("N22", "X02")
async def test_a_line_that_falls_silent_is_given_up_while_somebody_speaks() -> None:
    far = Far()
    async with calling(far) as near:
        await until(lambda: far.pings)
        await near.talk(0.5)
        far.is_deaf, started = True, time.monotonic()
        await near.talk(15)
        await until(near.running.done)
    assert isinstance(near.error, LinkError) and near.error.retryable
    assert "The line to Plain is dead: nothing came for" in near.error.message
    assert near.ended_at - started < ASK_S + 1.5 + 3.0


async def lives(far: Far, seconds: float, dialect: Callable[[Settings], Dialect] = Plain) -> Near:
    """Speak to it for so long; it must bear that."""
    async with calling(far, dialect) as near:
        await until(lambda: far.messages)
        await near.talk(seconds)
        assert not near.running.done(), near.error
    return near


@pytest.mark.fault("N22", "N24")
async def test_every_sign_of_life_is_one() -> None:
    """A server that only answers pings, one that only sends some, one that answers them late; and
    one that does not know what a ping is."""
    await asyncio.gather(
        lives(Far(), 7.0),
        lives(Far(pong_after_s=None, pings_each_s=0.5), 7.0),
        lives(Far(pong_after_s=4.0), 7.0, Patient),
        lives(Far(pong_after_s=None), 7.0),
    )


@pytest.mark.fault("X05", "N33")
async def test_a_process_that_stood_still_ends_no_line() -> None:
    far = Far()
    async with calling(far) as near:
        await until(lambda: far.pings)
        time.sleep(ASK_S + 1.5 + 1.0)  # noqa: ASYNC251 - the whole process stands still
        await asyncio.sleep(0.7)
        assert not near.running.done(), near.error


# -- slow lines -----------------------------------------------------------------------------------


@pytest.mark.fault("N25")
async def test_a_line_slower_than_speech_is_told_and_what_was_said_arrives_in_order() -> None:
    far = Far(bytes_per_s=16_000)
    async with calling(far, Patient) as near:
        await until(lambda: far.messages)
        await near.talk(8.0)
        near.call.send(EndTurn())
        near.call.send(SendText("words", "msg_1"))
        assert near.notices() == ["line_slow"]
        assert near.call.waiting_s > 1
        assert not near.running.done(), near.error
        far.bytes_per_s = 0.0
        await until(lambda: "text" in far.kinds())
    sounds = far.kinds().count("input_audio_buffer.append")
    assert far.kinds() == [
        "hello",
        *["input_audio_buffer.append"] * sounds,
        "input_audio_buffer.commit",
        "text",
    ]
    assert sounds > 200  # Nothing was lost.


@pytest.mark.fault("N25")
async def test_stopping_a_reply_overtakes_the_sound_that_waits() -> None:
    far = Far(bytes_per_s=16_000)
    async with calling(far, Patient, hands_free=True) as near:
        await until(lambda: far.messages)
        await near.talk(5.0)
        waited_s = near.call.waiting_s
        near.call.send(Interrupt())
        near.call.send(SendText("words", "msg_1"))
        far.bytes_per_s = 48_000
        await until(lambda: "text" in far.kinds())
        kinds = far.kinds()
    behind = kinds[kinds.index("response.cancel") :].count("input_audio_buffer.append")
    assert waited_s > 1
    assert 0 < behind * 0.02 <= 2.1  # Only the words that interrupted.


@pytest.mark.fault("X02")
async def test_leaving_a_full_line_takes_no_longer_than_leaving_any() -> None:
    far = Far(is_deaf=True)
    async with calling(far, Patient) as near:
        await asyncio.sleep(0.2)
        await near.talk(2.0, pace=10.0)
        near.call.send(SendText("x" * 4_000_000, "msg_1"))
        await asyncio.sleep(0.5)
        started = time.monotonic()
        near.running.cancel()
        await asyncio.gather(near.running, return_exceptions=True)
        assert time.monotonic() - started < 2.0


async def test_the_servers_last_words_are_told_although_it_takes_nothing_any_more() -> None:
    wire, events = Wire(), list[Event]()

    @asynccontextmanager
    async def link() -> AsyncIterator[Link]:
        yield cast(Link, MemoryLink(wire))

    async def prepare(_: Link, dialect: Dialect) -> None:
        """Nothing needs to be known."""

    call = Connection(Target(Plain(Settings("m")), link, "m"), events.append, None)
    running = asyncio.create_task(call.run(prepare))
    while not wire.up.waiting:
        await asyncio.sleep(0.01)
    wire.stall(0.5)
    wire.down.put("There is no credit left")
    wire.close(4000, "no credit")
    call.send(SendText("hello?", "msg_1"))
    with pytest.raises(ExceptionGroup) as failed:
        await running
    error = first(failed.value)
    assert isinstance(error, LinkClosed) and error.code == 4000
    assert events == [Unknown("There is no credit left")]
