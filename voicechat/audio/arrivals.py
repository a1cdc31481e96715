"""When the sound of a reply arrived: a short log to learn from.

The rule: what comes within 5 ms came together, as it is for a loudspeaker that takes blocks.
"""

from collections.abc import Sequence

TOGETHER_MS = 5.0
LIMIT = 200
"""Entries; what comes later tells nothing about when to start."""


class Arrivals:
    """Times and durations of what arrived of one reply, in milliseconds."""

    def __init__(self) -> None:
        self.times_ms: list[float] = []
        """When each entry came; the first may be any time."""
        self.sizes_ms: list[float] = []
        """How much sound came with it."""
        self.total_ms = 0.0

    def note(self, now_ms: float, size_ms: float) -> None:
        """Sound of `size_ms` came at `now_ms`; times never go back."""
        self.total_ms += size_ms
        if self.times_ms and now_ms - self.times_ms[-1] < TOGETHER_MS:
            self.sizes_ms[-1] += size_ms
        elif len(self.times_ms) < LIMIT:
            self.times_ms.append(now_ms)
            self.sizes_ms.append(size_ms)

    @property
    def count(self) -> int:
        return len(self.times_ms)

    @property
    def is_one_delta(self) -> bool:
        """Whether all there is came at once."""
        return self.count == 1

    def since_first(self) -> Sequence[float]:
        """The times, from 0 at the first."""
        return [time - self.times_ms[0] for time in self.times_ms]
