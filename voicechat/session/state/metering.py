"""Metering of one session: the seconds and messages that its provider bills.

The provider's own count wins; between two of its counts, and where it has none, the clock goes on.
"""

from collections.abc import Callable

from voicechat.events import SessionMetered, Usage


class Meter:
    """Runs from the agreement on a session to its end.

    Args:
        is_timed: Whether time is billed.
        items: How many messages were put into the conversation; None: they cost nothing.
    """

    def __init__(self, now: float, items: Callable[[], int] | None, *, is_timed: bool) -> None:
        self.has_extras = False
        """Whether the provider bills something apart."""
        self._items = items
        self._is_timed = is_timed
        self._since = now
        self._active_s = self._standby_s = 0.0
        self._is_paused = False
        self._is_split = False
        """Whether time that the model stands by is told apart."""

    def tell(self, count: SessionMetered, now: float) -> None:
        """The provider's own count of the whole session."""
        self.has_extras |= count.has_extras
        if count.active_s is None:
            return
        self._since = now
        self._active_s, self._standby_s = count.active_s, count.standby_s or 0.0
        self._is_split |= count.standby_s is not None

    def pause(self, now: float, *, is_paused: bool) -> None:
        """The model stands by, or goes on."""
        self._active_s, self._standby_s = self._at(now)
        self._since, self._is_paused, self._is_split = now, is_paused, True

    def read(self, now: float) -> Usage:
        """All of it so far."""
        active_s, standby_s = self._at(now)
        is_split = self._is_timed and self._is_split
        return Usage(
            connected_s=active_s + standby_s if self._is_timed else None,
            active_s=active_s if is_split else None,
            standby_s=standby_s if is_split else None,
            items=self._items() if self._items else None,
        )

    def kinds(self, now: float) -> list[Usage]:
        """The same, each kind by itself: one may have a price, and another none."""
        active_s, standby_s = self._at(now) if self._is_timed else (0.0, 0.0)
        items = self._items() if self._items else 0
        kinds = (Usage(active_s=active_s), Usage(standby_s=standby_s), Usage(items=items))
        return [one for one, much in zip(kinds, (active_s, standby_s, items), strict=True) if much]

    def _at(self, now: float) -> tuple[float, float]:
        """Active and standby seconds."""
        passed = now - self._since
        if self._is_paused:
            return self._active_s, self._standby_s + passed
        return self._active_s + passed, self._standby_s
