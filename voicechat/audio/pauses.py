"""Where a voice pauses: what is so much softer than its words that nobody misses or minds it.

The rule: loudness is judged against the voice's own, so that a soft voice has words and a hissing
one has pauses; below what a room hums it is always a pause.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import FULL_SCALE, HOUSE_RATE, ms_to_frames, to_samples

STEP_MS = 10
"""Loudness is judged over so much at a time."""
HUM_DBFS = -55.0
BELOW_VOICE_DB = 40.0
"""So much softer than the voice is a pause."""
_FORGET = 0.997
"""Of the voice's loudness, per step: it halves in 2 s."""

_HUM = FULL_SCALE**2 * 10 ** (HUM_DBFS / 10)
_SHARE = 10 ** (-BELOW_VOICE_DB / 10)


class PauseFinder:
    """Follows how loud a voice is."""

    def __init__(self, rate: int = HOUSE_RATE) -> None:
        self._step = max(ms_to_frames(STEP_MS, rate), 1)
        self._voice = 0.0

    def hear(self, pcm: bytes) -> bool:
        """Note the next sound of the voice; return whether it is all pause."""
        power = float(self._powers(pcm).max(initial=0.0))
        self._voice = max(power, self._voice * _FORGET)
        return power < self._limit

    def is_pause(self, pcm: bytes) -> bool:
        """Whether a sound is all pause, without noting it."""
        return float(self._powers(pcm).max(initial=0.0)) < self._limit

    def leading(self, pcm: bytes) -> int:
        """Frames at the beginning of a sound that are a pause, in whole steps."""
        loud = np.flatnonzero(self._powers(pcm, whole=True) >= self._limit)
        steps = int(loud[0]) if loud.size else len(pcm) // 2 // self._step
        return steps * self._step

    @property
    def _limit(self) -> float:
        return max(_HUM, self._voice * _SHARE)

    def _powers(self, pcm: bytes, *, whole: bool = False) -> npt.NDArray[Any]:
        """Mean squares of the steps of a sound; what is left over counts as a step of its own."""
        samples = to_samples(pcm).astype(np.float32)
        steps = samples.size // self._step
        body = samples[: steps * self._step].reshape(steps, self._step)
        powers: npt.NDArray[Any] = np.einsum("ij,ij->i", body, body) / self._step
        rest = samples[steps * self._step :]
        if whole or not rest.size:
            return powers
        return np.append(powers, np.dot(rest, rest) / rest.size)
