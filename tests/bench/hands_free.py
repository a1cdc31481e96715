"""A conversation through loudspeakers, without a key, in which the assistant must not interrupt
itself: `python -m tests.bench.hands_free [MINUTES [GAIN_DB …]]`, ten minutes in each room.

The user's voice is -26 dBFS at the microphone, the assistant's -23 dBFS at the loudspeaker; the
echo comes 80 ms later through a room (RT60 150 ms), at -12 dB (usual) and at 0 dB (strong).
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.audio.echo_room import Room
from tests.bench._room import air
from tests.bench._talk import Talk, Verdict, judge
from tests.bench._voices import save_stories, voices
from tests.bench.call import SETTLED_S, call
from tests.fakes.pulse import PulseServer

MINUTES = 10.0
GAINS_DB = (-12.0, 0.0)


def converse(minutes: float, gain_db: float) -> tuple[Talk, Verdict]:
    """Talk in a room."""
    with tempfile.TemporaryDirectory() as folder, PulseServer() as pulse:
        home = Path(folder)
        with (
            voices(home, save_stories(home)) as service,
            air(pulse, Room(gain_db=gain_db)),
            call(pulse, service, home, "--hands-free"),
        ):
            time.sleep(SETTLED_S)
            talk = Talk(pulse, service)
            talk.run(minutes)
            return talk, judge(talk, service.received())


def main() -> None:
    numbers = [float(word) for word in sys.argv[1:] if word.lstrip("-").replace(".", "").isdigit()]
    for gain_db in numbers[1:] or GAINS_DB:
        before, began = os.getloadavg()[0], time.monotonic()
        talk, verdict = converse(numbers[0] if numbers else MINUTES, gain_db)
        load = f"load {before:.1f} → {os.getloadavg()[0]:.1f}"
        print(
            f"echo {gain_db:g} dB, 80 ms, room; {(time.monotonic() - began) / 60:.1f} min; {load}"
        )
        print(f"  replies: {talk.replies}, heard for {talk.heard_s:.0f} s")
        print("".join(f"  {line}\n" for line in verdict.lines()), flush=True)
        for at in verdict.itself_by_service + verdict.itself_by_program + verdict.by_voice:
            print(f"    at {at - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
