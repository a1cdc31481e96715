"""Louder or softer without clicks: gain that never leaves the range, and never jumps.

The rule: no delay.  A limiter that looks ahead would hold sound back; here the whole of what is
given (some milliseconds) is looked at, its gain goes down within 2 ms before what is too loud, and
what is too loud sooner than that is bent, not cut.
"""

from typing import Any

import numpy as np

from voicechat.audio.pcm import FULL_SCALE, HOUSE_RATE, ms_to_frames, to_pcm, to_samples

CEILING = 0.9
"""Of full scale: what would be louder is turned down to it."""
_ATTACK_MS = 2
_RISE_PER_S = 5.0
"""How fast the gain rises again: from nothing to 1 in 200 ms."""


class Loudness:
    """The gain of one stream of PCM16 mono.

    Args:
        rate: Hz.
        factor: The gain at its beginning.
    """

    def __init__(self, rate: int = HOUSE_RATE, factor: float = 1.0) -> None:
        self._attack = ms_to_frames(_ATTACK_MS, rate)
        self._rise = _RISE_PER_S / rate
        self.reset(factor)

    def reset(self, factor: float) -> None:
        """A new stretch of sound begins at this gain; nothing was heard just before."""
        self._factor, self._limit = factor, 1.0

    def process(self, pcm: bytes, factor: float) -> bytes:
        """The next of the stream, from the gain of before to this one, or less where it would be
        too loud.

        At gain 1, sound passes through untouched: it cannot be too loud.
        """
        if not pcm or factor == self._factor == self._limit == 1.0:
            return pcm
        samples = to_samples(pcm).astype(np.float32) / FULL_SCALE
        before, self._factor = self._factor, factor
        loudest = float(np.abs(samples).max()) * max(before, factor)
        is_too_loud = loudest > CEILING and max(before, factor) > 1.0
        gain = np.linspace(before, factor, len(samples), endpoint=False, dtype=np.float32)
        gain *= self._limiter(len(samples), CEILING / loudest if is_too_loud else 1.0)
        return to_pcm(_bend(samples * gain) * FULL_SCALE)

    def _limiter(self, frames: int, target: float) -> Any:
        """From the limit of now to the target: down at once, up slowly."""
        start, index = self._limit, np.arange(1, frames + 1, dtype=np.float32)
        if target < start:
            self._limit = target
            return start + (target - start) * np.minimum(index / min(self._attack, frames), 1.0)
        limit = np.minimum(start + index * self._rise, target)
        self._limit = target if limit[-1] >= target else float(limit[-1])
        return limit


def _bend(samples: Any) -> Any:
    """Bend what is above the ceiling so that it stays below full scale."""
    size = np.abs(samples)
    over = size - CEILING
    if over.max() <= 0 or size.max() <= 1.0:
        return samples
    room = 1.0 - CEILING
    return np.sign(samples) * np.where(over > 0, CEILING + room * np.tanh(over / room), size)
