"""A TCP proxy that does to a connection what networks do, on command.

with FaultProxy(server_port) as proxy:
    ...  connect to `proxy.port`; meanwhile, from any thread:
    proxy.delay(120, jitter_ms=80)      proxy.stall("down"); proxy.resume()
    proxy.cut("rst")                    proxy.mark("down", Mark(4000, "cut"))
    proxy.blackhole()                   proxy.play("flap")

It runs in a thread of its own.  Weather holds for the connections there are and for those to come;
`cut` and `blackhole` happen to those there are; marks to the next that come; `refuse`, `vanish`,
`hang` and `answer` to those to come.
"""

import asyncio
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Self, TypeAlias, TypeVar

from tests.fakes.fault_profiles import PROFILES, FaultProfile
from tests.fakes.fault_way import CutError, Direction, How, Mark, Way, Weather

__all__ = ["PROFILES", "FaultProxy", "Journey", "Mark", "Weather"]

Door: TypeAlias = Literal["open", "closed", "gone", "hang", "answer"]
Side: TypeAlias = Literal["up", "down", "both"]
T = TypeVar("T")

RECEIVE_BUFFER = 65_536
"""Small, so that a stall is felt by the sender soon."""
GOODBYE_S = 1.0
"""How long a side that got a FIN may go on talking before its socket is closed."""


class Journey:
    """One connection, from a client to the service."""

    def __init__(self, near: socket.socket, far: socket.socket, proxy: "FaultProxy") -> None:
        self._ends = near, far
        weather, marks, dice = proxy.weather, proxy.take_marks(), proxy.dice
        self.ways: dict[Direction, Way] = {
            "up": Way(near, far, weather["up"], marks["up"], dice, self.swallow),
            "down": Way(far, near, weather["down"], marks["down"], dice, self.swallow),
        }
        self.ended: str = ""
        """How: `fin` or `rst` by us, `closed` by one of the sides; empty: it goes on."""
        self.ended_at = math.inf
        """`time.monotonic()`."""
        self._cut = asyncio.Event()
        self._cut_how: How = "fin"

    def passed(self, direction: Direction) -> int:
        """Bytes so far."""
        return self.ways[direction].passed

    def swallow(self) -> None:
        """Be a black hole: nothing is read or written any more, and no end is told."""
        for way in self.ways.values():
            way.swallow()

    def cut(self, how: How) -> None:
        self._cut_how = how
        self._cut.set()

    async def run(self) -> None:
        """Until both ways have ended, or it is cut."""
        how: How | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch())
                carried = [tasks.create_task(way.carry()) for way in self.ways.values()]
                await asyncio.gather(*carried)
                raise _Over
        except* _Over:
            pass
        except* CutError as group:
            how = _first(group).how
        except* OSError:  # One side broke off: the other shall know.
            how = "rst"
        finally:
            self.ended, self.ended_at = how or "closed", time.monotonic()
            if how != "fin":
                _close(self._ends, with_reset=how == "rst")
        if how == "fin":
            await _say_goodbye(self._ends)

    async def _watch(self) -> None:
        await self._cut.wait()
        raise CutError(self._cut_how)


class _Over(Exception):
    """Both ways have ended by themselves."""


