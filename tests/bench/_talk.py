"""A spoken conversation with the real program, and what became of it.

The user asks, hears the reply to its end, asks again; interrupts every third reply; and is silent
now and then.  The microphone hears the loudspeaker all the while.  The service finds turns by
loudness (-36 dBFS for 60 ms), which is stricter than any model's detector of voices; what it was
sent is looked through by WebRTC's detector as well.

What counts as the assistant's interruption of itself: the service hears speech, or the program
stops a reply, while the user is silent.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tests.bench._voices import BARGE_INS, QUESTIONS, user
from tests.bench.call import moment
from tests.bench.echo import turns
from tests.e2e.voice.listening import find, loud_runs
from tests.e2e.voice.service import Server
from tests.fakes.pulse import RATE, PulseServer, Recording

Phase = Literal["idle", "talking", "replying"]
BARGE_EVERY = 3
AFTER_S = 1.0
"""What the service hears so long after the user fell silent is still the user's doing."""
OBEYED_S = 3.0
STARTED = "input_audio_buffer.speech_started"
KEPT = {
    f"{STARTED} out",
    "response.created out",
    "response.done out",
    "conversation.item.truncate in",
    "response.cancel in",
}


@dataclass(frozen=True, slots=True)
class Said:
    """Something the user said: monotonic seconds at the microphone."""

    is_barge_in: bool
    began: float
    ended: float
    silent_at: float | None = None
    """When the loudspeaker fell silent after it."""


