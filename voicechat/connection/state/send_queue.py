"""What waits to be sent: messages in order, and how much speech is in them.

A line that is slower than speech must not gather minutes of it: what is too old goes, oldest first.
Only sound ever goes; a message that stops a reply overtakes it.

Quiet: time is an argument, monotonic seconds.

A long silence travels in large parcels; whatever is said, and what follows it, goes at once.

In most of a call the user is silent, and fifty messages a second that say so cost more than all
else that is done to the microphone's sound.  The rule: nobody may notice.  Who begins to speak is
heard at once, with the silence before it; and for some seconds after the last sound the service
gets silence as it comes, so that it finds the end of the turn no later.
"""

from collections import deque
from dataclasses import dataclass

from voicechat.audio.pcm import level_dbfs, ms_to_bytes
from voicechat.events import Command, Notice, SendAudio
from voicechat.providers.base import Outgoing
from voicechat.text.phrase import phrase

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

    def transform(self, command: Command) -> list[Command]:
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


OLDEST_S = 30.0
"""Sound that has waited so long is not sent any more."""
KEPT_S = 2.0
"""Of the sound before an interruption: the words that interrupt are in it."""
SLOW_S = 2.0
"""Of speech waiting: too much."""
CAUGHT_UP_S = 0.5
DOUBT_S = 1.5
"""What was said before the line was up comes all at once: it is slow only if that does not go."""
LASTS_S = 5.0
"""A line that is slow for so long will stay so."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: Outgoing
    at: float


class SendQueue:
    """Messages of one line that the link has not got yet."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self.sound_s = 0.0
        """How much speech waits here."""
        self.dropped_s = 0.0
        """How much was dropped so far."""

    def put(self, message: Outgoing, now: float) -> None:
        """Behind all others; an urgent one before all sound, but behind what waits before that."""
        at = self._first_sound() if message.is_urgent else len(self._waiting)
        self._waiting.insert(at, _Waiting(message, now))
        self.sound_s += message.sound_s

    def _first_sound(self) -> int:
        found = (n for n, one in enumerate(self._waiting) if one.message.sound_s)
        return next(found, len(self._waiting))

    def pop(self, *, is_full: bool) -> str | bytes | None:
        """The next message; None: there is none, or it is sound and the link is full."""
        if not self._waiting or (is_full and self._waiting[0].message.sound_s):
            return None
        one = self._waiting.popleft()
        self._count(one)
        return one.message.text

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def forget_old(self, now: float) -> float:
        """Drop sound that has waited for too long; tells how many seconds of it."""
        return self._drop(now - OLDEST_S)

    def interrupt(self, now: float) -> None:
        """The user turned to something else: sound from before it need not arrive."""
        self._drop(now - KEPT_S)

    def _drop(self, until: float) -> float:
        dropped = [one for one in self._waiting if one.message.sound_s and one.at < until]
        if dropped:
            kept = (one for one in self._waiting if not (one.message.sound_s and one.at < until))
            self._waiting = deque(kept)
        for one in dropped:
            self._count(one)
        lost_s = sum(one.message.sound_s for one in dropped)
        self.dropped_s += lost_s
        return lost_s

    def _count(self, one: _Waiting) -> None:
        self.sound_s = max(0.0, self.sound_s - one.message.sound_s) if self._waiting else 0.0


class SlowLine:
    """Tells when a line is slower than speech: once each time that it begins to be."""

    def __init__(self) -> None:
        self._since: float | None = None
        """When too much began to wait."""
        self._before: deque[tuple[float, float]] = deque()
        """Looks of the last moments: when, and how much waited."""
        self._is_told = self._is_loss_told = False

    def look(self, waiting_s: float, now: float) -> Notice | None:
        """`waiting_s`: how much speech waits now, wherever on this machine."""
        self._before.append((now, waiting_s))
        if waiting_s > SLOW_S and self._since is None:
            self._since = now
        while self._before[0][0] <= now - DOUBT_S and len(self._before) > 1:
            _, then_s = self._before.popleft()
            if waiting_s >= then_s > SLOW_S and not self._is_told:
                return self._tell(waiting_s)
        if waiting_s < CAUGHT_UP_S:
            self._since, self._is_told, self._is_loss_told = None, False, False
        return None

    def lost(self, lost_s: float) -> Notice | None:
        """Speech was dropped: told once while the line stays slow."""
        if not lost_s or self._is_loss_told:
            return None
        self._is_loss_told = True
        words = phrase(
            "Your line is too slow: what you said {seconds:.0f} s ago and earlier is not sent",
            seconds=OLDEST_S,
        )
        return Notice("line_loses", words)

    def lasts(self, now: float) -> bool:
        """Whether it has been slow for so long that it will stay so."""
        since = self._since if self._is_told else None
        return since is not None and now - since >= LASTS_S

    def _tell(self, waiting_s: float) -> Notice:
        self._is_told = True
        words = phrase(
            "Your line is slower than speech: {seconds:.0f} s wait to be sent", seconds=waiting_s
        )
        return Notice("line_slow", words)
