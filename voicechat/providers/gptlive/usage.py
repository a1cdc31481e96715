"""What GPT-Live bills: seconds of the session, active or paused, and its helper's tokens.

The counts are cumulative and replace each other.  Tokens of delegated work are billed apart, at the
helper's price.
Source: `SessionUsage`, `SessionPaused` and `SessionResumed` of the Live API reference.
"""

from voicechat.events import Event, Notice, SessionMetered, SessionPaused, SessionResumed
from voicechat.providers.json_fields import JsonObject, table
from voicechat.text.phrase import phrase

LONGEST_S = 1e7
"""More than that is no count of seconds."""


class LiveUsage:
    """Reads the counts of one session; pauses are told in words once."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._was_told = self._was_helped = self._is_paused = False

    def read(self, message: JsonObject) -> list[Event]:
        """`session.usage.updated`, or the last count in `session.closed`."""
        usage = table(message, "usage")
        seconds, active_s = _seconds(usage, "seconds"), _seconds(usage, "active_seconds")
        paused_s = _seconds(usage, "paused_seconds")
        if active_s is None and seconds is not None:
            active_s = max(0.0, seconds - (paused_s or 0.0))
        return [] if active_s is None else [SessionMetered(active_s, paused_s)]

    def helped(self) -> list[Event]:
        """The helper works: from now on its tokens come on top."""
        was_helped, self._was_helped = self._was_helped, True
        return [] if was_helped else [SessionMetered(has_extras=True)]

    def pause(self) -> list[Event]:
        """Nobody has spoken for long."""
        if self._is_paused:
            return []
        was_told, self._is_paused, self._was_told = self._was_told, True, True
        words = phrase("{title} stands by: it goes on as soon as you speak", title=self._title)
        return [SessionPaused(), *([] if was_told else [Notice("paused", words)])]

    def resume(self) -> list[Event]:
        """Somebody speaks."""
        if not self._is_paused:
            return []
        self._is_paused = False
        return [SessionResumed()]


def _seconds(usage: JsonObject, key: str) -> float | None:
    """A count of seconds; None: there is none that one could believe."""
    value = usage.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= LONGEST_S else None
