"""A test sound, and how to find it again in what a microphone heard.

The sound is a chirp: its autocorrelation has one sharp peak, so that its place is found to a
fraction of a millisecond, also beneath noise and behind a poor loudspeaker (a matched filter).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from voicechat.audio.pcm import FULL_SCALE, HOUSE_RATE, ms_to_frames, to_pcm, to_samples

CHIRP_MS = 400
LOW_HZ, HIGH_HZ = 300.0, 3400.0
"""What a telephone carries, and so any loudspeaker and any headset."""
LEVEL = 0.25
"""Of full scale: -15 dBFS, as loud as speech."""
HEARD = 0.25
"""So much of what is heard must be the chirp itself; noise has less than 0.1."""
_RAMP_MS = 20
_CLIPPED_RUN = 3
"""So many samples in a row at full scale are clipped; a single one may be just loud."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a sound is in another."""

    at_frame: int
    likeness: float
    """0 (something else) to 1 (just that)."""


def chirp(rate: int = HOUSE_RATE) -> bytes:
    """The test sound: a tone that rises through the voice band in 400 ms; PCM16 mono."""
    frames = ms_to_frames(CHIRP_MS, rate)
    time = np.arange(frames) / rate
    sweep = LOW_HZ * time + (HIGH_HZ - LOW_HZ) / 2 * time**2 / (CHIRP_MS / 1000)
    ramp = ms_to_frames(_RAMP_MS, rate)
    shape = np.clip(np.minimum(np.arange(frames), np.arange(frames)[::-1]) / ramp, 0, 1)
    return to_pcm(np.sin(2 * np.pi * sweep) * shape * LEVEL * FULL_SCALE)


def find(sound: bytes, heard: bytes) -> Found | None:
    """Where `sound` is in `heard` (same rate), at whatever loudness; None: it is not in it."""
    wanted, samples = _floats(sound), _floats(heard)
    if len(samples) < len(wanted) or not samples.any():
        return None
    size = 1 << (len(samples) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(wanted, size))
    match = np.fft.irfft(spectrum, size)[: len(samples) - len(wanted) + 1]
    likeness = np.abs(match) / _norms(samples, len(wanted)) / np.sqrt(np.dot(wanted, wanted))
    at = int(likeness.argmax())
    return Found(at, float(likeness[at])) if likeness[at] >= HEARD else None


def clipped_share(pcm: bytes) -> float:
    """Which part of the samples is cut off at full scale, 0 to 1."""
    is_full = np.abs(to_samples(pcm).astype(np.int32)) >= FULL_SCALE - 1
    if len(is_full) < _CLIPPED_RUN:
        return 0.0
    runs = np.convolve(is_full, np.ones(_CLIPPED_RUN, np.int32), "valid") == _CLIPPED_RUN
    return float(runs.sum() / len(is_full))


def _floats(pcm: bytes) -> Any:
    return to_samples(pcm).astype(np.float64) / FULL_SCALE


def _norms(samples: Any, width: int) -> Any:
    """The norm of each stretch of so many samples; never nothing."""
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    return np.sqrt(np.maximum(energy[width:] - energy[:-width], 1e-6))
