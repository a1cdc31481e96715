"""What is really heard of replies that stall: `python -m tests.bench.loudspeaker [REPLIES]`.

The real program and two simple clients, each with a virtual loudspeaker of its own on one sound
server, get the same replies at the same time: a voice of 8 s without a pause, in deltas of 100 ms,
sent 1, 1.5 or 4 times as fast as it is played; with no stall, one of 150 ms, or one of 300 ms in
each 1.5 s; what was held up comes at once after it.  What the loudspeakers emitted was recorded.

* start: from the first delta leaving the server to the first sound, ms;
* added: how much more that is than the client without a prebuffer needs, ms;
* late: how much later than at once the last mark of the reply is heard, ms (a stall that is longer
  than what waits makes everybody late, slow play makes only the program late);
* gaps: silences of more than 15 ms, how many and how long together, ms;
* after: of them those after the first stall was over.

Where it may be had, clients and server run before the rest of the machine: it is not its load that
is looked for.  The program learns from reply to reply: its first is shown apart.  Goal: no gap
after the first stall with less than 200 ms added.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench._room import hurry, pulse_pid
from tests.bench._traced import (
    LENGTH_MS,
    MARK_EVERY_MS,
    MARK_MS,
    MARKS_HZ,
    STALLS,
    replies,
)
from tests.bench.call import KEY, moment
from tests.e2e.voice.listening import loud_runs, samples
from tests.e2e.voice.service import ROOT
from tests.fakes.pulse import RATE, PulseServer, Recording, wait_until

REPLIES = 4
PACES = (1.0, 1.5, 4.0)
GAP_MS = 15
QUIET = 600
"""|sample|: the voice is louder but for a moment, a fade is not."""
CLIENTS = {"none": 0, "3 x 40": 120}
PROGRAM = "voicechat"


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply as it was heard."""

    start_ms: float
    late_ms: float
    gaps_ms: tuple[float, ...]
    after_ms: tuple[float, ...]
    """Gaps after the end of the first stall."""
    marks: int


Result = dict[str, list[Heard]]


