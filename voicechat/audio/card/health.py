"""What is wrong with a microphone that does give something: a constant level, or far too much.

A plug that is half in, or a broken cable, gives a constant instead of sound; a microphone that is
turned up too far gives the ceiling.  Either is told once, after it has gone on for a while.
Time is counted in frames.

A microphone that was just opened, and one that is silent: both give exact zeros.

A headset that changes its Bluetooth profile, or a card that slept, gives zeros for up to 0.7 s
before it hears anything.  What is said meanwhile is lost, so the user is to wait for it; it is no
sign that the microphone is muted.
"""

from typing import Any, Literal, TypeAlias

import numpy as np

from voicechat.audio.pcm import FRAME_BYTES, FULL_SCALE, frames_to_ms, to_samples

WAKE_MS = 1000
"""A microphone that has heard nothing for longer is not waking: it is muted, or all is silent."""
SILENT_MS = 5000
"""Exact zeros for so long mean that something is muted."""


class Waking:
    """Watches what a microphone gives from the moment it was opened.

    Args:
        rate: Hz of what it gives, PCM16 mono.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._heard = self._zeros = 0
        self._is_awake = False

    @property
    def is_waking(self) -> bool:
        """Whether it has heard nothing yet, and may soon."""
        return not self._is_awake and frames_to_ms(self._heard, self._rate) < WAKE_MS

    def hear(self, pcm: bytes, *, is_expected: bool = True) -> bool:
        """Look at what it gave; whether it has now been silent for so long that it is told.

        Args:
            is_expected: The user is to be heard now.  Noise gates and virtual sources give zeros
                while nobody speaks: at rest they say nothing of the microphone.
        """
        frames = len(pcm) // FRAME_BYTES
        self._heard += frames
        if pcm.count(0) < len(pcm):
            self._is_awake, self._zeros = True, 0
            return False
        if not is_expected:
            return False
        before, self._zeros = self._zeros, self._zeros + frames
        now_ms = frames_to_ms(self._zeros, self._rate)
        return frames_to_ms(before, self._rate) < SILENT_MS <= now_ms


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
