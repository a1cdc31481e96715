"""Sounds with the periods of a voice, for the tests of playing slower and faster."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int64]


def voice(ms: float, hertz: float = 140.0, rate: int = 24_000, level: float = 6000.0) -> bytes:
    """A vowel of steady pitch: the fundamental and seven overtones."""
    return _vowel(np.full(int(ms * rate / 1000), hertz), rate, level)


def glide(ms: float, first: float, last: float) -> bytes:
    """A vowel whose pitch goes from one to another, so that no two periods are the same."""
    return _vowel(np.linspace(first, last, int(ms * 24)), 24_000, 6000.0)


def _vowel(hertz: npt.NDArray[np.float64], rate: int, level: float) -> bytes:
    turns = np.cumsum(hertz) / rate * 2 * np.pi
    waves = sum(np.sin(turns * n) / n for n in range(1, 9))
    return (np.asarray(waves) * level).astype("<i2").tobytes()


def hiss(ms: float, level: float = 3000.0, seed: int = 1, rate: int = 24_000) -> bytes:
    """Noise: no period at all."""
    noise = np.random.default_rng(seed).normal(0, level, int(ms * rate / 1000))
    return np.clip(noise, -32767, 32767).astype("<i2").tobytes()


def hush(ms: float, rate: int = 24_000) -> bytes:
    """The hum of a quiet room: a pause."""
    return hiss(ms, 8.0, 2, rate)


def samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def steepest(pcm: bytes) -> int:
    """The largest step from one sample to the next."""
    return int(np.abs(np.diff(samples(pcm))).max())


def pitch_hz(pcm: bytes, rate: int = 24_000) -> float:
    """Of the strongest tone."""
    sound = samples(pcm).astype(np.float64)
    strength = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 8 * sound.size))
    return float(np.argmax(strength)) * rate / (8 * sound.size)
