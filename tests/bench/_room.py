"""The air of a room as a process: what the loudspeaker emits comes to the microphone, later, softer
or not, and with the room's reverberation; and a little noise, as every microphone has it.

    with air(pulse, Room(delay_ms=80, gain_db=0)):
        ...

The rule: the delay is kept.  Where this process was held up, sound is left out or silence put in
until it is right again.  With the right to, it and the sound server run before everybody else, as
hardware would.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import psutil

from tests.audio.echo_room import Room
from tests.bench._pulse_simple import Ear, Mouth
from tests.e2e.voice.service import ROOT
from tests.fakes.pulse import RATE, PulseServer

FIRST = 10
"""Real-time priority of hardware, where it may be had."""
BLOCK_MS = 10
LOOK_MS = 500
"""How often the delay is looked at,"""
OFF_MS = 8.0
"""and what it may be off."""


@contextmanager
def air(pulse: PulseServer, room: Room) -> Iterator[None]:
    """From here on the microphone hears the loudspeaker."""
    hurry(pulse_pid(pulse))
    argv = [sys.executable, "-m", "tests.bench._room", str(room.delay_ms), str(room.gain_db)]
    argv += [str(room.rt60_ms), str(room.noise_dbfs)]
    process = subprocess.Popen(argv, env=os.environ | pulse.env, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "the air did not come"
        yield
        assert process.poll() is None, "the air is gone: there was no echo"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def pulse_pid(pulse: PulseServer) -> int:
    assert pulse._process is not None
    return pulse._process.pid


def hurry(pid: int) -> None:
    """Let a process run before all others, if we may."""
    threads = os.listdir(f"/proc/{pid or os.getpid()}/task")
    for thread in threads:
        with suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(FIRST))


def hurry_children() -> None:
    """Let every process that was started from here run before all others, if we may."""
    for process in psutil.Process().children(recursive=True):
        hurry(process.pid)


class Reverberation:
    """What the room makes of sound that comes block by block."""

    def __init__(self, room: Room) -> None:
        click = np.zeros(RATE // 2)
        click[0] = 1.0
        response = Room(delay_ms=0, gain_db=room.gain_db, rt60_ms=room.rt60_ms).echo(click)
        self._response = response[: int(np.flatnonzero(response)[-1]) + 1]
        self._tail = np.zeros(self._response.size)

    def process(self, block: Any) -> Any:
        size = 1 << int(block.size + self._response.size).bit_length()
        rung = np.fft.irfft(np.fft.rfft(block, size) * np.fft.rfft(self._response, size), size)
        rung[: self._tail.size] += self._tail
        self._tail = rung[block.size : block.size + self._response.size].copy()
        return rung[: block.size]


def main() -> None:
    """The process: `delay_ms gain_db rt60_ms noise_dbfs`."""
    delay_ms, gain_db, rt60_ms, noise_dbfs = map(float, sys.argv[1:])
    room = Reverberation(Room(gain_db=gain_db, rt60_ms=rt60_ms))
    rng, loudness = np.random.default_rng(3), 32768 * 10 ** (noise_dbfs / 20)
    size = BLOCK_MS * RATE // 500
    ear, mouth = Ear("speaker.monitor", BLOCK_MS), Mouth("mic_sink", round(delay_ms) + 100)
    hurry(0)
    print("ready", flush=True)
    count = 0
    while True:  # Until it is terminated.
        block = np.frombuffer(ear.read(size), "<i2").astype(np.float64)
        wet = room.process(block) + rng.standard_normal(block.size) * loudness
        sound = np.clip(wet, -32768, 32767).astype("<i2").tobytes()
        if count * BLOCK_MS % LOOK_MS == 0:
            sound = _put_right(sound, delay_ms - ear.latency_ms - mouth.latency_ms)
        if sound:
            mouth.write(sound)
        count += 1


def _put_right(sound: bytes, missing_ms: float) -> bytes:
    """So much more silence, or so much less sound, the rest of it the next time."""
    if abs(missing_ms) <= OFF_MS:
        return sound
    frames = round(abs(missing_ms) * RATE / 1000)
    print(f"the echo is put right by {missing_ms:.1f} ms", file=sys.stderr, flush=True)
    return bytes(frames * 2) + sound if missing_ms > 0 else sound[frames * 2 :]


if __name__ == "__main__":
    main()
