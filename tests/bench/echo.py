"""How well the assistant is kept from hearing itself: `python -m tests.bench.echo [offline|live]`.

Offline, in a room made of numbers (27 s of a story, 8 s of a question; the second of two runs over
the same story is measured as "steady"): beside no canceller, and beside a closed microphone.

* ERLE: by how much the assistant is softened, in its first second, and steadily (dB);
* false: how often a service would begin a turn while only the assistant speaks, in 10 minutes, by
  WebRTC's detector of voices (200 ms) and by loudness (60 ms over -36 dBFS);
* near: the user's voice alone, steadily, against what it was (dB); double: while both speak;
* onset: how long after the user's first sound over the assistant a turn begins (ms);
* CPU of one core, and delay of the user's voice (ms).

Live: the real program's own sound path, loudspeaker to microphone, on a private PulseAudio.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import webrtcvad

from tests.audio.echo_room import Room, Sound, far_end, near_end, pcm, power_db, send
from tests.fakes.echo_path import echo_path, share_air
from tests.fakes.ga_vad import EnergyVad
from tests.fakes.pulse import PulseServer
from voicechat.audio.echo.echo import Echo

RATE = 24_000
WORKS = RATE * 19 // 10
"""So long after the assistant's last sound the canceller still works."""
ROOMS = {
    "80 ms, -12 dB": Room(),
    "20 ms": Room(delay_ms=20),
    "250 ms": Room(delay_ms=250),
    "480 ms": Room(delay_ms=480),
    "700 ms": Room(delay_ms=700),
    "0 dB": Room(gain_db=0),
    "0 dB, clips, RT60 400": Room(gain_db=0, clips=True, rt60_ms=400),
    "drift 500 ppm": Room(drift_ppm=500),
    "noise -50 dBFS": Room(noise_dbfs=-50),
    "headphones": Room(gain_db=-200),
}


class Bare:
    """No canceller."""

    def play(self, sound: bytes) -> None:
        """Nobody looks."""

    def process(self, chunk: bytes, waiting: int = 0) -> bytes:
        return chunk


class Closed:
    """Half duplex."""

    def __init__(self) -> None:
        from voicechat.audio.echo import canceller

        self._way = canceller.HalfDuplex(80)
        self._played = b""

    def play(self, sound: bytes) -> None:
        self._played = sound

    def process(self, chunk: bytes, waiting: int = 0) -> bytes:
        from voicechat.audio.echo.frame import slices

        pairs = zip(slices(chunk), slices(self._played), strict=True)
        return b"".join(self._way.process(*pair).tobytes() for pair in pairs)


WAYS: dict[str, Callable[[], Bare | Closed | Echo]] = {
    "none": Bare,
    "half duplex": Closed,
    "AEC3": lambda: Echo("auto", noise_suppression=False),
    "AEC3 + NS": lambda: Echo("auto"),
}


@dataclass
class Turns:
    """Where services would begin a turn, in ms."""

    by_voice: list[int] = field(default_factory=list)
    by_loudness: list[int] = field(default_factory=list)


def turns(sound: Sound) -> Turns:
    found = Turns()
    found.by_loudness = [
        edge.at_ms for edge in EnergyVad().feed(pcm(sound)) if edge.kind == "started"
    ]
    voice, run_ms = webrtcvad.Vad(3), 0
    doubled = np.repeat(np.frombuffer(pcm(sound), "<i2"), 2).tobytes()
    for number, at in enumerate(range(0, len(doubled) - 1919, 1920)):
        is_loud = power_db(np.frombuffer(doubled[at : at + 1920], "<i2")) > 20 * np.log10(100)
        run_ms = run_ms + 20 if is_loud and voice.is_speech(doubled[at : at + 1920], 48_000) else 0
        if run_ms == 200:
            found.by_voice.append(number * 20 - 180)
    return found


