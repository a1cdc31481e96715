"""Is what was played heard again, and how much later: cross-correlation of a second of sound.

The spectra are whitened before (GCC-PHAT: Knapp and Carter, "The generalized correlation method
for estimation of time delay", IEEE Trans. ASSP 24, 1976): an echo then makes a peak many times as
high as everything around it, however soft it is and whatever the room does to it, while another
voice makes none.  Each question costs about a millisecond, and is asked twice a second at most.

The loudspeaker is not heard: told by silence alone, sooner than a search for an echo can tell.

The rule: what is too soft for anybody's detector of voices is no echo worth cancelling.  With
headphones on, a second of the first reply is enough to know; until then the canceller works for
nothing, and may swallow the user's first words.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voicechat.audio.echo.frame import FRAME, FRAME_MS, SILENCE, Slice
from voicechat.audio.pcm import HOUSE_RATE

NEEDED_MS = 500
"""Of sound, after the way to the ear."""
PLAYED_POWER = FRAME * 328.0**2
"""Sound softer than -40 dBFS says nothing about its echo."""
QUIET_POWER = FRAME * 58.0**2
"""-55 dBFS: services take louder sound for a voice."""


class Absence:
    """Takes both sides in frames of 10 ms."""

    def __init__(self, latency_ms: float = 0.0) -> None:
        """`latency_ms`: from writing a sound to the ear, as the driver believes."""
        self._needed_ms = NEEDED_MS + latency_ms
        self._played_ms = 0

    def feed(self, heard: Slice, played: Slice) -> bool:
        """10 ms of both; whether so much was played by now, and nothing heard, that it is plain."""
        if heard.power > QUIET_POWER:
            self._played_ms = 0  # It may have been the loudspeaker.
        elif played.power > PLAYED_POWER:
            self._played_ms += FRAME_MS
        return self._played_ms >= self._needed_ms


HEARD_MS = 1000
LAG_MS = 1000
"""The latest echo that is found."""
EARLY_MS = 20
"""An echo may seem to come before its sound by so much, where the callbacks disagree."""
EVERY_MS = 500
STEADY_MS = 1000
"""As often is enough while the answer stays the same."""
NEEDED = 11.5
"""Peak over RMS of the correlation.  Echoes of speech: 17 to 40, also 40 dB down; 9 to 25 with
500 ppm of drift; another voice, or noise: 4 to 7, seldom 10."""
AUDIBLE_POWER = FRAME * 100.0**2
"""Sound softer than that (-50 dBFS) has no echo worth a question."""

SAME_MS = 2

_THIN = 3
"""Every third frame will do: 8 kHz."""
_RATE = HOUSE_RATE // _THIN
_SIZE = 16384
"""Holds all that was played: what folds over then falls on lags that nobody looks at."""
_BAND_HZ = (200, 3200)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer for one second of sound that was played."""

    is_echo: bool
    delay_ms: int
    """From the reference to its echo; means nothing where there is none."""
    sharpness: float

    def agrees(self, other: "Finding") -> bool:
        """Whether both found the same echo."""
        is_near = abs(self.delay_ms - other.delay_ms) <= SAME_MS
        return self.is_echo and other.is_echo and is_near


class EchoSearch:
    """Takes both sides in frames of 10 ms, answers twice a second while something is played."""

    def __init__(self) -> None:
        self._heard: deque[Slice] = deque(maxlen=HEARD_MS // FRAME_MS)
        self._played: deque[Slice] = deque(maxlen=(HEARD_MS + LAG_MS + EARLY_MS) // FRAME_MS)
        self._is_loud: deque[bool] = deque(maxlen=HEARD_MS // FRAME_MS)
        """Whether each slice of the last second was played aloud."""
        hz = np.fft.rfftfreq(_SIZE, 1 / _RATE)
        self._band = (hz > _BAND_HZ[0]) & (hz < _BAND_HZ[1])
        self._delayed: deque[Slice] = deque()
        self.restart()

    def restart(self) -> None:
        """What was before has nothing to do with what comes."""
        self._heard.clear()
        self._delayed.clear()
        self._played.extend([SILENCE] * (self._played.maxlen or 0))
        self._until_next = HEARD_MS // FRAME_MS
        self._latest: Finding | None = None

    def feed(self, heard: Slice, played: Slice) -> Finding | None:
        """10 ms of both; None: no question is due, or nothing was played."""
        self._played.append(played)
        self._is_loud.append(played.power > AUDIBLE_POWER)
        self._delayed.append(heard)
        if len(self._delayed) <= EARLY_MS // FRAME_MS:
            return None
        self._heard.append(self._delayed.popleft())
        self._until_next -= 1
        if self._until_next > 0 or not self._is_audible():
            return None
        before, self._latest = self._latest, self._ask()
        is_same = before is not None and before.agrees(self._latest)
        self._until_next = (STEADY_MS if is_same else EVERY_MS) // FRAME_MS
        return self._latest

    def _is_audible(self) -> bool:
        """Whether half of the last second, at least, was played aloud."""
        return sum(self._is_loud) >= HEARD_MS // FRAME_MS / 2

    def _ask(self) -> Finding:
        early, latest = _frames(EARLY_MS), _frames(LAG_MS)
        cross = np.fft.rfft(_thin(self._played), _SIZE) * np.conj(
            np.fft.rfft(_thin(self._heard), _SIZE)
        )
        size = np.abs(cross)
        white = np.where(self._band, cross / (size + 1e-9 * float(size.max()) + 1e-9), 0)
        match = np.abs(np.fft.irfft(white, _SIZE)[: latest + early + 1])
        at = int(match.argmax())
        sharpness = float(match[at] / (np.sqrt(np.mean(match**2)) + 1e-12))
        return Finding(sharpness >= NEEDED, (latest - at) * 1000 // _RATE, sharpness)


def _frames(ms: int) -> int:
    return ms * _RATE // 1000


def _thin(sound: deque[Slice]) -> npt.NDArray[Any]:
    """At a third of the rate; what folds over is alike on both sides, and soft in speech."""
    whole = np.concatenate([each.samples for each in sound]).astype(np.float32)
    thinned: npt.NDArray[Any] = whole.reshape(-1, _THIN).mean(axis=1)
    return thinned
