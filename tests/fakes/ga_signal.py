"""Test sounds whose every moment can be told apart, and the finding of them in a recording.

A *timecode* is noise made from a seed, band-limited so that it survives resampling to 16 kHz and
back.  Each reply item gets its own `index`, so one recording of the loudspeaker tells which items
were played, from where to where, and what is missing.  Position is found by cross-correlation.
"""

import wave
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 24_000
"""Hz, of every sound here and on the wire."""
BYTES_PER_MS = RATE * 2 // 1000
LEVEL_RMS = 4000.0
"""Of the timecode, in units of PCM16."""
SCORE_NEEDED = 0.45
"""Correlation (0 to 1) from which a match of 20 ms or more is believed: chance stays under 0.35."""
QUIET_RMS = 40.0

Samples = NDArray[np.float64]


def ms_of(pcm_bytes: int) -> float:
    """Duration of so many bytes of PCM16 at 24 kHz, in ms."""
    return pcm_bytes / BYTES_PER_MS


@lru_cache(maxsize=512)
def _second(index: int, second: int) -> bytes:
    """One second of timecode: noise between 200 Hz and 7 kHz at `LEVEL_RMS`."""
    noise = np.random.default_rng((index, second)).standard_normal(RATE)
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(RATE, 1 / RATE)
    spectrum[(hz < 200) | (hz > 7000)] = 0
    sound = np.fft.irfft(spectrum, RATE)
    sound *= LEVEL_RMS / np.sqrt(np.mean(sound**2))
    return np.clip(sound, -32767, 32767).astype("<i2").tobytes()