def measure(way: str, room: Room) -> str:
    far, near = far_end(), near_end()
    echo = WAYS[way]()
    first = room.echo(far) + room.noise(far.size)
    began = time.process_time()
    sent = send(echo, first, far)
    cpu = (time.process_time() - began) / (far.size / RATE) * 100
    again = send(echo, first, far)
    both = first.copy()
    both[4 * RATE : 4 * RATE + near.size] += near
    mixed = send(echo, both, far)
    nothing = np.zeros_like(near)
    alone = send(echo, near + room.noise(near.size), nothing)
    late = int(room.delay_ms * RATE / 1000)
    minutes = 2 * far.size / RATE / 60
    false = [turns(part) for part in (sent, again)]
    heard = turns(mixed)
    speaks = slice(4 * RATE, 11 * RATE)
    return (
        f"{power_db(first[late : late + RATE]) - power_db(sent[late : late + RATE]):>7.1f}"
        f"{power_db(first[RATE:]) - power_db(again[RATE:]):>8.1f}"
        f"{sum(len(each.by_voice) for each in false) / minutes * 10:>9.0f}"
        f"{sum(len(each.by_loudness) for each in false) / minutes * 10:>9.0f}"
        f"{power_db(alone[:WORKS]) - power_db(near[:WORKS]):>8.1f}"
        f"{power_db(mixed[speaks]) - power_db(near[: 7 * RATE]):>8.1f}"
        f"{_onset(heard.by_voice, 200):>9}{_onset(heard.by_loudness, 60):>9}"
        f"{cpu:>7.1f}{_delay_ms(near[:WORKS], alone[:WORKS]):>7.1f}"
    )


def _onset(at_ms: list[int], needs_ms: int) -> str:
    """From the first sound of the user to the decision."""
    after = [at + needs_ms - 4000 for at in at_ms if at >= 3900]
    return str(after[0]) if after else "never"


def _delay_ms(said: Sound, sent: Sound) -> float:
    most = RATE // 20
    span = min(said.size, sent.size) - most
    match = [float(sent[late : late + span] @ said[:span]) for late in range(most)]
    return int(np.argmax(match)) * 1000 / RATE


def offline() -> None:
    heads = (
        "1st s",
        "steady",
        "false/10'",
        "by RMS",
        "near",
        "double",
        "onset",
        "by RMS",
        "CPU %",
        "ms",
    )
    widths = (7, 8, 9, 9, 8, 8, 9, 9, 7, 7)
    print(f"{'':24}{'':13}" + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    for name, room in ROOMS.items():
        for way in WAYS:
            print(f"{name:24}{way:13}{measure(way, room)}", flush=True)


# -- live -----------------------------------------------------------------------------------------


def live() -> None:
    print(f"{'':34}{'ERLE dB':>9}{'delay ms':>10}{'false':>7}   (8 s of a story, played twice)")
    for name, delay_ms in (("straight", 0), ("module-loopback 60 ms", 60), ("200 ms", 200)):
        for mode in ("off", "auto"):
            with PulseServer() as pulse:
                if not delay_ms:
                    share_air(pulse)
                    print(f"{name:24}{mode:10}{_live(pulse, mode)}", flush=True)
                    continue
                with echo_path(pulse, delay_ms, -6):
                    print(f"{name:24}{mode:10}{_live(pulse, mode)}", flush=True)


def _live(pulse: PulseServer, mode: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        sent = Path(folder) / "sent.raw"
        command = [sys.executable, "-m", "tests.bench.echo", "call", mode, str(sent)]
        done = subprocess.run(
            command, env=os.environ | pulse.env, capture_output=True, text=True, check=True
        )
        found = turns(np.frombuffer(sent.read_bytes(), "<i2").astype(np.float64))
    return f"{done.stdout.strip()}{len(found.by_loudness):>7}"


async def call(mode: str, sent: Path) -> None:
    """The child: an engine that speaks and listens."""
    import asyncio

    from voicechat.audio.card.sound_card import SoundCard
    from voicechat.audio.engine import Engine

    engine = Engine(SoundCard(), echo="auto" if mode == "auto" else "off")
    story = pcm(far_end()[: 8 * RATE] * 0.5)
    with sent.open("wb") as file:

        def keep(chunk: bytes) -> None:
            file.write(chunk)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run(keep))
            await engine.wait_tried(20)
            engine.start_line(RATE)
            for reply in ("one", "two"):
                for at in range(0, len(story), 9600):
                    engine.play(reply, reply, story[at : at + 9600])
                engine.finish(reply)
                while engine.is_playing:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(1)
            running.cancel()
    stats = engine.echo
    erle = "-" if stats.erle_db is None else f"{stats.erle_db:.1f}"
    delay = "-" if stats.delay_ms is None else str(stats.delay_ms)
    print(f"{erle:>9}{delay:>10}")


def main() -> None:
    words = sys.argv[1:]
    if words[:1] == ["call"]:
        import asyncio

        asyncio.run(call(words[1], Path(words[2])))
        return
    if "live" not in words:
        offline()
    if "offline" not in words:
        live()


if __name__ == "__main__":
    main()
