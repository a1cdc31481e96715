"""Keeps the assistant from hearing itself: what the loudspeaker plays is taken out of what the
microphone hears, where it is heard there at all.

The rule: with headphones nothing is done to the user's voice.  While it is not known (`looking`),
the first sound that is played is cancelled all the same, so that a reply does not interrupt itself
before the answer is there; without an echo in it the canceller is let go, and taken up again in
the moment an echo is heard (somebody pulls the plug of the headphones).

Quiet: sound in, sound out, time counted in frames.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from voicechat.audio.echo.canceller import Aec, Canceller, HalfDuplex
from voicechat.audio.echo.delay_search import Absence, EchoSearch, Finding
from voicechat.audio.echo.double_talk import EchoLoudness
from voicechat.audio.echo.frame import FRAME, FRAME_MS, SILENCE, Samples, Slice, slices
from voicechat.audio.echo.leak_gate import LeakGate
from voicechat.audio.echo.reference import Reference
from voicechat.audio.pcm import FRAME_BYTES
from voicechat.events import Notice, Notify
from voicechat.text.phrase import phrase

Mode: TypeAlias = Literal["auto", "on", "off"]
State: TypeAlias = Literal["off", "looking", "on", "half-duplex"]

MISSES_TO_GIVE_UP = 3
"""Seconds without an echo (each overlaps the one before by half) until nothing is done: 2 s."""
MISSES_TO_LET_GO = 20
"""The same where there was an echo before: 10 s of the assistant's speech."""
LATEST_MS = 300
"""An echo that comes later is brought nearer by giving the reference later."""
NEAR_MS = 100
EARLIEST_MS = 15
"""An echo that comes sooner (devices without buffers) may overtake its reference when callbacks are
late, which no canceller forgives: the microphone is given later then,"""
HOLD_STEP_MS = 20
MOST_HELD_MS = 60
"""in steps, and never more than that."""
LEAD_IN = 2
"""Slices that fill a new canceller, which gives silence first, and would begin with a click."""
REST_MS = 2000
"""After so much silence from the loudspeaker the canceller rests until it is needed again,"""
REST_POWER = FRAME * 180.0**2
"""but not before the user pauses too (-45 dBFS): a bit of sound is lost then."""
TRUSTED_DB = -15.0
"""What is left of the microphone's sound where only the assistant speaks is softer than that."""
_SMOOTH = 0.995
"""Of the powers whose ratio is shown, each 10 ms: it remembers two seconds."""
HALF_DUPLEX = "sound_half_duplex"
HALF_DUPLEX_MESSAGE = phrase(
    "The microphone is closed while the assistant speaks, for echo cancellation is missing here: "
    "pip install pywebrtc-audio, or use headphones"
)


@dataclass(frozen=True, slots=True)
class EchoStats:
    """What a status line shows."""

    state: State
    """`off`: nothing is done to the sound; `looking`: it is not known yet whether the loudspeaker
    is heard; `on`: its echo is taken out; `half-duplex`: the microphone is closed meanwhile."""
    erle_db: float | None
    """By how much what is heard of the assistant is softened, over the last seconds of its sound
    (echo return loss enhancement, ITU-T G.168); the user's voice lowers it.  None: unknown."""
    delay_ms: int | None
    """From writing a sound to hearing its echo, so far as it is known."""


