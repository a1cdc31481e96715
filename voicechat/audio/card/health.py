"""What is wrong with a microphone that does give something: a constant level, or far too much.

A plug that is half in, or a broken cable, gives a constant instead of sound; a microphone that is
turned up too far gives the ceiling.  Either is told once, after it has gone on for a while.
Time is counted in frames.
"""

from typing import Any, Literal, TypeAlias

import numpy as np

from voicechat.audio.pcm import FULL_SCALE, frames_to_ms, to_samples

Ill: TypeAlias = Literal["constant", "clipped"]

CONSTANT_MS = 2000
STEADY = 16
"""A converter's own noise: within so many steps nothing is heard."""
STUMBLES = 2
"""What is not still counts so many times."""
OFF_CENTRE = 100
"""-50 dBFS; many good converters are off by less."""
CEILING = FULL_SCALE - 64
CLIPPED_SHARE = 0.005
"""So much of a second at the ceiling is heard as a rasp."""
CLIPPED_SECONDS = 2
WITHIN_SECONDS = 10


class Health:
    """Watches what a microphone gives from the moment it was opened.

    Args:
        rate: Hz of what it gives, PCM16 mono.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._steady = self._frames = self._clipped = 0
        self._bad_seconds: list[int] = []
        self._second = 0
        self._told: set[Ill] = set()

    def hear(self, pcm: bytes) -> Ill | None:
        """Look at what it gave; what is to be told now, for the first time."""
        samples = to_samples(pcm)
        if not len(samples):
            return None
        low, high = int(samples.min()), int(samples.max())
        if self._is_constant(low, high, len(samples)):
            return self._tell("constant")
        if self._is_clipped(samples, low, high):
            return self._tell("clipped")
        return None

    def _tell(self, ill: Ill) -> Ill | None:
        if ill in self._told:
            return None
        self._told.add(ill)
        return ill

    def _is_constant(self, low: int, high: int, frames: int) -> bool:
        """Off its centre, and still, but for a stumble of the sound server now and then.

        Zeros are another matter (`Waking`).
        """
        is_still = high - low <= STEADY and abs(high + low) // 2 > OFF_CENTRE
        self._steady = max(self._steady + (frames if is_still else -STUMBLES * frames), 0)
        return frames_to_ms(self._steady, self._rate) >= CONSTANT_MS

    def _is_clipped(self, samples: Any, low: int, high: int) -> bool:
        if high >= CEILING or low <= -CEILING:
            self._clipped += int(np.count_nonzero((samples >= CEILING) | (samples <= -CEILING)))
        self._frames += len(samples)
        if self._frames < self._rate:
            return False
        if self._clipped > CLIPPED_SHARE * self._frames:
            self._bad_seconds.append(self._second)
        self._second, self._frames, self._clipped = self._second + 1, 0, 0
        recent = [bad for bad in self._bad_seconds if self._second - bad <= WITHIN_SECONDS]
        self._bad_seconds = recent
        return len(recent) >= CLIPPED_SECONDS
