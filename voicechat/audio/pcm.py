"""Arithmetic on PCM16 little-endian mono: how long, how loud, louder, softer.

The rule: `bytes` in, `bytes` out, always whole frames (a frame is one sample of two bytes).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

HOUSE_RATE = 24_000
"""Hz at which sound travels through the house."""
FRAME_BYTES = 2
FULL_SCALE = 32768
FLOOR_DBFS = -96.0
"""What is said of silence, and of anything below the last bit."""

_SAMPLE = np.dtype("<i2")


def ms_to_frames(ms: float, rate: int = HOUSE_RATE) -> int:
    """Whole frames in `ms` milliseconds at `rate` Hz, rounded down."""
    return int(ms * rate // 1000)


def frames_to_ms(frames: int, rate: int = HOUSE_RATE) -> int:
    """Whole milliseconds in `frames`, rounded down."""
    return frames * 1000 // rate


def ms_to_bytes(ms: float, rate: int = HOUSE_RATE) -> int:
    """Bytes of the whole frames in `ms` milliseconds."""
    return ms_to_frames(ms, rate) * FRAME_BYTES


def bytes_to_ms(count: int, rate: int = HOUSE_RATE) -> int:
    """Whole milliseconds in `count` bytes, rounded down."""
    return frames_to_ms(count // FRAME_BYTES, rate)


def silence(frames: int) -> bytes:
    """That many frames of nothing."""
    return bytes(frames * FRAME_BYTES)


def peak(pcm: bytes) -> float:
    """The loudest sample, 0 to 1."""
    if not pcm:
        return 0.0
    samples = to_samples(pcm)
    return float(max(-int(samples.min()), int(samples.max()))) / FULL_SCALE


def level_dbfs(pcm: bytes) -> float:
    """Root mean square in dB below a full-scale square wave; never below FLOOR_DBFS.

    A sine of full scale has -3.01 dBFS on this scale.
    """
    if not pcm:
        return FLOOR_DBFS
    samples = to_samples(pcm).astype(np.float64)
    power = float(np.dot(samples, samples)) / samples.size / FULL_SCALE**2
    return max(10 * math.log10(power), FLOOR_DBFS) if power > 0 else FLOOR_DBFS


def gain(pcm: bytes, factor: float) -> bytes:
    """Louder or softer; what would leave the range is clipped."""
    return ramp(pcm, factor, factor)


def ramp(pcm: bytes, start: float, end: float) -> bytes:
    """Gain that goes in a straight line from `start` at the first frame towards `end`.

    The frame after the last would have exactly `end`, so that ramps can follow each other.
    """
    if start == end == 1.0 or not pcm:
        return pcm
    samples = to_samples(pcm)
    if start == end:
        return to_pcm(samples * np.float32(start))
    return to_pcm(samples * np.linspace(start, end, samples.size, endpoint=False, dtype=np.float32))


def fade_in(pcm: bytes) -> bytes:
    """From silence to full loudness over the whole of `pcm`."""
    return ramp(pcm, 0.0, 1.0)


def fade_out(pcm: bytes) -> bytes:
    """From full loudness to silence over the whole of `pcm`."""
    return ramp(pcm, 1.0, 0.0)


def mix_to_mono(interleaved: bytes, channels: int) -> bytes:
    """The mean of all channels of whole interleaved frames."""
    if channels == 1:
        return interleaved
    return to_pcm(to_samples(interleaved).reshape(-1, channels).mean(axis=1, dtype=np.float32))


def to_samples(pcm: bytes) -> npt.NDArray[np.int16]:
    """The samples, read-only, without a copy.  ValueError for half a frame."""
    return np.frombuffer(pcm, dtype=_SAMPLE)


def to_pcm(samples: npt.NDArray[Any]) -> bytes:
    """Round and clip samples of the scale ±FULL_SCALE."""
    rounded = np.clip(np.rint(samples), -FULL_SCALE, FULL_SCALE - 1)
    return bytes(rounded.astype(_SAMPLE).data)