class Echo:
    """Takes what was played and what was heard, gives what shall be sent.

    Args:
        mode: `auto`: only when an echo is heard; `on`: always; `off`: never.
        noise_suppression: Whether steady noise is softened too, where the canceller works.
        notify: Told once when there is only half duplex.
    """

    def __init__(
        self,
        mode: Mode = "auto",
        *,
        noise_suppression: bool = True,
        notify: Notify = lambda notice: None,
    ) -> None:
        self._notify = notify
        self.latency_ms = 0.0
        """From writing a sound to the ear, as the loudspeaker's driver believes."""
        self.allows_half_duplex = True
        """Whether the microphone may be closed: not while the user holds a key to talk."""
        self.mode = mode
        self._noise_suppression = noise_suppression
        self._is_told = False
        self._reference = Reference()
        self._search = EchoSearch()
        self.restart()

    def restart(self) -> None:
        """A device was opened (anew): nothing is known of its echo."""
        self._reference.restart()
        self._reference.hold_back(0)
        self._search.restart()
        self._canceller: Canceller | None = None
        self._is_known = False
        """Whether the question for an echo has an answer."""
        self._misses = 0
        self._absence = Absence(self.latency_ms)
        self._delay_ms: int | None = None
        self._shifts, self._leaks = self._reference.shifts, LeakGate()
        self._is_mostly_left = True
        self._loudness, self._is_spoken_over = EchoLoudness(), False
        self._held: deque[Slice] = deque()
        """The microphone's frames that are given later."""
        self._silent_ms = 0
        """For how long nothing was played."""
        self._is_resting = False
        self._last: Canceller | None = None
        """What the frame before went through."""
        self._lately: deque[tuple[Slice, Slice]] = deque(maxlen=LEAD_IN)
        """Both sides, just before."""
        self._raw_power = self._clean_power = 0.0

    @property
    def stats(self) -> EchoStats:
        return EchoStats(self._state, self._erle_db, self._delay_ms)

    @property
    def is_trusted(self) -> bool:
        """Whether the last chunk shows what is said in the room, and not remains of an echo."""
        is_calm = self._leaks.is_steady and (self._leaks.is_settled or self.mode == "on")
        is_calm = is_calm or self._is_spoken_over
        return self.is_known and (self._canceller is None or (is_calm and self._is_mostly_left))

    @property
    def is_known(self) -> bool:
        """Whether it is known what is heard of the loudspeaker; before, do not trust your ears."""
        return self.mode != "auto" or self._is_known

    # -- sound ----------------------------------------------------------------------------------

    def play(self, pcm: bytes) -> None:
        """This was written to the loudspeaker: PCM16 mono at the house rate."""
        if self.mode != "off":
            self._reference.put(pcm)

    def process(self, chunk: bytes, waiting: int = 0) -> bytes:
        """What shall be sent of this chunk of the microphone: as much sound.

        Args:
            chunk: PCM16 mono at the house rate, whole frames of 10 ms.
            waiting: Frames of the microphone that come at once after this chunk.
        """
        if self.mode == "off":
            return chunk
        heard = slices(chunk)
        played = slices(self._reference.pop(len(chunk) // FRAME_BYTES, waiting))
        if self._reference.shifts != self._shifts:
            self._shifts = self._reference.shifts
            self._leaks.jump(is_audible=not all(one.is_silent for one in played))
        cleaned = [self._step(one, other) for one, other in zip(heard, played, strict=True)]
        left = sum(one.power for one in cleaned) / max(sum(one.power for one in heard), 1.0)
        self._is_mostly_left = left > 10 ** (TRUSTED_DB / 10)
        return b"".join(each.samples.tobytes() for each in cleaned)

    def _step(self, heard: Slice, played: Slice) -> Slice:
        if self._held:
            self._held.append(heard)
            heard = self._held.popleft()
        if self._canceller is None and self._is_wanted(played):
            self._canceller = self._make()
        cleaned = self._cancel(heard, played)
        if finding := self._search.feed(heard, played):
            self._learn(finding)
        self._lately.append((heard, played))
        if not self.is_known and self._absence.feed(heard, played):
            self._let_go()
        return cleaned

    def _cancel(self, heard: Slice, played: Slice) -> Slice:
        """Through the canceller or past it; from one to the other without a click."""
        now = self._needed(heard, played)
        self._is_spoken_over = self._loudness.feed(heard, played)
        cleaned = self._through(now, heard, played)
        self._measure(heard, cleaned, played)
        if now is not self._last:
            before, self._last = self._through(self._last, heard, played), now
            return Slice.of(_blend(before.samples, cleaned.samples))
        return cleaned

    def _through(self, way: Canceller | None, heard: Slice, played: Slice) -> Slice:
        if way is None:
            return heard
        cleaned = Slice.of(way.process(heard, played))
        return self._soften(cleaned, played) if way.kind == "on" else cleaned

    def _needed(self, heard: Slice, played: Slice) -> Canceller | None:
        """The canceller, unless it rests or may not be used."""
        canceller = self._canceller
        if canceller is None or canceller.kind == "half-duplex":
            return canceller if self.allows_half_duplex else None
        self._silent_ms = self._silent_ms + FRAME_MS if played.is_silent else 0
        if self._silent_ms < REST_MS:
            self._is_resting = False
        elif not self._is_resting:
            self._is_resting = heard.power < REST_POWER
        return None if self._is_resting else canceller

    def _soften(self, cleaned: Slice, played: Slice) -> Slice:
        softened = self._leaks.process(
            cleaned,
            is_silent=played.is_silent,
            may_be_echo=self._loudness.may_be_heard and not self._loudness.is_strong,
            is_spoken_over=self._is_spoken_over,
        )
        return cleaned if softened is cleaned.samples else Slice.of(softened)

    # -- deciding -------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        if self.mode == "off":
            return "off"
        if self._canceller is not None and self.is_known:
            return self._canceller.kind
        return "off" if self.is_known and self.mode == "auto" else "looking"

    def _is_wanted(self, played: Slice) -> bool:
        """Before anything is played there is nothing to cancel."""
        return self.mode == "on" or not (self._is_known or played.is_silent)

    def _make(self) -> Canceller:
        try:
            canceller = Aec(noise_suppression=self._noise_suppression)
        except ImportError:
            if self.mode == "on":
                self._tell_half_duplex()
            return HalfDuplex(self.latency_ms)
        for pair in self._lately:
            canceller.process(*pair)
        return canceller

    def _tell_half_duplex(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._notify(Notice(HALF_DUPLEX, HALF_DUPLEX_MESSAGE))

    def _learn(self, finding: Finding) -> None:
        if finding.is_echo:
            self._accept(finding)
            return
        self._misses += 1
        limit = MISSES_TO_LET_GO if self._canceller and self._is_known else MISSES_TO_GIVE_UP
        if self.mode == "auto" and self._misses >= limit:
            self._let_go()

    def _let_go(self) -> None:
        """There is no echo, so far."""
        self._canceller, self._is_known, self._delay_ms = None, True, None
        self._held.clear()

    def _accept(self, finding: Finding) -> None:
        """There is an echo."""
        self._misses, self._is_known = 0, True
        if self._canceller is None:
            self._canceller = self._make()
            self._leaks.settle()
        held_ms = self._reference.held_ms - len(self._held) * FRAME_MS
        self._delay_ms = finding.delay_ms + round(held_ms)
        if isinstance(self._canceller, HalfDuplex):
            self._canceller.follow(self._delay_ms)
            self._tell_half_duplex()
        elif finding.delay_ms > LATEST_MS or self._reference.held_ms > self._delay_ms:
            self._reference.hold_back(max(self._delay_ms - NEAR_MS, 0))
            self._search.restart()
        elif finding.delay_ms < EARLIEST_MS and len(self._held) * FRAME_MS < MOST_HELD_MS:
            self._held.extend([SILENCE] * (HOLD_STEP_MS // FRAME_MS))
            self._leaks.jump(is_audible=True)
            self._search.restart()

    # -- measuring ------------------------------------------------------------------------------

    def _measure(self, heard: Slice, cleaned: Slice, played: Slice) -> None:
        if self._canceller is None or played.is_silent:
            return
        self._raw_power = self._raw_power * _SMOOTH + heard.power
        self._clean_power = self._clean_power * _SMOOTH + cleaned.power

    @property
    def _erle_db(self) -> float | None:
        if self._delay_ms is None or not self._raw_power:
            return None
        return 10 * math.log10(self._raw_power / max(self._clean_power, 1.0))


def _blend(before: Samples, after: Samples) -> Samples:
    """From one sound to another over 10 ms."""
    share = np.linspace(0, 1, len(before), dtype=np.float32)
    blended: Samples = np.rint(before * (1 - share) + after * share).astype(np.int16)
    return blended
