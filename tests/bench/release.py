"""From the key that ends a spoken turn to its commit: `python -m tests.bench.release [TURNS]`.

The real program in a terminal, push-to-talk by toggling: Space, a second of a voice, Space.  Who
has fallen silent before is done at once; in the middle of a word the turn goes on until the word's
last sound, which is still on its way through the card, has come.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench._room import hurry_children
from tests.bench._voices import QUESTIONS, user
from tests.bench.call import SETTLED_S, call
from tests.e2e.voice.service import server
from tests.fakes.pulse import RATE, PulseServer

TURNS = 12


def release_to_commit(pulse: PulseServer, home: Path, turns: int, silent_s: float) -> list[float]:
    """Milliseconds, turn by turn, so long after the last sound."""
    found = []
    sound = user(QUESTIONS[0])[: 2 * RATE]
    with (
        server(home, "--audio-ms", "200") as service,
        call(pulse, service, home, "--push-to-talk") as terminal,
    ):
        hurry_children()
        time.sleep(SETTLED_S)
        for number in range(1, turns + 1):
            terminal.press("space")
            pulse.play_to_microphone(sound)
            time.sleep(silent_s)
            released = time.monotonic()
            terminal.press("space")
            commit = service.wait_for("input_audio_buffer.commit", count=number)
            found.append((commit["mono"] - released) * 1000)
            service.wait_for("response.done", "out", count=number)
            time.sleep(0.5 + 0.037 * number)
    return found


def main() -> None:
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    turns = given[0] if given else TURNS
    for name, silent_s in (("after the last word", 0.3), ("in the middle of a word", 0.0)):
        with tempfile.TemporaryDirectory() as folder, PulseServer() as pulse:
            delays = release_to_commit(pulse, Path(folder), turns, silent_s)
        told = f"median {np.median(delays):.0f} ({min(delays):.0f}–{max(delays):.0f})"
        load = f"{turns} turns, load {os.getloadavg()[0]:.1f}"
        print(f"release → commit, {name}, ms: {told}; goal 15; {load}", flush=True)


if __name__ == "__main__":
    main()
