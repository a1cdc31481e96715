"""A microphone that was just opened, and one that is silent: both give exact zeros.

A headset that changes its Bluetooth profile, or a card that slept, gives zeros for up to 0.7 s
before it hears anything.  What is said meanwhile is lost, so the user is to wait for it; it is no
sign that the microphone is muted.
"""

from voicechat.audio.pcm import FRAME_BYTES, frames_to_ms

WAKE_MS = 1000
"""A microphone that has heard nothing for longer is not waking: it is muted, or all is silent."""
SILENT_MS = 5000
"""Exact zeros for so long mean that something is muted."""


class Waking:
    """Watches what a microphone gives from the moment it was opened.

    Args:
        rate: Hz of what it gives, PCM16 mono.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._heard = self._zeros = 0
        self._is_awake = False

    @property
    def is_waking(self) -> bool:
        """Whether it has heard nothing yet, and may soon."""
        return not self._is_awake and frames_to_ms(self._heard, self._rate) < WAKE_MS

    def hear(self, pcm: bytes, *, is_expected: bool = True) -> bool:
        """Look at what it gave; whether it has now been silent for so long that it is told.

        Args:
            is_expected: The user is to be heard now.  Noise gates and virtual sources give zeros
                while nobody speaks: at rest they say nothing of the microphone.
        """
        frames = len(pcm) // FRAME_BYTES
        self._heard += frames
        if pcm.count(0) < len(pcm):
            self._is_awake, self._zeros = True, 0
            return False
        if not is_expected:
            return False
        before, self._zeros = self._zeros, self._zeros + frames
        now_ms = frames_to_ms(self._zeros, self._rate)
        return frames_to_ms(before, self._rate) < SILENT_MS <= now_ms