def timecode(index: int, duration_ms: float) -> bytes:
    """The first `duration_ms` of timecode `index`: PCM16 mono, 24 kHz."""
    samples = round(duration_ms * RATE / 1000)
    seconds = -(-samples // RATE)
    return b"".join(_second(index, second) for second in range(seconds))[: samples * 2]


def silence(duration_ms: float) -> bytes:
    """Zeros: PCM16 mono, 24 kHz."""
    return bytes(round(duration_ms * RATE / 1000) * 2)


def tone(duration_ms: float, hz: float = 440.0, rms: float = 4000.0) -> bytes:
    """A sine: PCM16 mono, 24 kHz."""
    t = np.arange(round(duration_ms * RATE / 1000)) / RATE
    sound: bytes = (rms * np.sqrt(2) * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()
    return sound


def read_wav(path: Path) -> bytes:
    """PCM16 mono 24 kHz from a WAV of exactly that form.

    Raises:
        ValueError: The file has another form.
    """
    with wave.open(str(path), "rb") as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if form != (1, 2, RATE):
            raise ValueError(f"{path}: wanted mono, 16 bit, {RATE} Hz; got {form}")
        return file.readframes(file.getnframes())


def rms_of(pcm: bytes) -> float:
    """Root mean square of PCM16, in its own units; 0 for nothing."""
    return _rms(_samples(pcm, RATE))


def _rms(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0


def _samples(pcm: bytes, rate: int) -> Samples:
    """Floats at 24 kHz; another rate is interpolated, which is good enough to correlate."""
    sound = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64)
    if rate == RATE or not sound.size:
        return sound
    wanted = round(sound.size * RATE / rate)
    at = np.arange(wanted) * rate / RATE
    resampled: Samples = np.interp(at, np.arange(sound.size), sound)
    return resampled


def at_house_rate(pcm: bytes, rate: int) -> bytes:
    """PCM16 of another rate at 24 kHz."""
    return pcm if rate == RATE else _samples(pcm, rate).astype("<i2").tobytes()


@lru_cache(maxsize=64)
def _reference(index: int, longest_ms: int) -> tuple[Samples, NDArray[np.complex128]]:
    sound = _samples(timecode(index, longest_ms), RATE)
    size = 1 << int(sound.size + RATE).bit_length()
    return sound, np.fft.rfft(sound, size)


def _score(snippet: Samples, reference: Samples, at: int) -> float:
    """Normalised correlation, 0 to 1, of the snippet with the reference from frame `at` on."""
    piece = reference[max(at, 0) : at + snippet.size]
    if at < 0 or piece.size < snippet.size:
        return 0.0
    norm = float(np.linalg.norm(snippet) * np.linalg.norm(piece))
    return abs(float(snippet @ piece)) / norm if norm else 0.0


def _search(snippet: Samples, index: int, longest_ms: int) -> tuple[int, float]:
    """Best frame of the whole reference, and its score."""
    reference, spectrum = _reference(index, longest_ms)
    size = (spectrum.size - 1) * 2
    found = np.fft.irfft(spectrum * np.conj(np.fft.rfft(snippet, size)), size)
    found = np.abs(found[: max(reference.size - snippet.size, 1)])
    at = int(np.argmax(found))
    return at, _score(snippet, reference, at)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a piece of recording comes from."""

    index: int
    """Which timecode."""
    ms: float
    """Of the timecode, at the first frame of the piece."""
    score: float
    """Correlation, 0 to 1."""


def decode_position(
    pcm: bytes, indexes: range = range(8), *, rate: int = RATE, longest_ms: int = 60_000
) -> Position | None:
    """Tell which timecode a piece of recording (20 ms to 1 s, PCM16 mono) is, and from where.

    Gain, polarity, resampling and moderate noise do not matter.  None: silence, or none of
    `indexes`, or a mixture of moments.
    """
    snippet = _samples(pcm, rate)[:RATE]
    if _rms(snippet) < QUIET_RMS:
        return None
    tries = [Position(i, *_in_ms(_search(snippet, i, longest_ms))) for i in indexes]
    best = max(tries, key=lambda position: position.score)
    return best if best.score >= SCORE_NEEDED else None


def _in_ms(found: tuple[int, float]) -> tuple[float, float]:
    return found[0] * 1000 / RATE, found[1]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a recording that is one timecode without a jump."""

    at_ms: float
    """In the recording."""
    index: int
    from_ms: float
    """Of the timecode."""
    duration_ms: float

    @property
    def to_ms(self) -> float:
        """End of the stretch, in ms of the timecode."""
        return self.from_ms + self.duration_ms


def decode_track(
    pcm: bytes,
    indexes: range = range(8),
    *,
    rate: int = RATE,
    window_ms: int = 20,
    longest_ms: int = 60_000,
) -> list[Stretch]:
    """Read a whole recording: the stretches of timecode in it, to `window_ms` exactly.

    Silence and foreign sound lie between the stretches.  A jump of more than half a millisecond
    starts a new stretch.
    """
    sound = _samples(pcm, rate)
    step = RATE * window_ms // 1000
    stretches: list[Stretch] = []
    for at in range(0, sound.size - step + 1, step):
        _extend(stretches, sound[at : at + step], at, indexes, longest_ms)
    return stretches


def _extend(
    stretches: list[Stretch], snippet: Samples, at: int, indexes: range, longest_ms: int
) -> None:
    if _rms(snippet) < QUIET_RMS:
        return
    at_ms, window_ms = at * 1000 / RATE, snippet.size * 1000 / RATE
    last = stretches[-1] if stretches else None
    if (
        last
        and abs(last.at_ms + last.duration_ms - at_ms) < 0.5
        and _goes_on(last, snippet, longest_ms)
    ):
        stretches[-1] = Stretch(last.at_ms, last.index, last.from_ms, last.duration_ms + window_ms)
        return
    found = decode_position(snippet.astype("<i2").tobytes(), indexes, longest_ms=longest_ms)
    if found is not None:
        stretches.append(Stretch(at_ms, found.index, found.ms, window_ms))


def _goes_on(last: Stretch, snippet: Samples, longest_ms: int) -> bool:
    at = round(last.to_ms * RATE / 1000)
    reference, _ = _reference(last.index, longest_ms)
    return max(_score(snippet, reference, at + slip) for slip in range(-12, 13)) >= SCORE_NEEDED
