"""A whole call, measured from outside: the real program on a screen, a real sound server, a server
process that stands where the service stands.

Everything is timed on one monotonic clock: the server's log, the recorder of the loudspeaker and of
the microphone, and this process.  The peers' figures are those measured the same way on a machine
of this kind in November 2026.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.e2e.voice.listening import emitted, loud_frames, loud_ms, loud_runs
from tests.e2e.voice.service import ROOT, Server, server
from tests.fakes.ga_signal import silence, tone
from tests.fakes.pulse import RATE, PulseServer, Recording, wait_until
from tests.fakes.terminal import Terminal

KEY = "sk-bench-0123456789abcdef0123456789abcdef"
SETTLED_S = 3.0
"""After the start, until nothing of it is still going on."""


def program(*options: str) -> list[str]:
    return [sys.executable, "-m", "voicechat", "--model", "gpt-realtime-2.1", *options]


@contextmanager
def call(pulse: PulseServer, peer: Server, home: Path, *options: str) -> Iterator[Terminal]:
    """The program on a screen, connected to the stand-in, with its session confirmed."""
    env = {**os.environ, **pulse.env, "OPENAI_API_KEY": KEY, "VOICECHAT_DATA": str(home / "data")}
    env |= {"VOICECHAT_CONFIG": str(home / "config.toml"), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    (home / "config.toml").touch(mode=0o600)
    argv = program("--url", peer.url, *options)
    with Terminal(argv, cols=80, rows=24, env=env, cwd=ROOT) as terminal:
        peer.wait_for("session.updated", "out")
        yield terminal


# -- the quantities -------------------------------------------------------------------------------


def start_to_update(pulse: PulseServer, home: Path, runs: int = 5) -> list[float]:
    """Seconds from starting the process to the first session.update at the server."""
    found = []
    for _ in range(runs):
        with server(home) as peer:
            began = time.monotonic()
            with call(pulse, peer, home, "--hands-free"):
                found.append(peer.wait_for("session.update")["mono"] - began)
    return found


def microphone_to_wire(pulse: PulseServer, home: Path) -> tuple[list[float], float]:
    """Milliseconds from a click at the microphone to its bytes at the server; CPU meanwhile, %."""
    clicks, gap_ms = 40, 293  # 303 ms, no multiple of a chunk: clicks fall everywhere in it.
    with (
        server(home, "--vad-rms", "30000", "--loud", "3000") as peer,
        call(pulse, peer, home, "--hands-free") as terminal,
    ):
        time.sleep(SETTLED_S)
        with pulse.record("mic") as heard:
            process = psutil.Process(terminal.pid)
            before, began = _cpu_s(process), time.monotonic()
            pulse.play_to_microphone((tone(10, 1000, 9000) + silence(gap_ms)) * clicks)
            cpu = (_cpu_s(process) - before) / (time.monotonic() - began) * 100
            time.sleep(1)
            runs = loud_runs(heard.pcm, 3000, gap_ms // 2)
            onsets = [moment(heard, first) for first, _ in runs]
        sent = _clicks_sent(peer, gap_ms)
    return _delays_ms(onsets, sent), cpu


def _delays_ms(began: list[float], ended: list[float]) -> list[float]:
    """From each beginning to the first end after it; what has no partner within 250 ms is noise."""
    delays = []
    for start in began:
        later = [end for end in ended if -0.02 < end - start < 0.25]
        delays += [(later[0] - start) * 1000] if later else []
    return delays


def _clicks_sent(peer: Server, gap_ms: int) -> list[float]:
    """When each click came to the server; it may fall into two messages: the first counts."""
    found: list[float] = []
    for entry in peer.of("input_audio_buffer.append"):
        is_loud = entry["message"]["audio"]["loud_at_ms"] is not None
        if is_loud and (not found or entry["mono"] - found[-1] > gap_ms / 2000):
            found.append(entry["mono"])
    return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def moment(recording: Recording, frame: int) -> float:
    """`time.monotonic()` of a frame of a recording.

    Its pieces arrive late now and then, never early: within a second, the earliest is right.
    """
    at = recording.time_of(frame)
    near = [
        stamp - (end - frame) / RATE
        for end, stamp in list(recording._marks)
        if abs(end - frame) < RATE
    ]
    return min([at, *near])


def first_sound(pulse: PulseServer, home: Path, *options: str, runs: int = 6) -> list[float]:
    """Milliseconds from the first audio delta leaving the server to sound at the loudspeaker."""
    found = []
    with server(home, "--audio-ms", "900", *options) as peer, call(pulse, peer, home) as terminal:
        time.sleep(SETTLED_S)
        for number in range(1, runs + 1):
            with pulse.record_loudspeaker() as heard:
                terminal.type_text(f"question {number}")
                terminal.press("enter")
                created = peer.wait_for("response.created", "out", count=number)["mono"]
                peer.wait_for("response.done", "out", count=number)
                wait_until(lambda: loud_ms(heard.pcm) > 800, "the reply at the loudspeaker")
                time.sleep(0.5)
                sent = [entry["mono"] for entry in peer.of("response.output_audio.delta", "out")]
                start = moment(heard, int(loud_frames(heard.pcm)[0]))
            found.append((start - min(at for at in sent if at > created)) * 1000)
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
        time.sleep(SETTLED_S)
        with pulse.record_loudspeaker() as heard:
            terminal.type_text("talk")
            terminal.press("enter")
            peer.wait_for("response.output_audio.delta", "out")
            time.sleep(after_s)
            peer.control(do="speech_started")
            time.sleep(2)
            pcm = heard.pcm
            runs = [(moment(heard, first), moment(heard, end - 1)) for first, end in loud_runs(pcm)]
        started = peer.wait_for("input_audio_buffer.speech_started", "out")["mono"]
        told = peer.wait_for("conversation.item.truncate")["message"]["audio_end_ms"]
    silent = max(end for first, end in runs if first <= started)
    ghosts = sum(end - first for first, end in runs if first > started)
    played = max(piece.to_ms for piece in emitted(pcm))
    return Cut((silent - started) * 1000, ghosts * 1000, told - played)


def short_reply(pulse: PulseServer, home: Path) -> float:
    """How many milliseconds of a 160 ms reply are heard."""
    with server(home, "--script", "short_reply") as peer, call(pulse, peer, home) as terminal:
        time.sleep(SETTLED_S)
        with pulse.record_loudspeaker() as heard:
            terminal.type_text("yes or no")
            terminal.press("enter")
            peer.wait_for("response.done", "out")
            time.sleep(1.5)
            return loud_ms(heard.pcm)


def idle(pulse: PulseServer, home: Path, seconds: float = 15) -> tuple[float, float]:
    """CPU in % of a core, and peak memory in MB, connected and silent."""
    with server(home) as peer, call(pulse, peer, home, "--hands-free") as terminal:
        time.sleep(SETTLED_S)
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
