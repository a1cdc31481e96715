"""Two ways to keep the loudspeaker out of the microphone's sound, 10 ms at a time.

`Aec` takes the echo away (WebRTC's AEC3); `HalfDuplex` closes the microphone while something is
heard from the loudspeaker, for machines without AEC3 and for echoes that come too late for it.
"""

from typing import Any, Literal, Protocol

import numpy as np

from voicechat.audio.echo.frame import FRAME, FRAME_MS, Samples, Slice
from voicechat.audio.pcm import HOUSE_RATE

AFTER_MS = 200
"""So long after its last sound the loudspeaker may still be heard."""
SILENT = 33
"""|sample| up to which (-60 dBFS) nothing is heard of the loudspeaker."""
NOISE_LEVEL = 1
"""Of WebRTC's noise suppression: 12 dB."""


_HISS: Samples = (np.random.default_rng(0).random(FRAME) < 0.05).astype(np.int16)
"""A step now and then: denser noise keeps AEC3 from learning in the silence between sounds."""


class Canceller(Protocol):
    """Takes 10 ms of the microphone and of what was played, gives 10 ms."""

    kind: Literal["on", "half-duplex"]

    def process(self, heard: Slice, played: Slice) -> Samples: ...


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

    def process(self, heard: Slice, played: Slice) -> Samples:
        clean: Samples = self._engine.process(_or_hiss(heard), _or_hiss(played))
        return clean


def _or_hiss(sound: Slice) -> Samples:
    """Exact silence as a hiss that nobody hears (-103 dBFS).

    After exact zeros the numbers in AEC3's filters become denormal, and each frame costs a
    processor twelve times as much: 1.2 ms instead of 0.1.
    """
    return _HISS if sound.is_silent else sound.samples


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

    def process(self, heard: Slice, played: Slice) -> Samples:
        is_audible = bool(np.abs(played.samples.astype(np.int32)).max(initial=0) > SILENT)
        self._left = self._closed_frames if is_audible else max(self._left - 1, 0)
        return np.zeros_like(heard.samples) if self._left else heard.samples