@contextmanager
def clients(pulse: PulseServer, home: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Everybody, connected, each with a loudspeaker of its own."""
    log = home / "traced.jsonl"
    log.touch()
    with ExitStack() as running:
        server = running.enter_context(
            _process([sys.executable, "-m", "tests.bench._traced", str(log)], dict(os.environ))
        )
        port = server.stdout.readline().strip()
        found = {}
        for name in (PROGRAM, *CLIENTS):
            sink = _sink(name)
            shape = f"rate={RATE} channels=1 format=s16le norewinds=1"
            pulse.control("load-module", "module-null-sink", f"sink_name={sink}", shape)
            env = {**os.environ, **pulse.env, "PULSE_SINK": sink, "PYTHONUNBUFFERED": "1"}
            argv = [sys.executable, "-m", "tests.bench._peer", port, str(CLIENTS.get(name, 0))]
            if name == PROGRAM:
                argv = _program(port)
                env |= {"OPENAI_API_KEY": KEY, "VOICECHAT_DATA": str(home / "data")}
                env |= {"VOICECHAT_CONFIG": str(home / "config.toml")}
                (home / "config.toml").touch(mode=0o600)
            found[name] = running.enter_context(_process(argv, env))
            found[name].stdout.readline()
        time.sleep(4)
        yield found, log


def _program(port: str) -> list[str]:
    url = f"ws://127.0.0.1:{port}/v1/realtime"
    options = ["--model", "gpt-realtime-2.1", "--url", url, "--json", "--hands-free"]
    return [sys.executable, "-m", "voicechat", *options]


@contextmanager
def _process(argv: list[str], env: dict[str, str]) -> Iterator[Any]:
    """With a stdin that may be written to."""
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        argv, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=nothing, text=True
    ) as process:
        hurry(process.pid)
        try:
            yield process
        finally:
            process.terminate()
            process.communicate()


def measure(pulse: PulseServer, home: Path, pace: float, stalls: str, count: int) -> Result:
    """By client what was heard of each reply."""
    at, lasting = STALLS[stalls][0] if STALLS[stalls] else (0, 0)
    stall_over_s = (at / pace + lasting) / 1000
    result: Result = {}
    with clients(pulse, home) as (running, log):
        for process in running.values():
            _drain(process)
        for number in range(count):
            words = f"{pace} {stalls} {number}"
            for name, (ear, began) in _hear(pulse, running, log, words).items():
                result.setdefault(name, []).append(judge(ear, began, stall_over_s))
    return result


def _hear(
    pulse: PulseServer, running: dict[str, Any], log: Path, words: str
) -> dict[str, tuple[Recording, float]]:
    """By client a recording of one reply, and when its first delta left the server."""
    asked = {name: f"{_sink(name)} {words}" for name in running}
    with ExitStack() as recording:
        ears = {
            name: recording.enter_context(pulse.record(f"{_sink(name)}.monitor"))
            for name in running
        }
        for name, process in running.items():
            process.stdin.write(f"{asked[name]}\n")
            process.stdin.flush()
        time.sleep(LENGTH_MS / 1000)
        wait_until(lambda: {*asked.values()} <= {each for each, _ in replies(log)}, "replies", 30)
        wait_until(lambda: all(map(_is_over, ears.values())), "silence", 30)
    sent = dict(replies(log))
    return {name: (ears[name], sent[asked[name]][0]) for name in running}


def _sink(name: str) -> str:
    return name.replace(" ", "")


def _drain(process: Any) -> None:
    """Let it write as much as it likes."""
    threading.Thread(target=lambda: list(process.stdout), daemon=True).start()


def _is_over(ear: Recording) -> bool:
    pcm = ear.pcm
    return bool(loud_runs(pcm, QUIET)) and not loud_runs(pcm[-RATE * 2 :], QUIET)


def judge(ear: Recording, began: float, stall_over_s: float) -> Heard:
    """Look at a recording.

    Args:
        began: When the first delta left the server.
        stall_over_s: After that, when the first stall was over.
    """
    pcm = ear.pcm
    runs = loud_runs(pcm, QUIET, GAP_MS)
    gaps = [
        ((after[0] - before[1]) * 1000 / RATE, moment(ear, after[0]) - began)
        for before, after in zip(runs, runs[1:], strict=False)
    ]
    marks = find_marks(pcm)
    last = max(marks)
    late = (moment(ear, marks[last]) - began) * 1000 - last * MARK_EVERY_MS
    return Heard(
        (moment(ear, runs[0][0]) - began) * 1000,
        late,
        tuple(ms for ms, _ in gaps),
        tuple(ms for ms, at in gaps if at > stall_over_s + 0.2),
        len(marks),
    )


def find_marks(pcm: bytes) -> dict[int, int]:
    """Frame at which each mark begins; they come in order."""
    sound = samples(pcm)
    size = MARK_MS * RATE // 1000
    step = size // 4
    levels = []
    for hz in MARKS_HZ:
        wave = np.exp(-2j * np.pi * hz * np.arange(sound.size) / RATE) * sound
        summed = np.concatenate([[0], np.cumsum(wave)])
        levels.append(np.abs(summed[size::step] - summed[:-size:step]) / size)
    heights = np.array(levels)
    found: dict[int, int] = {}
    last = -RATE
    for at in np.flatnonzero(heights.max(axis=0) > 500):
        column = heights[:, max(at - 2, 0) : at + 3]
        if heights[:, at].max() < column.max() or at * step - last < RATE * MARK_EVERY_MS // 2000:
            continue
        expected = max(found, default=-1) + 1
        skipped = (int(heights[:, at].argmax()) - expected) % 4
        found[expected + skipped] = last = int(at * step)
    return found


def show(pace: float, stalls: str, result: Result) -> None:
    base = float(np.median([each.start_ms for each in result["none"]]))
    rows = {name: each for name, each in result.items() if name != PROGRAM}
    rows |= {"voicechat, 1st": result[PROGRAM][:1], "voicechat, later": result[PROGRAM][1:]}
    for name, each in rows.items():
        start = float(np.median([one.start_ms for one in each]))
        late = float(np.median([one.late_ms for one in each]))
        count = np.mean([len(one.gaps_ms) for one in each])
        total = np.mean([sum(one.gaps_ms) for one in each])
        after, after_ms = (
            np.mean([len(one.after_ms) for one in each]),
            np.mean([sum(one.after_ms) for one in each]),
        )
        marks = min(one.marks for one in each)
        print(
            f"{pace:>5g} x {stalls:6}{name:18}{start:>7.0f}{start - base:>7.0f}{late:>7.0f}"
            f"{count:>7.1f}{total:>7.0f}{after:>7.1f}{after_ms:>7.0f}{marks:>7}",
            flush=True,
        )


def main() -> None:
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    heads = ("start", "added", "late", "gaps", "ms", "after", "ms", "marks")
    print(f"{'':32}" + "".join(f"{head:>7}" for head in heads))
    for pace in PACES:
        for stalls in STALLS:
            with tempfile.TemporaryDirectory() as folder, PulseServer() as pulse:
                hurry(pulse_pid(pulse))
                result = measure(pulse, Path(folder), pace, stalls, given[0] if given else REPLIES)
            show(pace, stalls, result)
        print(f"{'':12}load {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
