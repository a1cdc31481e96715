"""A buffer of timed sound: the last moments of a stream, bounded in milliseconds.

The rule: only sound is dropped, the oldest first.  What takes no time (a key, a typed message, a
picture) stays, and all of it stays in its order.

Quiet: no clock, no I/O; time is counted in sound.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


def duration_ms(pcm: bytes, rate: int) -> float:
    """How long PCM16 mono at `rate` Hz lasts."""
    return len(pcm) / 2 * 1000 / rate


class TimedAudioBuffer(Generic[Item]):
    """Items in order, each with the length of the sound in it.

    Args:
        limit_ms: How much sound is kept.
    """

    def __init__(self, limit_ms: float) -> None:
        self._limit_ms = limit_ms
        self._entries: deque[tuple[Item, int]] = deque()
        """Each with its microseconds: whole numbers, so that adding and taking away leave none."""
        self._sound_us = 0

    def push(self, item: Item, sound_ms: float = 0.0) -> None:
        """Behind all others; 0 ms: there is no sound in it, and it is never dropped."""
        self._entries.append((item, round(sound_ms * 1000)))
        self._sound_us += self._entries[-1][1]
        self.trim(self._limit_ms)

    def trim(self, limit_ms: float) -> None:
        """Forget the oldest sound until at most so much is left."""
        while self._sound_us > limit_ms * 1000:
            at = next(at for at, (_, length) in enumerate(self._entries) if length)
            self._sound_us -= self._entries[at][1]
            del self._entries[at]

    def pop_last(self) -> Item:
        """Take back the newest item."""
        item, length = self._entries.pop()
        self._sound_us -= length
        return item

    def drain(self) -> list[Item]:
        """Everything, in order; nothing is left."""
        items = list(self)
        self.clear()
        return items

    def clear(self) -> None:
        self._entries.clear()
        self._sound_us = 0

    @property
    def sound_ms(self) -> float:
        """How much sound there is."""
        return self._sound_us / 1000

    @property
    def last(self) -> Item | None:
        """The newest item; None: there is none."""
        return self._entries[-1][0] if self._entries else None

    def __iter__(self) -> Iterator[Item]:
        return (item for item, _ in self._entries)

    def __len__(self) -> int:
        return len(self._entries)