@dataclass
class Wire:
    """The stand-in's log, read as it grows."""

    path: Path
    at: int = 0
    events: list[tuple[float, str]] = field(default_factory=list)
    sent: list[tuple[float, float]] = field(default_factory=list)
    """(monotonic, milliseconds of the microphone so far), of each message."""

    def read(self) -> None:
        with self.path.open("rb") as file:
            file.seek(self.at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.at += len(line)
                self._note(json.loads(line))

    def _note(self, entry: dict[str, Any]) -> None:
        name = f"{entry.get('type')} {entry['dir']}"
        if name == "input_audio_buffer.append in":
            self.sent.append((entry["mono"], entry["message"]["audio"]["total_ms"]))
        elif name in KEPT:
            self.events.append((entry["mono"], name))

    def since(self, name: str, moment: float) -> list[float]:
        """When an event of this name (`type in|out`) came after a moment."""
        self.read()
        return [at for at, known in self.events if known == name and at > moment]

    def when(self, sent_ms: list[int]) -> list[float]:
        """The monotonic times of places in what was sent."""
        stamps, places = np.array(self.sent).T
        return [float(at) for at in np.interp(sent_ms, places, stamps)]


class Talk:
    """One conversation; `on_phase` is told whenever another phase begins."""

    def __init__(
        self,
        pulse: PulseServer,
        service: Server,
        on_phase: Callable[[Phase], None] = lambda phase: None,
    ) -> None:
        self.said: list[Said] = []
        self.replies = 0
        self.heard_s = 0.0
        """How long replies were heard."""
        self.wire = Wire(service.log_path)
        self._pulse, self._service = pulse, service
        self._tell = on_phase
        self._random = random.Random(5)

    def run(self, minutes: float, idle_s: tuple[float, float] = (1.0, 4.0)) -> None:
        """Talk for so long."""
        end = time.monotonic() + minutes * 60
        with self._pulse.record_loudspeaker() as heard:
            while time.monotonic() < end:
                self._exchange(heard)
                self._tell("idle")
                time.sleep(self._random.uniform(*idle_s))
            self.wire.read()
            self.heard_s = _heard_s(heard.pcm)

    def _exchange(self, heard: Recording) -> None:
        """Ask, hear the reply, interrupt it or not."""
        number = len(self.said)
        asked = time.monotonic()
        self._say(QUESTIONS[number % len(QUESTIONS)])
        if not _wait(lambda: bool(self.wire.since("response.created out", asked)), 10):
            return
        self._tell("replying")
        self.replies += 1
        _wait(lambda: not _is_quiet(heard, 100), 10)
        if self.replies % BARGE_EVERY == 0:
            time.sleep(self._random.uniform(2.0, 6.0))
            began = time.monotonic()
            self._barge_in(heard)
            if _wait(lambda: bool(self.wire.since("response.created out", began)), 5):
                _wait(lambda: not _is_quiet(heard, 100), 10)
        _wait(lambda: _is_quiet(heard, 1500), 60)

    def _say(self, text: str) -> None:
        self._tell("talking")
        began = time.monotonic()
        self._pulse.play_to_microphone(user(text))
        self.said.append(Said(False, began, time.monotonic()))

    def _barge_in(self, heard: Recording) -> None:
        """Speak over a reply; when it began is looked up in what the microphone heard."""
        self._tell("talking")
        sound = user(self._random.choice(BARGE_INS))
        if _is_quiet(heard, 500):
            return  # There is no reply (any more) to be interrupted.
        with self._pulse.record("mic") as mic:
            began = time.monotonic()
            self._pulse.play_to_microphone(sound)
            ended = time.monotonic()
            time.sleep(0.5)
            at, score = find(sound, mic.pcm)
            if score > 0.3:
                began = moment(mic, at)
        self.said.append(Said(True, began, ended, _first_silence(heard, began)))
        self._tell("replying")


def _tail(recording: Recording, ms: int) -> bytes:
    return bytes(recording._pcm[-ms * RATE // 1000 * 2 :])


def _is_quiet(heard: Recording, ms: int) -> bool:
    sound = np.frombuffer(_tail(heard, ms), "<i2")
    return bool(sound.size) and int(np.abs(sound).max()) < 100


def _first_silence(heard: Recording, began: float) -> float | None:
    """When, after a moment, the loudspeaker fell silent for 300 ms."""
    pcm, offset = _tail(heard, 15_000), max(len(heard._pcm) // 2 - 15 * RATE, 0)
    runs = loud_runs(pcm, 100, 300)
    ends = [moment(heard, offset + end - 1) for _, end in runs[:-1]]
    if runs and len(pcm) // 2 - runs[-1][1] > RATE * 3 // 10:
        ends.append(moment(heard, offset + runs[-1][1] - 1))
    return next((end for end in ends if end > began), None)


def _heard_s(pcm: bytes) -> float:
    return sum(end - first for first, end in loud_runs(pcm, 100, 500)) / RATE


def _wait(claim: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Verdict:
    """What became of a conversation."""

    turns: int
    turns_heard: int
    barge_ins: int
    obeyed: int
    onset_ms: list[float]
    """From the user's first sound over a reply to `speech_started`."""
    silence_ms: list[float]
    """From the user's first sound over a reply to the last sound of it."""
    itself_by_service: list[float]
    """When the service heard speech while the user was silent."""
    itself_by_program: list[float]
    """When the program stopped a reply while the user was silent."""
    by_voice: list[float]
    """When WebRTC's detector finds a voice of 200 ms in what was sent, the user being silent."""
    done: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        return [
            f"user's turns heard: {self.turns_heard} of {self.turns}",
            f"barge-ins obeyed: {self.obeyed} of {self.barge_ins}",
            f"user's first sound over a reply → speech_started, ms: {_spread(self.onset_ms)}",
            f"user's first sound over a reply → silence, ms: {_spread(self.silence_ms)}",
            f"interruptions by itself: {len(self.itself_by_service)} (service, by loudness), "
            f"{len(self.itself_by_program)} (program); {len(self.by_voice)} foreign voices sent",
        ]


def judge(talk: Talk, received: bytes) -> Verdict:
    """Look through the log, and through all sound that was sent."""
    wire, said = talk.wire, talk.said
    started = [at for at, name in wire.events if name == f"{STARTED} out"]
    stops = [at for at, name in wire.events if name.endswith(" in")]
    samples = np.frombuffer(received, "<i2").astype(np.float64)
    voiced = wire.when(turns(samples).by_voice)
    asked = [each for each in said if not each.is_barge_in]
    over = [each for each in said if each.is_barge_in]

    def meant(at: float) -> bool:
        return any(each.began - 0.2 < at < each.ended + AFTER_S for each in said)

    def first(each: Said, among: list[float]) -> float | None:
        return next((at for at in among if each.began - 0.2 < at < each.ended + AFTER_S), None)

    obeyed = [each for each in over if first(each, stops) or first(each, started)]
    return Verdict(
        turns=len(asked),
        turns_heard=sum(first(each, started) is not None for each in asked),
        barge_ins=len(over),
        obeyed=sum(
            each.silent_at is not None and each.silent_at - each.began < OBEYED_S for each in obeyed
        ),
        onset_ms=[(at - e.began) * 1000 for e in over if (at := first(e, started)) is not None],
        silence_ms=[(e.silent_at - e.began) * 1000 for e in over if e.silent_at is not None],
        itself_by_service=[at for at in started if not meant(at)],
        itself_by_program=[at for at in stops if not meant(at)],
        by_voice=[at for at in voiced if not meant(at)],
    )


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    return f"median {np.median(values):.0f}, {min(values):.0f}–{max(values):.0f}"
