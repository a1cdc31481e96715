"""What a flood leaves behind: 10,000 deltas a second through a session, and the hour after it.

In virtual time, typed only, with a journal on the disk: memory is asked of the system (RSS), before
the flood, all through it, at its end, and every quarter of an hour of ordinary talk after it.  The
deltas come in replies of 5,000, and then as many again in a single reply.
"""

import asyncio
import gc
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.fakes import virtual_time
from tests.session.day import Day
from tests.session.wires import Wire

DELTAS_A_SECOND = 10_000
DELTAS_A_REPLY = 5_000
MIB = 1024 * 1024


@dataclass(slots=True)
class Memory:
    """RSS in MiB."""

    before: float = 0.0
    peak: float = 0.0
    """During the flood, and the reply without end."""
    after: float = 0.0
    later: list[float] = field(default_factory=list)
    """Each quarter of an hour."""
    deltas: int = 0

    @property
    def slope_a_hour(self) -> float:
        """From the first quarter of an hour on, when everything has warmed up again."""
        hours = (len(self.later) - 1) / 4
        return (self.later[-1] - self.later[0]) / hours if hours > 0 else 0.0


class _CalmDay(Day):
    """A day without weather."""

    def __init__(self, folder: Path, hours: float) -> None:
        super().__init__(folder, hours, seed=1)
        self.weather.clears_s = 0.0


def _resident() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MIB


def _deltas(reply: int, count: int) -> Iterable[str]:
    """One reply of words alone."""
    name = f'"response_id":"resp_f{reply}"'
    where = f'{name},"item_id":"item_f{reply}","output_index":0,"content_index":0'
    response = f'"response":{{"id":"resp_f{reply}","output":[]'
    yield f'{{"type":"response.created",{response}}}}}'
    for number in range(count):
        kind = "response.output_audio_transcript.delta"
        yield f'{{"type":"{kind}","event_id":"e{reply}_{number}",{where},"delta":"word "}}'
    yield f'{{"type":"response.done",{response},"status":"completed"}}}}'


async def _flood(wire: Wire, replies: range, count: int, memory: Memory) -> None:
    """So many deltas a second, as evenly as a burst each 10 ms can be."""
    for reply in replies:
        for message in _deltas(reply, count):
            wire.down.put(message)
            memory.deltas += 1
            if memory.deltas % (DELTAS_A_SECOND // 100) == 0:
                await asyncio.sleep(0.01)
            if memory.deltas % DELTAS_A_SECOND == 0:
                wire.down.taken.clear()
                memory.peak = max(memory.peak, _resident())


def _forget(day: Day) -> None:
    """What the observer and the wire write down is none of the program's memory."""
    day.observer.answers.clear()
    day.observer.planned.clear()
    if day.service.wire is not None:
        day.service.wire.down.taken.clear()
        day.service.wire.up.taken.clear()


async def _measure(folder: Path, seconds: int, hours: float) -> Memory:
    day, memory = _CalmDay(folder, hours), Memory()
    running = asyncio.create_task(day.session.run(stay=True))
    await asyncio.sleep(5.0)
    memory.before = _resident()
    assert day.service.wire is not None
    replies = seconds * DELTAS_A_SECOND // DELTAS_A_REPLY
    wire = day.service.wire
    await _flood(wire, range(replies), DELTAS_A_REPLY, memory)
    await _flood(wire, range(replies, replies + 1), replies * DELTAS_A_REPLY, memory)
    await asyncio.sleep(5.0)
    assert day.journal.flush(30.0)
    memory.after = _resident()
    for _ in range(round(hours * 4)):
        ends = asyncio.get_running_loop().time() + 900
        while asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(20.0)
            day._type()
        _forget(day)
        memory.later.append(_resident())
    running.cancel()
    await asyncio.wait([running])
    day.journal.close(30.0)
    return memory


def run(seconds: int = 10, hours: float = 2.0) -> Memory:
    """Flood for so many seconds, then talk for so many hours."""
    with tempfile.TemporaryDirectory() as folder:
        return virtual_time.run(_measure(Path(folder), seconds, hours))
