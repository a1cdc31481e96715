"""How loud the echo can be, so that it is known when somebody speaks over it.

The rule: an echo is as much softer than what was played as it has been so far, and comes within a
third of a second.  What is clearly louder than that is not, or not only, the echo.
"""

from collections import deque

from voicechat.audio.echo.frame import FRAME, FRAME_MS, Slice

NEEDED_MS = 1000
"""So much must have been played before anything is known."""
LATEST_MS = 320
"""An echo that comes later is not looked for."""
LOUDER = 10 ** (4 / 10)
"""This much more power than the loudest echo is not the echo."""
STRONG = 10 ** (-6 / 10)
AUDIBLE_POWER = FRAME * 100.0**2
"""-50 dBFS: what is softer proves nothing."""
_REMEMBERED = 0.995
"""Of the powers whose ratio is the echo's, each 10 ms: two seconds of what is played."""
_SMOOTH = 0.85
"""Of the powers that are compared, each 10 ms: 60 ms."""


class EchoLoudness:
    """Takes both sides in frames of 10 ms."""

    def __init__(self) -> None:
        self._heard = self._played = 0.0
        self._heard_so_far = self._played_so_far = 0.0
        self._lately = deque([0.0], LATEST_MS // FRAME_MS)
        self._played_ms = 0

    def feed(self, heard: Slice, played: Slice) -> bool:
        """10 ms of both; whether what is heard is clearly more than the echo."""
        self._heard = self._heard * _SMOOTH + heard.power * (1 - _SMOOTH)
        self._played = self._played * _SMOOTH + played.power * (1 - _SMOOTH)
        self._lately.append(self._played)
        is_more = self._played_ms >= NEEDED_MS and self._heard > self._loudest
        if not played.is_silent and self._played > AUDIBLE_POWER and not is_more:
            self._learn()
        return is_more

    @property
    def may_be_heard(self) -> bool:
        """Whether anything was played so lately that its echo may come now."""
        return max(self._lately) > AUDIBLE_POWER

    @property
    def is_strong(self) -> bool:
        """Whether the echo is hardly softer than what is played: nobody is clearly louder then."""
        return self._share > STRONG

    @property
    def _loudest(self) -> float:
        """Whatever is more than this is not the echo alone."""
        return LOUDER * self._share * max(self._lately) + AUDIBLE_POWER

    @property
    def _share(self) -> float:
        return self._heard_so_far / max(self._played_so_far, 1.0)

    def _learn(self) -> None:
        self._played_ms += FRAME_MS
        self._heard_so_far = self._heard_so_far * _REMEMBERED + self._heard
        self._played_so_far = self._played_so_far * _REMEMBERED + self._played
