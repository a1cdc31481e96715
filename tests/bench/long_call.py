"""A call of half an hour, with loudspeakers, echo and a busy screen: what it costs, and whether it
grows: `python -m tests.bench.long_call [MINUTES]`.

The real program in a terminal; replies of voices at three times real time, whose text streams over
the screen; the user asks, interrupts, and is silent; an echo of -12 dB through a room.  CPU is that
of the program's process, all its threads, in percent of one core.  Peers, connected and silent:
2.6 to 99 %, without a canceller.  Where it may be had, the program runs before the rest of the
machine: what is lost is then its own doing.
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from tests.audio.echo_room import Room
from tests.bench._room import air, hurry_children
from tests.bench._talk import Phase, Talk, judge
from tests.bench._voices import save_stories, voices
from tests.bench.call import KEY, SETTLED_S
from tests.e2e.voice.service import ROOT, Server
from tests.fakes.pulse import PulseServer
from tests.fakes.terminal import Terminal

MINUTES = 30.0
WARM_SHARE = 1 / 6
"""Of the call: after it memory should not grow any more."""
EVERY_S = 5.0
IDLE_S = (5.0, 15.0)


@dataclass
class Meter:
    """What a process uses, phase by phase."""

    process: psutil.Process
    phase: Phase = "idle"
    cpu_s: dict[Phase, float] = field(default_factory=dict)
    lasting_s: dict[Phase, float] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """(minutes, MB)."""
    loads: list[float] = field(default_factory=list)
    units_ms: list[float] = field(default_factory=list)
    """CPU time of one and the same piece of work: longer while the core is shared."""

    def __post_init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._used = self._cpu()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def enter(self, phase: Phase) -> None:
        """Another phase begins: what was used until now belongs to the one before."""
        now, used = time.monotonic(), self._cpu()
        before = self.phase
        self.cpu_s[before] = self.cpu_s.get(before, 0) + used - self._used
        self.lasting_s[before] = self.lasting_s.get(before, 0) + now - self._last
        self.phase, self._last, self._used = phase, now, used

    def stop(self) -> None:
        self.enter("idle")
        self._ends.set()
        self._thread.join()

    def percent(self, *phases: Phase) -> float:
        lasting = sum(self.lasting_s.get(phase, 0) for phase in phases)
        return sum(self.cpu_s.get(phase, 0) for phase in phases) / max(lasting, 1e-9) * 100

    def growth(self) -> tuple[float, float]:
        """(MB at the end of the warm-up, MB that came after it along a straight line)."""
        minutes, sizes = np.array(self.memory).T
        warm = minutes >= minutes[-1] * WARM_SHARE
        slope, _ = np.polyfit(minutes[warm], sizes[warm], 1)
        return float(sizes[warm][0]), float(slope * (minutes[-1] - minutes[warm][0]))

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def _watch(self) -> None:
        while not self._ends.wait(EVERY_S):
            size = self.process.memory_info().rss / 1e6
            self.memory.append(((time.monotonic() - self._began) / 60, size))
            self.loads.append(os.getloadavg()[0])
            self.units_ms.append(_unit_ms())


def _unit_ms() -> float:
    """CPU time of a fixed piece of work."""
    began = time.thread_time()
    sum(n * n for n in range(50_000))
    return (time.thread_time() - began) * 1000


@contextmanager
def counted_call(
    pulse: PulseServer, service: Server, home: Path, *options: str
) -> Iterator[Terminal]:
    """The program on a screen; its lost blocks are counted in `home/lost.json`."""
    env = {**os.environ, **pulse.env, "OPENAI_API_KEY": KEY, "VOICECHAT_DATA": str(home / "data")}
    env |= {"VOICECHAT_CONFIG": str(home / "config.toml"), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    (home / "config.toml").touch(mode=0o600)
    argv = [sys.executable, "-m", "tests.bench._counted", str(home / "lost.json")]
    argv += ["--model", "gpt-realtime-2.1", "--url", service.url, "--hands-free", *options]
    with Terminal(argv, cols=120, rows=40, env=env, cwd=ROOT) as terminal:
        service.wait_for("session.updated", "out", seconds=40)
        yield terminal


def show(meter: Meter, talk: Talk, lost: dict[str, int]) -> None:
    for phase in ("idle", "talking", "replying"):
        lasting = meter.lasting_s.get(phase, 0)
        print(f"  CPU % of a core, {phase}: {meter.percent(phase):.1f} ({lasting:.0f} s)")
    unit, best = float(np.mean(meter.units_ms)), min(meter.units_ms)
    print(f"  CPU % of a core, all: {meter.percent('idle', 'talking', 'replying'):.1f}")
    print(f"  (one piece of work took {unit:.1f} ms of CPU meanwhile, {best:.1f} ms at best)")
    warm, grown = meter.growth()
    peak = max(size for _, size in meter.memory)
    print(
        f"  memory, MB: {warm:.1f} after the warm-up, {grown:+.2f} until the end, peak {peak:.1f}"
    )
    each = meter.memory[:: -(-len(meter.memory) // 12)]
    print("  minute: MB  " + "  ".join(f"{minute:.1f}: {size:.1f}" for minute, size in each))
    print(f"  blocks lost: loudspeaker {lost['loudspeaker']}, microphone {lost['microphone']}")
    print(f"  replies: {talk.replies}, heard for {talk.heard_s:.0f} s")


def main() -> None:
    given = [float(word) for word in sys.argv[1:] if word.replace(".", "").isdigit()]
    minutes = given[0] if given else MINUTES
    with tempfile.TemporaryDirectory() as folder, PulseServer() as pulse:
        home = Path(folder)
        with (
            voices(home, save_stories(home)) as service,
            air(pulse, Room()),
            counted_call(pulse, service, home) as terminal,
        ):
            hurry_children()
            time.sleep(SETTLED_S)
            before = json.loads((home / "lost.json").read_text())
            meter = Meter(psutil.Process(terminal.pid))
            talk = Talk(pulse, service, meter.enter)
            talk.run(minutes, IDLE_S)
            meter.stop()
            after = json.loads((home / "lost.json").read_text())
            lost = {kind: after[kind] - before[kind] for kind in after}
            verdict = judge(talk, service.received())
    loads = np.array(meter.loads)
    print(f"{minutes:g} min; load {loads.mean():.1f} ({loads.min():.1f}–{loads.max():.1f})")
    show(meter, talk, lost)
    print("".join(f"  {line}\n" for line in verdict.lines()), flush=True)


if __name__ == "__main__":
    main()
