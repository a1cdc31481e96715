"""VAD (voice activity detection): does a frame of 20 ms hold speech?

A frame holds speech when it is loud enough and WebRTC's detector hears a voice in it; where that
is not installed, when it stands out of the noise around it.  Who listens to which frames, and what
a voice means, is not decided here: over a reply that is `audio.duck`, in a turn `cascade.vad`.

The rule: no NumPy, which takes longer to load than the server of the built-in model to start.
"""

import math
import operator
from array import array
from collections.abc import Callable
from typing import TypeAlias

FRAME_MS = 20
RATE = 24_000
FRAME_BYTES = RATE * 2 * FRAME_MS // 1000

Detector: TypeAlias = Callable[[bytes], bool]
"""Says of one frame (PCM16 mono, 24 kHz, 20 ms) whether it holds speech."""

STANDS_OUT_DB = 9
"""By so much speech is louder than the noise, where only the level is known."""
_QUIETEST_DBFS = -90.0


def make_detector(
    gate_dbfs: float, aggressiveness: int, hears_voice: Detector | None = None
) -> Detector:
    """A detector of its own for one stream.

    Args:
        gate_dbfs: What is softer is no speech, whatever it sounds like.
        aggressiveness: Of WebRTC's detector: 0 takes much for a voice, 3 little.
        hears_voice: In its place.
    """
    is_voice = hears_voice or _find_voice_detector(gate_dbfs, aggressiveness)
    return lambda frame: frame_dbfs(frame) > gate_dbfs and is_voice(frame)


def frame_dbfs(frame: bytes) -> float:
    """Root mean square of PCM16 in dB below full scale; -120 for silence."""
    samples = array("h", frame)
    power = sum(map(operator.mul, samples, samples)) / max(1, len(samples))
    return 20 * math.log10(math.sqrt(power) / 32768) if power > 0 else -120.0


def _find_voice_detector(gate_dbfs: float, aggressiveness: int) -> Detector:
    try:
        import webrtcvad
    except ImportError:
        return NoiseFloor(gate_dbfs)
    voice = webrtcvad.Vad(aggressiveness)
    return lambda frame: bool(voice.is_speech(_at_double_rate(frame), 2 * RATE))


def _at_double_rate(frame: bytes) -> bytes:
    """Each sample twice, for a detector that knows 48 kHz but not 24 kHz: the images this makes
    lie above what it looks at."""
    samples = array("h", frame)
    doubled = array("h", bytes(2 * len(frame)))
    doubled[0::2] = samples
    doubled[1::2] = samples
    return doubled.tobytes()


class NoiseFloor:
    """Speech by the level alone: what stands out of a floor that follows quickly down, slowly up.

    Args:
        floor_dbfs: Where the floor begins.
    """

    def __init__(self, floor_dbfs: float) -> None:
        self._floor_dbfs = floor_dbfs

    def __call__(self, frame: bytes) -> bool:
        level = frame_dbfs(frame)
        share = 0.01 if level > self._floor_dbfs else 0.1
        self._floor_dbfs = max(
            _QUIETEST_DBFS, self._floor_dbfs + (level - self._floor_dbfs) * share
        )
        return level > self._floor_dbfs + STANDS_OUT_DB
