"""The loudspeaker is not heard: told by silence alone, sooner than a search for an echo can tell.

The rule: what is too soft for anybody's detector of voices is no echo worth cancelling.  With
headphones on, a second of the first reply is enough to know; until then the canceller works for
nothing, and may swallow the user's first words.
"""

from voicechat.audio.echo.frame import FRAME, FRAME_MS, Slice

NEEDED_MS = 500
"""Of sound, after the way to the ear."""
PLAYED_POWER = FRAME * 328.0**2
"""Sound softer than -40 dBFS says nothing about its echo."""
QUIET_POWER = FRAME * 58.0**2
"""-55 dBFS: services take louder sound for a voice."""


class Absence:
    """Takes both sides in frames of 10 ms."""

    def __init__(self, latency_ms: float = 0.0) -> None:
        """`latency_ms`: from writing a sound to the ear, as the driver believes."""
        self._needed_ms = NEEDED_MS + latency_ms
        self._played_ms = 0

    def feed(self, heard: Slice, played: Slice) -> bool:
        """10 ms of both; whether so much was played by now, and nothing heard, that it is plain."""
        if heard.power > QUIET_POWER:
            self._played_ms = 0  # It may have been the loudspeaker.
        elif played.power > PLAYED_POWER:
            self._played_ms += FRAME_MS
        return self._played_ms >= self._needed_ms
