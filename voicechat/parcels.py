"""A long silence travels in large parcels; whatever is said, and what follows it, goes at once.

In most of a call the user is silent, and fifty messages a second that say so cost more than all
else that is done to the microphone's sound.  The rule: nobody may notice.  Who begins to speak is
heard at once, with the silence before it; and for some seconds after the last sound the service
gets silence as it comes, so that it finds the end of the turn no later.
"""

from voicechat.audio.pcm import level_dbfs, ms_to_bytes
from voicechat.events import Command, SendAudio

PARCEL_MS = 100
"""Of silence, sent at once."""
QUIET_MS = 3000
"""So long after the last sound it may be more than the pause that ends a turn."""
QUIET_DBFS = -45.0
"""What is softer is the room."""


class SilenceBatcher:
    """Takes commands, gives the same, with fewer messages of silence among them.

    Args:
        rate: Hz of the sound.
        is_kept: Everything goes as it comes: for services that take their time from the sound.
    """

    def __init__(self, rate: int, *, is_kept: bool) -> None:
        self._rate, self._is_kept = rate, is_kept
        self._waiting = b""
        self._quiet = 0
        """Bytes since the last sound."""

    def take(self, command: Command) -> list[Command]:
        """What goes now; sound keeps its place among the commands."""
        if self._is_kept:
            return [command]
        if not isinstance(command, SendAudio):
            return [*self._open(), command]
        is_quiet = level_dbfs(command.pcm) < QUIET_DBFS
        self._quiet = self._quiet + len(command.pcm) if is_quiet else 0
        self._waiting += command.pcm
        lasts = self._quiet > ms_to_bytes(QUIET_MS, self._rate)
        holds = lasts and len(self._waiting) < ms_to_bytes(PARCEL_MS, self._rate)
        return [] if holds else self._open()

    def _open(self) -> list[Command]:
        waiting, self._waiting = self._waiting, b""
        return [SendAudio(waiting)] if waiting else []
