"""A whole call, measured from outside: the real program on a screen, a real sound server, a server
process that stands where the service stands.

Everything is timed on one monotonic clock: the server's log, the recorder of the loudspeaker and of
the microphone, and this process.  The peers' figures are those measured the same way on a machine
of this kind in November 2026.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from websockets.sync.client import connect

from tests.fakes.ga_signal import decode_track, silence, tone
from tests.fakes.pulse import RATE, PulseServer, Recording
from tests.fakes.terminal import Terminal

QUIET = 200
"""|sample| under which the loudspeaker counts as silent."""
KEY = "sk-bench-0123456789abcdef0123456789abcdef"


@dataclass
class Server:
    """The stand-in for the service, in a process of its own."""

    port: int
    log_path: Path

    def entries(self) -> list[dict[str, Any]]:
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def of(self, kind: str, direction: str) -> list[dict[str, Any]]:
        return [e for e in self.entries() if e.get("type") == kind and e["dir"] == direction]

    def wait_for(self, kind: str, direction: str, seconds: float = 20) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not (found := self.of(kind, direction)):
            assert time.monotonic() < deadline, f"no {direction} {kind} within {seconds} s"
            time.sleep(0.02)
        return found[0]

    def control(self, **command: Any) -> dict[str, Any]:
        with connect(f"ws://127.0.0.1:{self.port}/control", proxy=None) as socket:
            socket.send(json.dumps(command))
            answer: dict[str, Any] = json.loads(socket.recv())
        assert answer["ok"], answer
        return answer


@contextmanager
def server(home: Path, *options: str) -> Iterator[Server]:
    """Run the stand-in with its command line options."""
    log_path = home / f"wire-{time.monotonic_ns()}.jsonl"
    command = [sys.executable, "-m", "tests.fakes.ga_server", "--log", str(log_path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(json.loads(process.stdout.readline())["port"], log_path)
    finally:
        process.terminate()
        process.wait(10)


def program(*options: str) -> list[str]:
    return [sys.executable, "-m", "voicechat", "--model", "gpt-realtime-2.1", *options]


@contextmanager
def call(pulse: PulseServer, peer: Server, home: Path, *options: str) -> Iterator[Terminal]:
    """The program on a screen, connected to the stand-in, with its session confirmed."""
    env = {**os.environ, **pulse.env, "OPENAI_API_KEY": KEY, "VOICECHAT_DATA": str(home / "data")}
    env |= {"VOICECHAT_CONFIG": str(home / "config.toml"), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    (home / "config.toml").touch()
    url = f"ws://127.0.0.1:{peer.port}/v1/realtime"
    with Terminal(program("--url", url, *options), cols=80, rows=24, env=env) as terminal:
        peer.wait_for("session.updated", "out")
        yield terminal


def loud_frames(pcm: bytes) -> "np.ndarray[Any, Any]":
    """Indices of the frames that are not silent."""
    return np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > QUIET)


# -- the quantities -------------------------------------------------------------------------------


def start_to_update(pulse: PulseServer, home: Path, runs: int = 5) -> list[float]:
    """Seconds from starting the process to the first session.update at the server."""
    found = []
    for _ in range(runs):
        with server(home) as peer:
            began = time.monotonic()
            with call(pulse, peer, home, "--hands-free"):
                found.append(peer.wait_for("session.update", "in")["mono"] - began)
    return found


def microphone_to_wire(pulse: PulseServer, home: Path) -> tuple[list[float], float]:
    """Milliseconds from a click at the microphone to its bytes at the server; CPU meanwhile, %."""
    clicks, gap_ms = 30, 290
    with (
        server(home, "--vad-rms", "30000", "--loud", "3000") as peer,
        call(pulse, peer, home, "--hands-free") as terminal,
    ):
        time.sleep(3)
        with pulse.record("mic") as heard:
            process = psutil.Process(terminal.pid)
            before, began = _cpu_s(process), time.monotonic()
            pulse.play_to_microphone((tone(10, 1000, 9000) + silence(gap_ms)) * clicks)
            cpu = (_cpu_s(process) - before) / (time.monotonic() - began) * 100
            time.sleep(0.5)
            onsets = _onsets(heard, gap_ms)
        sent = [
            entry["mono"]
            for entry in peer.of("input_audio_buffer.append", "in")
            if entry["message"]["audio"]["loud_at_ms"] is not None
        ]
    return _pair(onsets, _firsts(sent, gap_ms / 2000)), cpu


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _onsets(heard: Recording, gap_ms: int) -> list[float]:
    loud = np.flatnonzero(np.abs(np.frombuffer(heard.pcm, "<i2").astype(int)) >= 3000)
    starts = loud[np.diff(loud, prepend=-RATE) > RATE * gap_ms // 2000]
    return [heard.time_of(int(frame)) for frame in starts]


def _firsts(times: list[float], gap_s: float) -> list[float]:
    """A click may fall into two messages: the first of each counts."""
    found: list[float] = []
    for at in times:
        if not found or at - found[-1] > gap_s:
            found.append(at)
    return found


def _pair(began: list[float], ended: list[float]) -> list[float]:
    """Each beginning with the first end after it, in milliseconds."""
    delays = []
    for start in began:
        later = [end for end in ended if start - 0.02 < end < start + 0.25]
        if later:
            delays.append((later[0] - start) * 1000)
    return delays


def first_sound(pulse: PulseServer, home: Path, *options: str, runs: int = 6) -> list[float]:
    """Milliseconds from the first audio delta leaving the server to sound at the loudspeaker."""
    found = []
    with server(home, "--audio-ms", "900", *options) as peer, call(pulse, peer, home) as terminal:
        time.sleep(3)
        for number in range(runs):
            with pulse.record_loudspeaker() as heard:
                terminal.type_text(f"question {number}")
                terminal.press("enter")
                time.sleep(2.2)
                frame = int(loud_frames(heard.pcm)[0])
                sent = peer.of("response.output_audio.delta", "out")
                created = peer.of("response.created", "out")[number]["mono"]
                first = next(entry["mono"] for entry in sent if entry["mono"] > created)
                found.append((heard.time_of(frame) - first) * 1000)
    return found


@dataclass
class Cut:
    """One interruption."""

    silence_ms: float
    """From speech_started leaving the server to the last sound."""
    stale_ms: float
    """Sound after a first 30 ms of silence: ghosts."""
    truncate_error_ms: float
    """audio_end_ms less what the loudspeaker really emitted of the item."""


def barge_in(pulse: PulseServer, home: Path, after_s: float) -> Cut:
    """Interrupt a long reply through the server's VAD; its stale deltas go on coming."""
    with (
        server(home, "--script", "stale_deltas", "--audio-ms", "8000", "--pace", "4") as peer,
        call(pulse, peer, home, "--hands-free") as terminal,
    ):
        time.sleep(2)
        with pulse.record_loudspeaker() as heard:
            terminal.type_text("talk")
            terminal.press("enter")
            peer.wait_for("response.output_audio.delta", "out")
            time.sleep(after_s)
            peer.control(do="speech_started")
            time.sleep(2)
            pcm = heard.pcm
            loud = loud_frames(pcm)
            started = peer.wait_for("input_audio_buffer.speech_started", "out")["mono"]
            breaks = np.flatnonzero(np.diff(loud) > RATE * 30 // 1000)
            stop = int(loud[breaks[-1]] if breaks.size else loud[-1])
            ghosts = float((loud > stop).sum()) * 1000 / RATE
            silent_ms = (heard.time_of(stop) - started) * 1000
        told = peer.wait_for("conversation.item.truncate", "in")["message"]["audio_end_ms"]
        emitted = sum(stretch.duration_ms for stretch in decode_track(pcm))
        emitted = max((stretch.to_ms for stretch in decode_track(pcm)), default=emitted)
    return Cut(silent_ms, ghosts, told - emitted)


def short_reply(pulse: PulseServer, home: Path) -> float:
    """How many milliseconds of a 160 ms reply are heard."""
    with server(home, "--script", "short_reply") as peer, call(pulse, peer, home) as terminal:
        time.sleep(2)
        with pulse.record_loudspeaker() as heard:
            terminal.type_text("yes or no")
            terminal.press("enter")
            peer.wait_for("response.done", "out")
            time.sleep(1.5)
            loud = loud_frames(heard.pcm)
    return float(loud[-1] - loud[0] + 1) * 1000 / RATE if loud.size else 0.0


def idle(pulse: PulseServer, home: Path, seconds: float = 15) -> tuple[float, float]:
    """CPU in % of a core, and peak memory in MB, connected and silent."""
    with server(home) as peer, call(pulse, peer, home, "--hands-free") as terminal:
        time.sleep(4)
        process = psutil.Process(terminal.pid)
        before, began = _cpu_s(process), time.monotonic()
        time.sleep(seconds)
        cpu = (_cpu_s(process) - before) / (time.monotonic() - began) * 100
        status = Path(f"/proc/{terminal.pid}/status").read_text()
        peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return cpu, int(peak_kb) / 1000


# -- the table ------------------------------------------------------------------------------------


def _range(values: list[float], digits: int = 0) -> str:
    low, high = min(values), max(values)
    return f"{statistics.mean(values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _row(quantity: str, measure: Callable[[], str], peers: str, goal: str) -> None:
    print(f"| {quantity} | {measure()} | {peers} | {goal} |", flush=True)


def main() -> None:
    print("| quantity | voicechat | best peer … worst peer | goal |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, PulseServer() as pulse:
        _measure(pulse, Path(folder))


def _measure(pulse: PulseServer, home: Path) -> None:
    _row(
        "start → first session.update, s",
        lambda: _range(start_to_update(pulse, home), 2),
        "0.7–0.8 … 1.9–3.6",
        "≤ 0.9 with the screen up",
    )
    delays, cpu = microphone_to_wire(pulse, home)
    _row(
        "microphone → wire, ms (CPU %)",
        lambda: f"{_range(delays)} ({cpu:.1f} %)",
        "14–20 (95 %) … 65–99",
        "≤ 25 at ≤ 4 %",
    )
    for name, pace in (("burst", "10"), ("real time", "1")):
        _row(
            f"wire → first sound, {name} reply, ms",
            lambda pace=pace: _range(first_sound(pulse, home, "--pace", pace)),  # type: ignore[misc]
            "99–113 … 246–292" if pace == "10" else "85–125 … 500–560",
            "≤ 100" if pace == "10" else "",
        )
    cuts = [barge_in(pulse, home, after_s) for after_s in (0.4, 0.9, 1.7, 2.6)]
    _row(
        "speech_started → silence, ms",
        lambda: _range([cut.silence_ms for cut in cuts]),
        "97–133 … never",
        "≤ 80",
    )
    _row(
        "stale sound after it, ms",
        lambda: _range([cut.stale_ms for cut in cuts]),
        "0 … 600",
        "0",
    )
    _row(
        "truncate minus really heard, ms",
        lambda: _range([cut.truncate_error_ms for cut in cuts]),
        "±15 at best … −846",
        "±20",
    )
    _row("a 160 ms reply is heard, ms", lambda: f"{short_reply(pulse, home):.0f}", "165 … 0", "160")
    used, peak = idle(pulse, home)
    _row("connected and silent: CPU %", lambda: f"{used:.1f}", "2.6 … 99", "≤ 4")
    _row("peak memory, MB", lambda: f"{peak:.0f}", "104 … 428", "≤ 110")
