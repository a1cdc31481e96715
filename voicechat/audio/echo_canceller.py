"""Two ways to keep the loudspeaker out of the microphone's sound, 10 ms at a time.

`Aec` takes the echo away (WebRTC's AEC3); `HalfDuplex` closes the microphone while something is
heard from the loudspeaker, for machines without AEC3 and for echoes that come too late for it.
"""

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import HOUSE_RATE

FRAME_MS = 10
FRAME = HOUSE_RATE * FRAME_MS // 1000
"""AEC3 takes exactly this; it fills up anything else with zeros, which ruins the sound."""
AFTER_MS = 200
"""So long after its last sound the loudspeaker may still be heard."""
SILENT = 33
"""|sample| up to which (-60 dBFS) nothing is heard of the loudspeaker."""
NOISE_LEVEL = 1
"""Of WebRTC's noise suppression: 12 dB."""

Samples: TypeAlias = npt.NDArray[np.int16]


def power(samples: Samples) -> float:
    """The sum of the squares."""
    wide = samples.astype(np.float32)
    return float(wide @ wide)


class Canceller(Protocol):
    """Takes FRAME samples of the microphone and of what was played, gives FRAME samples."""

    kind: Literal["on", "half-duplex"]

    def process(self, heard: Samples, played: Samples) -> Samples: ...


class Aec:
    """WebRTC's echo canceller; holds sound back by 9 ms, by 15 ms with noise suppression.

    Raises:
        ImportError: it is not installed, or has no build for this machine.
    """

    kind: Literal["on", "half-duplex"] = "on"

    def __init__(self, *, noise_suppression: bool) -> None:
        from pywebrtc_audio import AudioProcessor

        self._engine: Any = AudioProcessor(
            sample_rate=HOUSE_RATE,
            echo_cancellation=True,
            noise_suppression=noise_suppression,
            ns_level=NOISE_LEVEL,
        )

    def process(self, heard: Samples, played: Samples) -> Samples:
        clean: Samples = self._engine.process(heard, played)
        return clean


class HalfDuplex:
    """Silence while something is played and shortly after it.

    Args:
        latency_ms: From the reference to the ear, at most.
    """

    kind: Literal["on", "half-duplex"] = "half-duplex"

    def __init__(self, latency_ms: float = 0.0) -> None:
        self._left = 0
        self._closed_frames = 0
        self.follow(latency_ms)

    def follow(self, latency_ms: float) -> None:
        """It is later, or earlier, than was believed."""
        self._closed_frames = int((AFTER_MS + latency_ms) / FRAME_MS)

    def process(self, heard: Samples, played: Samples) -> Samples:
        is_audible = bool(np.abs(played.astype(np.int32)).max(initial=0) > SILENT)
        self._left = self._closed_frames if is_audible else max(self._left - 1, 0)
        return np.zeros_like(heard) if self._left else heard
