"""Slower or faster without another pitch: periods of a voice repeated or left out, unheard.

A voiced sound repeats itself every 2.5 to 15 ms.  Where a seam lies one such period off, what ends
and what begins there are alike, and a crossfade over the period hides it.  The rule: both sides of
a seam go on exactly where their neighbours left off, so that no seam makes a step.
Source: W. Verhelst, M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA)",
ICASSP 1993; Y. Liang, N. Färber, B. Girod, "Adaptive playout scheduling using time-scale
modification in packet voice communications", ICASSP 2001.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import HOUSE_RATE, ms_to_frames, to_pcm, to_samples

SHORTEST_MS = 2.5
LONGEST_MS = 15.0
WINDOW_MS = 10.0
"""So much is compared."""
ALIKE = 0.55
"""Correlation from which a seam is not heard; noise stays under 0.4."""
_COARSE_RATE = 8000
"""Hz at which a period is looked for first."""

Samples = npt.NDArray[np.float32]


def longest(rate: int = HOUSE_RATE) -> int:
    """Frames before a place that `find_period` needs there."""
    return ms_to_frames(LONGEST_MS, rate)


def window(rate: int = HOUSE_RATE) -> int:
    """Frames after a place that `find_period` needs there."""
    return ms_to_frames(WINDOW_MS, rate)


def find_period(before: bytes, after: bytes, rate: int = HOUSE_RATE) -> int:
    """How many frames before a place its sound was most like what comes after it; 0: not alike.

    Args:
        before: The last `longest(rate)` frames before the place.
        after: The next `window(rate)` frames.
    """
    sound = to_samples(before + after).astype(np.float32)
    step = max(rate // _COARSE_RATE, 1)
    first, last = ms_to_frames(SHORTEST_MS, rate), longest(rate)
    coarse = sound[: sound.size // step * step].reshape(-1, step).mean(axis=1)
    lag, _ = _best(coarse, window(rate) // step, first // step, last // step)
    low, high = max(lag * step - step, first), min(lag * step + step, last)
    lag, score = _best(sound, window(rate), low, high)
    return lag if score >= ALIKE else 0


def _best(sound: Samples, size: int, low: int, high: int) -> tuple[int, float]:
    """The lag from `low` to `high` at which the last `size` samples are most like earlier ones."""
    start = sound.size - size
    part = sound[start - high : start - low + size]
    views = np.lib.stride_tricks.sliding_window_view(part, size)
    template = sound[start:]
    energies = np.cumsum(np.square(part, dtype=np.float64))
    energies = energies[size - 1 :] - np.append(0.0, energies[:-size])
    norms = np.sqrt(np.maximum(energies, 0.0) * float(np.dot(template, template)))
    scores: npt.NDArray[Any] = (views @ template) / (norms + 1.0)
    best = int(np.argmax(scores))
    return high - best, float(scores[best])


def crossfade(going: bytes, coming: bytes) -> bytes:
    """From one sound to another of the same length, in straight lines.

    The frame before the first would be all `going`, the one after the last all `coming`.
    """
    old, new = to_samples(going).astype(np.float32), to_samples(coming).astype(np.float32)
    share = np.arange(1, old.size + 1, dtype=np.float32) / np.float32(old.size + 1)
    return to_pcm(old + (new - old) * share)
