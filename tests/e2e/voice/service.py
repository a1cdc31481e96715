"""The stand-in for the service in a process of its own, and a road to it that is slow to open."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.fakes import forked
from tests.fakes.ga_signal import read_wav
from tests.fakes.pulse import wait_until

ROOT = Path(__file__).parents[3]


@dataclass
class Server:
    """The running stand-in, seen through its log and its control socket."""

    port: int
    log_path: Path

    @property
    def url(self) -> str:
        """Where the sessions are."""
        return f"ws://127.0.0.1:{self.port}/v1/realtime"

    def entries(self) -> list[dict[str, Any]]:
        """All of the log that is written whole."""
        lines = self.log_path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def of(self, kind: str, direction: str = "in") -> list[dict[str, Any]]:
        """Entries of one type; `in` comes from the client."""
        return [e for e in self.entries() if e.get("type") == kind and e["dir"] == direction]

    def notes(self, note: str) -> list[dict[str, Any]]:
        """What the stand-in noted down, e.g. `sound`: which timecode an item is."""
        return [entry for entry in self.entries() if entry.get("note") == note]

    def wait_for(
        self, kind: str, direction: str = "in", *, count: int = 1, seconds: float = 20
    ) -> dict[str, Any]:
        """The entry number `count` (from 1) of a type.  AssertionError: not in time."""
        wait_until(
            lambda: len(self.of(kind, direction)) >= count,
            f"{direction} {kind} number {count}",
            seconds,
        )
        return self.of(kind, direction)[count - 1]

    def control(self, **command: Any) -> dict[str, Any]:
        """Trigger something at this moment, see `ga_control`."""
        with connect(f"ws://127.0.0.1:{self.port}/control", proxy=None) as socket:
            socket.send(json.dumps(command))
            answer: dict[str, Any] = json.loads(socket.recv())
        assert answer["ok"], answer
        return answer

    def received(self) -> bytes:
        """All sound the client has sent in the newest session: PCM16 mono at 24 kHz."""
        path = self.log_path.with_suffix(".wav")
        self.control(do="save_input", path=str(path))
        return read_wav(path)

    def check_manners(self) -> None:
        """Every message was valid by the official types, and none came before its time."""
        bad = [entry for entry in self.entries() if entry["dir"] == "violation"]
        assert not bad, bad
        updated = self.of("session.updated", "out")[0]["mono"]
        early = [e for e in self.of("input_audio_buffer.append") if e["mono"] < updated]
        assert not early, f"{len(early)} sounds were sent before session.updated"


@contextmanager
def server(home: Path, *options: str) -> Iterator[Server]:
    """Run the stand-in with its command line options."""
    log_path = home / f"wire-{time.monotonic_ns()}.jsonl"
    log_path.touch()
    with forked.running("tests.fakes.ga_server", "--log", str(log_path), *options) as first:
        yield Server(json.loads(first)["port"], log_path)


class SlowRoad:
    """A TCP relay to a port of this machine that carries nothing until `open` is called."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._is_open = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.travellers = 0
        """Connections that came so far."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/realtime"

    def open(self) -> None:
        """From now on everything goes through at once."""
        self._loop.call_soon_threadsafe(self._is_open.set)

    def __enter__(self) -> "SlowRoad":
        self._thread.start()
        self._run(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.travellers += 1
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await self._is_open.wait()
            far, forth = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(_pour(near, forth), _pour(far, back))
        back.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    finally:
        target.close()
