"""Whether sound runs out again and again: the network, or the service, is slower than speech.

No clock: time is an argument, monotonic seconds.
"""

from collections import deque

WINDOW_S = 30.0
MANY = 2
"""One gap may happen to any network."""


class SlowLink:
    """Follows the count of underruns, which begins anew with each line."""

    def __init__(self) -> None:
        self._count = 0
        self._times: deque[float] = deque(maxlen=MANY)

    def note(self, underruns: int, now: float) -> None:
        """So many there were until now."""
        new, self._count = underruns - self._count, underruns
        self._times.extend([now] * min(max(new, 0), MANY))

    def is_slow(self, now: float) -> bool:
        """Whether it happened twice within the last half a minute."""
        return len(self._times) == MANY and now - self._times[0] < WINDOW_S

    def forget(self) -> None:
        """Another line: nothing is known of it."""
        self._count = 0
        self._times.clear()
