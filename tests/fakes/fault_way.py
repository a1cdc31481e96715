"""One direction of one TCP connection through the fault proxy: what is done to its bytes, and when.

Order is kept, as TCP keeps it: what is delayed delays all that follows.  Offsets count the bytes of
this direction of this connection, from 0.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["up", "down"]
"""Up: from the client to the service."""
How: TypeAlias = Literal["fin", "rst"]

READ = 16_384
WAITING = 65_536
"""Bytes that may wait inside, as in a router; beyond that the sender feels the line."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How one direction carries bytes; the defaults pass them on as they come."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Up to so much more or less, drawn anew for each piece."""
    rate: float = 0.0
    """Bytes a second; 0: no limit."""
    drip_ms: float = 0.0
    """One byte each so often."""
    is_stalled: bool = False
    """Nothing is read or written."""
    splits: bool = False
    """Every byte is a write (and, without Nagle, mostly a segment) of its own."""
    merge_ms: float = 0.0
    """What comes within so long leaves in one write."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What happens when a direction has carried `at` bytes."""

    at: int
    act: Literal["cut", "corrupt", "truncate", "hole", "dup"]
    how: How = "rst"
    bit: int = 0
    length: int = 0
    """Of `dup`: so many bytes from `at` on are sent twice."""


class CutError(Exception):
    """The connection ends here, both ways."""

    def __init__(self, how: How) -> None:
        super().__init__(how)
        self.how: How = how


class Way:
    """Carries bytes from `source` to `sink` until one of them ends.

    Args:
        marks: In the order of their offsets; those that are passed are taken out.
        dig: Called at a mark `hole`: the connection is a black hole from now on.
    """

    def __init__(
        self,
        source: socket.socket,
        sink: socket.socket,
        weather: Weather,
        marks: list[Mark],
        dice: random.Random,
        dig: Callable[[], None],
    ) -> None:
        self.passed = 0
        """Bytes that went into the sink."""
        self.writes = 0
        self.marks = marks
        self._source, self._sink = source, sink
        self._weather, self._dice, self._dig = weather, dice, dig
        self._is_hole = False
        self._changed = asyncio.Event()
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._waiting = 0
        self._free_at = self._due_last = 0.0
        self._loop = asyncio.get_running_loop()

    def change(self, weather: Weather) -> None:
        """From now on, for what is not on its way yet."""
        self._weather = weather
        self._wake()

    def swallow(self) -> None:
        """From now on nothing moves, and no end is told."""
        self._is_hole = True
        self._wake()

    async def carry(self) -> None:
        """Until the source ends (the sink is told).  CutError: a mark says so."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._write())

    async def _read(self) -> None:
        data = b"?"
        while data:
            await self._until(lambda: self._moves and self._waiting < self._room)
            data = await self._receive()
            if data and self._weather.merge_ms:
                data += await self._more(self._weather.merge_ms / 1000)
            self._waiting += len(data)
            self._queue.put_nowait((self._due(len(data)), data))

    async def _receive(self) -> bytes:
        try:
            return await self._loop.sock_recv(self._source, READ)
        except OSError:
            await self._until(lambda: self._moves)  # Nor does a reset get through.
            raise

    async def _more(self, seconds: float) -> bytes:
        """What else comes within so long."""
        await asyncio.sleep(seconds)
        try:
            return self._source.recv(READ * 16)
        except BlockingIOError:
            return b""

    async def _write(self) -> None:
        while True:
            due, data = await self._queue.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._until(lambda: self._moves)
            if not data:
                self._sink.shutdown(socket.SHUT_WR)
                return
            await self._deliver(data)
            self._waiting -= len(data)
            self._wake()

    # -- when -----------------------------------------------------------------------------------

    @property
    def _moves(self) -> bool:
        return not (self._weather.is_stalled or self._is_hole)

    @property
    def _room(self) -> float:
        return min(WAITING, self._weather.rate or WAITING)

    def _due(self, size: int) -> float:
        weather, now = self._weather, self._loop.time()
        jitter = self._dice.uniform(-weather.jitter_ms, weather.jitter_ms)
        takes_s = size / weather.rate if weather.rate else 0.0
        self._free_at = max(self._free_at, now) + takes_s
        self._due_last = max(
            self._due_last, self._free_at + max(0.0, weather.delay_ms + jitter) / 1000
        )
        return self._due_last

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()

    # -- what -----------------------------------------------------------------------------------

    async def _deliver(self, data: bytes) -> None:
        while self.marks and self.marks[0].at < self.passed + len(data):
            mark = self.marks.pop(0)
            ahead = max(0, mark.at - self.passed)
            await self._send(data[:ahead])
            data = self._obey(mark, data[ahead:])
            await self._until(lambda: self._moves)
        await self._send(data)

    def _obey(self, mark: Mark, rest: bytes) -> bytes:
        match mark.act:
            case "cut":
                raise CutError(mark.how)
            case "truncate":
                raise CutError("fin")
            case "corrupt":
                return bytes([rest[0] ^ (1 << mark.bit)]) + rest[1:]
            case "dup":
                return rest[: mark.length] + rest
            case "hole":
                self._dig()
        return rest

    async def _send(self, data: bytes) -> None:
        drip_s, step = self._weather.drip_ms / 1000, 1
        if not (drip_s or self._weather.splits):
            step = len(data) or 1
        for at in range(0, len(data), step):
            await self._until(lambda: self._moves)
            await self._loop.sock_sendall(self._sink, data[at : at + step])
            self.passed += min(step, len(data) - at)
            self.writes += 1
            if step == 1:
                await asyncio.sleep(drip_s if self._weather.drip_ms else 0.0)