class FaultProxy:
    """Stands between clients and a service on this machine.

    Attributes:
        port: Where clients come.
        journeys: All connections that were carried, in order.
        visits: Connections that came, those that met a shut door too.
        dice: All that is random here.
    """

    def __init__(
        self, target: int, *, seed: int = 0, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.target = target
        self.host, self.port = host, port
        self.journeys: list[Journey] = []
        self.visits = 0
        self.dice = random.Random(seed)
        self.weather: dict[Direction, Weather] = {"up": Weather(), "down": Weather()}
        self._marks: dict[Direction, list[Mark]] = {"up": [], "down": []}
        self._door: Door = "open"
        self._answer = b""
        self._fillers: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._playing: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._open_door)
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # -- what is told ---------------------------------------------------------------------------

    def url(self, path: str = "/v1/realtime") -> str:
        """A WebSocket address that leads through here."""
        return f"ws://{self.host}:{self.port}{path}"

    def passed(self, direction: Direction) -> int:
        """Bytes of all connections so far."""
        return sum(journey.passed(direction) for journey in list(self.journeys))

    @property
    def is_carrying(self) -> bool:
        """Whether a connection is up (or believed to be)."""
        return any(not journey.ended for journey in list(self.journeys))

    def take_marks(self) -> dict[Direction, list[Mark]]:
        """For a new connection: each mark is for one only."""
        marks, self._marks = self._marks, {"up": [], "down": []}
        return marks

    # -- weather --------------------------------------------------------------------------------

    def pass_on(self) -> None:
        """Good weather both ways and an open door; a profile that plays ends."""
        self._call(self._calm)

    def delay(self, ms: float, jitter_ms: float = 0.0, side: Side = "both") -> None:
        self.change(side, delay_ms=ms, jitter_ms=jitter_ms)

    def rate(self, bytes_s: float, side: Side = "both") -> None:
        self.change(side, rate=bytes_s)

    def drip(self, ms: float, side: Side = "both") -> None:
        """One byte each so many milliseconds."""
        self.change(side, drip_ms=ms)

    def stall(self, side: Side = "both") -> None:
        """Nothing moves until `resume`."""
        self.change(side, is_stalled=True)

    def resume(self, side: Side = "both") -> None:
        self.change(side, is_stalled=False)

    def split(self, side: Side = "both") -> None:
        """One byte a write."""
        self.change(side, splits=True)

    def merge(self, ms: float = 50.0, side: Side = "both") -> None:
        """Many messages a write."""
        self.change(side, merge_ms=ms)

    def change(self, side: Side = "both", **weather: Any) -> None:
        """Change some of the weather, see `Weather`."""
        self._call(lambda: self._change(side, weather))

    def _change(self, side: Side, changes: dict[str, Any]) -> None:
        for direction in self.weather:
            if side in (direction, "both"):
                weather = self.weather[direction] = replace(self.weather[direction], **changes)
                for journey in self.journeys:
                    journey.ways[direction].change(weather)

    # -- blows ----------------------------------------------------------------------------------

    def cut(self, how: How = "rst") -> None:
        """End all connections there are: both sides see a FIN or an RST."""
        self._call(lambda: self._each(lambda journey: journey.cut(how)))

    def blackhole(self) -> None:
        """All connections there are stay open and carry nothing any more."""
        self._call(lambda: self._each(Journey.swallow))

    def mark(self, direction: Direction, *marks: Mark) -> None:
        """What shall happen to the next connection after so many bytes."""
        self._call(lambda: self._marks[direction].extend(sorted(marks, key=lambda mark: mark.at)))

    def mark_now(self, direction: Direction, ahead: int, mark: Mark) -> None:
        """What shall happen to the newest connection after so many bytes more than now."""

        def add() -> None:
            way = self.journeys[-1].ways[direction]
            way.marks.append(replace(mark, at=way.passed + ahead))
            way.marks.sort(key=lambda mark: mark.at)

        self._call(add)

    def corrupt(self, direction: Direction, at: int, bit: int = 0) -> None:
        """Flip one bit of the next connection's byte `at`."""
        self.mark(direction, Mark(at, "corrupt", bit=bit))

    def truncate(self, direction: Direction, at: int) -> None:
        """End the next connection (FIN) after so many bytes."""
        self.mark(direction, Mark(at, "truncate"))

    def dup(self, direction: Direction, at: int, length: int) -> None:
        """Send so many bytes of the next connection twice."""
        self.mark(direction, Mark(at, "dup", length=length))

    # -- the door -------------------------------------------------------------------------------

    def refuse(self) -> None:
        """Nothing listens: connections are refused."""
        self._call(lambda: self._set_door("closed"))

    def vanish(self) -> None:
        """Nobody is there: not even a refusal comes (Linux: a full queue drops SYNs)."""
        self._call(lambda: self._set_door("gone"))

    def hang(self) -> None:
        """Accept, and read and say nothing."""
        self._call(lambda: self._set_door("hang"))

    def answer(self, data: bytes) -> None:
        """Read a request's head, give these bytes, and hang up."""

        def set_answer() -> None:
            self._answer = data
            self._set_door("answer")

        self._call(set_answer)

    def let_in(self) -> None:
        """New connections are carried again."""
        self._call(lambda: self._set_door("open"))

    # -- profiles -------------------------------------------------------------------------------

    def play(self, profile: FaultProfile | str, *, tempo: float = 1.0) -> None:
        """Begin a profile, which ends what was played before.

        Args:
            tempo: Times the profile's own speed; its delays and rates stay as they are.
        """
        steps = PROFILES[profile] if isinstance(profile, str) else profile

        def start() -> None:
            self._calm()
            self._playing = self._loop.create_task(self._play(steps, tempo))

        self._call(start)

    async def _play(self, profile: FaultProfile, tempo: float) -> None:
        while True:
            began = self._loop.time()
            for step in profile.steps:
                await asyncio.sleep(max(0.0, began + step.at_s / tempo - self._loop.time()))
                self._perform(step.act, step.options)
            if not profile.period_s:
                return
            await asyncio.sleep(max(0.0, began + profile.period_s / tempo - self._loop.time()))

    def _perform(self, act: str, options: dict[str, Any]) -> None:
        match act:
            case "weather":
                self._change(options.get("side", "both"), options["weather"])
            case "cut":
                self._each(lambda journey: journey.cut(options.get("how", "rst")))
            case "blackhole":
                self._each(Journey.swallow)
            case "door":
                self._answer = options.get("answer", self._answer)
                self._set_door(options["door"])
            case _:
                raise ValueError(f"no such act: {act}")

    # -- inside the thread ----------------------------------------------------------------------

    def _calm(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
        for direction in self.weather:
            self.weather[direction] = Weather()
            for journey in self.journeys:
                journey.ways[direction].change(Weather())
        self._set_door("open")

    def _each(self, do: Callable[[Journey], None]) -> None:
        for journey in self.journeys:
            if not journey.ended:
                do(journey)

    def _set_door(self, door: Door) -> None:
        listens = {"open", "hang", "answer"}
        was, self._door = self._door, door
        if (was in listens) and (door in listens):
            return
        self._shut_door()
        if door in listens:
            self._open_door()
        elif door == "gone":
            self._block_door()

    def _open_door(self) -> None:
        self._listener = _listener(self.host, self.port, 128)
        self.port = self._listener.getsockname()[1]
        self._accepting = self._loop.create_task(self._accept(self._listener))

    def _block_door(self) -> None:
        """A queue for one, which is full of visitors that nobody lets in."""
        self._listener = _listener(self.host, self.port, 0)
        for _ in range(4):
            visitor = socket.socket(self._listener.family)
            visitor.setblocking(False)
            with suppress(BlockingIOError):
                visitor.connect((self.host, self.port))
            self._fillers.append(visitor)

    def _shut_door(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        for each in (self._listener, *self._fillers):
            if each is not None:
                each.close()
        self._listener, self._fillers = None, []

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            near, _ = await self._loop.sock_accept(listener)
            self.visits += 1
            task = self._loop.create_task(self._serve(near))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, near: socket.socket) -> None:
        _prepare(near)
        if self._door == "open":
            await self._carry(near)
            return
        try:
            if self._door == "answer":
                await self._answer_to(near)
            else:
                await asyncio.Event().wait()
        finally:
            near.close()

    async def _answer_to(self, near: socket.socket) -> None:
        head = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in head and (data := await self._loop.sock_recv(near, READ_HEAD)):
                head += data
            await self._loop.sock_sendall(near, self._answer)
            near.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(GOODBYE_S):
                while await self._loop.sock_recv(near, READ_HEAD):
                    pass

    async def _carry(self, near: socket.socket) -> None:
        far = socket.socket()
        _prepare(far)
        try:
            await self._loop.sock_connect(far, ("127.0.0.1", self.target))
        except BaseException:
            _close((near, far), with_reset=True)
            raise
        journey = Journey(near, far, self)
        self.journeys.append(journey)
        await journey.run()

    async def _end(self) -> None:
        self._calm()
        self._shut_door()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- between the threads --------------------------------------------------------------------

    def _call(self, do: Callable[[], T]) -> T:
        async def run() -> T:
            return do()

        return self._wait(run())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


READ_HEAD = 65_536


def _listener(host: str, port: int, backlog: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    listener.bind((host, port))
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


def _prepare(sock: socket.socket) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _close(ends: tuple[socket.socket, ...], *, with_reset: bool) -> None:
    for end in ends:
        if with_reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()


async def _say_goodbye(ends: tuple[socket.socket, ...]) -> None:
    """FIN to both, and a while for what they still say: closing over unread bytes would reset."""
    try:
        await asyncio.gather(*(_drain(end) for end in ends))
    finally:
        _close(ends, with_reset=False)


async def _drain(end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError, TimeoutError):
        end.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(GOODBYE_S):
            while await loop.sock_recv(end, READ_HEAD):
                pass


def _first(group: BaseExceptionGroup[CutError]) -> CutError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
