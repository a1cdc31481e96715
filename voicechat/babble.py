"""Whether whoever answers speaks a protocol of ours at all.

One message that cannot be read is noise; only when nothing else comes is it another protocol.
Quiet: time is an argument, monotonic seconds.
"""

from collections import deque

from voicechat.errors import RefusedError
from voicechat.events import Event, Notice, Unknown
from voicechat.text.phrase import phrase

MOST = 20
"""So many messages in a row that are no JSON objects."""
WITHIN_S = 60.0
"""Slower ones (a sign of life in plain text, while nobody speaks) are only noise."""
_UNREADABLE = frozenset({"not JSON", "not an object"})


class ProtocolCheck:
    """Listens to one line."""

    def __init__(self) -> None:
        self._heard: deque[float] = deque(maxlen=MOST)

    def take(self, event: Event, now: float) -> RefusedError | None:
        """The error that ends the line, or None: it goes on.  Notices are our own words."""
        match event:
            case Notice():
                return None
            case Unknown(kind) if kind in _UNREADABLE:
                self._heard.append(now)
            case _:
                self._heard.clear()
        if len(self._heard) < MOST or now - self._heard[0] > WITHIN_S:
            return None
        text = phrase(
            "The server speaks another protocol: {count} messages in a row were no JSON", count=MOST
        )
        return RefusedError(text, phrase("Check the address, and which kind of provider it is"))
