"""The microphone hears the loudspeaker as loudly as itself: `python -m tests.bench.strong_echo`.

A reply of eight seconds, -23 dBFS at the loudspeaker and at the microphone, 80 ms later, in a room
(RT60 150 ms); the service cuts a reply as soon as it hears 60 ms over -36 dBFS.  First the user is
silent: how much of the reply is heard.  Then the user speaks over it from the third second on, as
loud as the echo, and softer: when the service knows, and when the loudspeaker is silent.

Peers, measured the same way in November 2026: without a canceller 0.2 s of 8 s are heard; with a
canceller all of it.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.audio.echo_room import FAR_DBFS, Room, at_level, far_end, pcm
from tests.bench._room import air
from tests.bench._talk import STARTED
from tests.bench._voices import BARGE_INS, save, speak, voices
from tests.bench.call import call, moment
from tests.e2e.voice.listening import find, loud_runs
from tests.e2e.voice.service import Server
from tests.fakes.pulse import RATE, PulseServer, Recording, wait_until
from tests.fakes.terminal import Terminal

STORY_S = 8
LEVELS_DBFS = (-20, -23, -26, -29)
"""Of the user; the echo has -23."""
TRUNCATE = "conversation.item.truncate"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reply."""

    heard_s: float
    cuts: int
    """How often the service heard speech."""
    known_ms: float | None = None
    silent_ms: float | None = None
    """From the user's first sound."""


@contextmanager
def stage(gain_db: float) -> Iterator[tuple[PulseServer, Server, Terminal]]:
    """The program in a room."""
    with tempfile.TemporaryDirectory() as folder, PulseServer() as pulse:
        home, wav = Path(folder), Path(folder) / "story.wav"
        save(wav, pcm(at_level(far_end()[: STORY_S * RATE], FAR_DBFS)))
        with (
            voices(home, [wav], text="A story.") as service,
            air(pulse, Room(gain_db=gain_db)),
            call(pulse, service, home, "--hands-free") as terminal,
        ):
            time.sleep(3)
            yield pulse, service, terminal


def ask(service: Server, terminal: Terminal) -> float:
    began = time.monotonic()
    terminal.type_text("tell me a story")
    terminal.press("enter")
    wait_until(lambda: bool(_since(service, "response.created", "out", began)), "the reply")
    return began


def alone(pulse: PulseServer, service: Server, terminal: Terminal) -> Outcome:
    """A reply while the user is silent."""
    with pulse.record_loudspeaker() as heard:
        began = ask(service, terminal)
        time.sleep(STORY_S + 3)
        cuts = _since(service, STARTED, "out", began)
        return Outcome(_heard_s(heard), len(cuts))


def over(pulse: PulseServer, service: Server, terminal: Terminal, sound: bytes) -> Outcome:
    """A reply with the user speaking over it."""
    with pulse.record_loudspeaker() as heard, pulse.record("mic") as mic:
        ask(service, terminal)
        wait_until(lambda: bool(loud_runs(heard.pcm, 100)), "sound")
        time.sleep(3)
        began = time.monotonic()
        pulse.play_to_microphone(sound)
        time.sleep(0.7)
        at, score = find(sound, mic.pcm)
        spoke = moment(mic, at) if score > 0.3 else began
        known = [at for at in _since(service, STARTED, "out", began) if at > spoke - 0.1]
        runs = loud_runs(heard.pcm, 100, 300)
        ends = [moment(heard, end - 1) for _, end in runs]
        silent = [end for end in ends if end > spoke]
        heard_s, told = _heard_s(heard), _since(service, TRUNCATE, "in", began)
        time.sleep(0 if not told else STORY_S + 3)  # What was said over it is answered.
        wait_until(lambda: not loud_runs(heard.pcm[-RATE * 2 :], 100), "silence", 30)
    return Outcome(
        heard_s,
        len(known),
        (known[0] - spoke) * 1000 if known else None,
        (silent[0] - spoke) * 1000 if told and silent else None,
    )


def _since(service: Server, kind: str, direction: str, began: float) -> list[float]:
    return [entry["mono"] for entry in service.of(kind, direction) if entry["mono"] > began]


def _heard_s(heard: Recording) -> float:
    runs = loud_runs(heard.pcm, 100, 1000)
    return sum(end - first for first, end in runs) / RATE


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return f"0 of {len(values)}"
    median = f"median {np.median(known):.0f} ({min(known):.0f}–{max(known):.0f})"
    return f"{len(known)} of {len(values)}: {median}"


def main() -> None:
    gains = [float(word) for word in sys.argv[1:] if word.lstrip("-").isdigit()] or [0.0]
    for gain_db in gains:
        with stage(gain_db) as parts:
            print(f"echo {gain_db:g} dB, 80 ms, room; load {os.getloadavg()[0]:.1f}\n")
            for number in range(3):
                done = alone(*parts)
                print(f"  reply {number + 1} alone: {done.heard_s:.1f} s heard, {done.cuts} cuts")
            for dbfs in LEVELS_DBFS:
                sounds = [speak("en-us+m3", text, dbfs) for text in BARGE_INS]
                tries = [over(*parts, sound) for sound in sounds]
                print(
                    f"  user {dbfs} dBFS over it: the service knows after, ms: "
                    f"{_spread([each.known_ms for each in tries])}; silence after, ms: "
                    f"{_spread([each.silent_ms for each in tries])}",
                    flush=True,
                )
        print(f"  load {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
