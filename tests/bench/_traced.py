"""A stand-in whose replies come at traced times: `python -m tests.bench._traced LOG`.

It prints its port.  The text of the user names the trace, see `trace`; every reply is the same
voice (`sound`), whole, with a mark each half second.  Each reply is one line in LOG: its trace, and
when (monotonic) which delta left.  Nothing of the protocol is checked here.
"""

import asyncio
import base64
import json
import signal
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from tests.fakes.pulse import RATE

LENGTH_MS = 8000
DELTA_MS = 100
MARK_EVERY_MS, MARK_MS = 500, 20
MARKS_HZ = (4200, 5200, 6200, 7200)
"""Mark n has tone n modulo 4."""
STALLS: dict[str, tuple[tuple[int, int], ...]] = {
    "none": (),
    "150": ((400, 150),),
    "300s": tuple((at, 300) for at in range(400, LENGTH_MS, 1500)),
}
"""(at ms of the reply, for ms): then what is late comes at once."""


@lru_cache
def sound() -> bytes:
    """A voice without a pause, whose pitch wanders, and marks."""
    at = np.arange(LENGTH_MS * RATE // 1000) / RATE
    pitch = 130 + 40 * np.sin(2 * np.pi * at / 1.7) + 5 * np.sin(2 * np.pi * at * 4.3)
    turns = np.cumsum(pitch) / RATE * 2 * np.pi
    voice = np.sum([np.sin(turns * n) / n for n in range(1, 9)], axis=0) * 5000
    frames = MARK_MS * RATE // 1000
    shape = np.hanning(frames)
    for number in range(LENGTH_MS // MARK_EVERY_MS):
        begin = number * MARK_EVERY_MS * RATE // 1000
        tone = np.sin(2 * np.pi * MARKS_HZ[number % 4] * np.arange(frames) / RATE)
        voice[begin : begin + frames] += tone * shape * 6000
    pcm: bytes = voice.astype("<i2").tobytes()
    return pcm


def trace(pace: float, stalls: str) -> list[float]:
    """When each delta leaves, in seconds: so many times real time, but not in the stalls."""
    times = []
    for begin in range(0, LENGTH_MS, DELTA_MS):
        due = begin / pace
        for at, lasting in STALLS[stalls]:
            if at / pace <= due < at / pace + lasting:
                due = at / pace + lasting
        times.append(due / 1000)
    return times


class Service:
    """Everything there is of it."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("a")
        self._count = 0

    async def serve(self, connection: ServerConnection) -> None:
        asked = ""
        await _send(connection, "session.created", session={"id": "sess_1", "type": "realtime"})
        async for message in connection:
            event = json.loads(message)
            match event["type"]:
                case "session.update":
                    await _send(connection, "session.updated", session=event["session"])
                case "conversation.item.create":
                    asked = event["item"]["content"][0]["text"]
                case "response.create":
                    await self._reply(connection, asked)

    async def _reply(self, connection: ServerConnection, asked: str) -> None:
        self._count += 1
        name = f"{self._count}"
        response = {"id": f"resp_{name}", "status": "in_progress", "output": []}
        await _send(connection, "response.created", response=response)
        item = {"id": f"item_{name}", "type": "message", "role": "assistant", "content": []}
        where = {"response_id": f"resp_{name}", "output_index": 0}
        await _send(connection, "response.output_item.added", **where, item=item)
        part = where | {"item_id": item["id"], "content_index": 0}
        sent = [moment async for moment in self._speak(connection, asked, part)]
        await _send(connection, "response.output_audio.done", **part)
        await _send(connection, "response.output_item.done", **where, item=item)
        done = response | {"status": "completed", "output": [item], "usage": None}
        await _send(connection, "response.done", response=done)
        self._log.write(json.dumps({"asked": asked, "sent": sent}) + "\n")
        self._log.flush()

    async def _speak(self, connection: ServerConnection, asked: str, part: dict[str, Any]) -> Any:
        _, pace, stalls, _ = asked.split()
        size, began = DELTA_MS * RATE // 500, time.monotonic()
        for number, due in enumerate(trace(float(pace), stalls)):
            await asyncio.sleep(max(began + due - time.monotonic(), 0))
            delta = base64.b64encode(sound()[number * size : (number + 1) * size]).decode()
            yield time.monotonic()
            await _send(connection, "response.output_audio.delta", **part, delta=delta)


async def _send(connection: ServerConnection, kind: str, **fields: Any) -> None:
    await connection.send(
        json.dumps({"type": kind, "event_id": f"event_{time.monotonic_ns()}"} | fields)
    )


def replies(log: Path) -> Iterator[tuple[str, list[float]]]:
    """What was asked, and when which delta left."""
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        yield entry["asked"], entry["sent"]


async def _main(log: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sound()
    async with serve(Service(log).serve, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
