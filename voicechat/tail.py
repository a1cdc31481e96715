"""The end of a turn that a key ends: what was said and is still on its way belongs to it.

When the key is let go, the card and what comes behind it still hold the last moments of speech, and
people let go a little before their last sound has ended.  Where nothing was said in the last tenth
of a second, as it mostly is, the turn is over at once.  Else it goes on until that sound has come,
and then to the first chunk that is quiet, a tenth of a second more at most.

No clock: time is counted in sound.
"""

from voicechat.audio.pcm import bytes_to_ms, level_dbfs

LOOK_MS = 100
"""So long after the last sound nobody is in the middle of a word."""
LONGEST_LAG_MS = 150
LONGEST_MORE_MS = 100
SOFTER_DB = 25.0
"""The end of a word is no softer than that, measured by the loudest of the turn;"""
QUIET_DBFS = -55.0
"""and what is softer than this is none, whatever the rest was like."""


class ReleaseHangover:
    """Feed it every chunk of a turn."""

    def __init__(self) -> None:
        self.begin_turn()

    def begin_turn(self) -> None:
        """The key was pressed."""
        self._loudest = QUIET_DBFS
        self._quiet_ms = LOOK_MS
        self._must_ms = self._may_ms = 0
        self.is_open = False
        """Whether the key was let go, and the turn waits for its end."""

    def let_go(self, lag_ms: float) -> bool:
        """The key was let go; whether the turn goes on for a moment.

        Args:
            lag_ms: How long ago the newest sound that was fed was at the microphone.
        """
        self.is_open = self._quiet_ms < LOOK_MS
        self._must_ms = round(min(max(lag_ms, 0), LONGEST_LAG_MS))
        self._may_ms = self._must_ms + LONGEST_MORE_MS
        return self.is_open

    def hear(self, pcm: bytes, rate: int) -> bool:
        """More of the turn, PCM16 mono; whether the turn is over with it."""
        level, ms = level_dbfs(pcm), bytes_to_ms(len(pcm), rate)
        self._loudest = max(self._loudest, level)
        is_quiet = level <= max(self._loudest - SOFTER_DB, QUIET_DBFS)
        self._quiet_ms = self._quiet_ms + ms if is_quiet else 0
        self._must_ms, self._may_ms = self._must_ms - ms, self._may_ms - ms
        return self.is_open and ((is_quiet and self._must_ms <= 0) or self._may_ms <= 0)
