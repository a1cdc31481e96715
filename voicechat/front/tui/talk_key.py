"""What the talk key means: held it talks until it is let go, tapped it talks until the next tap.

The rule: a release is believed when it comes and never waited for, so that one key works in every
terminal; what the terminal says of itself only chooses the words on the screen.  No clock: time is
an argument, seconds, as the event was read; a release may be told before the press it belongs to,
which takes a longer way through the screen.
"""

from dataclasses import dataclass
from math import inf

TAP_S = 0.25
"""Let go before, the press was a tap, and the turn stays open."""
REPEAT_S = 0.08
"""Presses that follow each other so quickly come from a key held in a terminal that cannot say
so; keyboards repeat every 25 to 50 ms."""
LOST_S = 60.0
"""A key without a sign of life for so long is not taken for held."""


@dataclass(slots=True)
class TalkKey:
    """One key; ask it at every press and release."""

    tells_release: bool = False
    """Whether the terminal says when a key is let go, as far as we know."""
    _began: float | None = None
    """When the press came that opened the turn; None: the key is up, or was tapped."""
    _last_sign: float = -inf
    _last_press: float = -inf
    _last_release: float = -inf

    @property
    def is_down(self) -> bool:
        """Whether a turn was opened by a press whose release has not come."""
        return self._began is not None

    def is_held(self, now: float) -> bool:
        """Whether letting go will send, as far as anybody can tell."""
        return self.is_down and self.tells_release and now - self._last_sign < LOST_S

    def press(self, now: float) -> bool:
        """Whether the press counts; what only repeats the one before does not."""
        before, self._last_press, self._last_sign = self._last_press, now, now
        if self.is_down:  # It was let go, and nobody told us.
            self.tells_release, self._began = False, None
            return True
        return now - before >= REPEAT_S or before <= self._last_release

    def begin(self, now: float) -> None:
        """The press opened a turn; let go already, it was a tap."""
        self._began = now if self._last_release < now else None

    def repeat(self, now: float) -> None:
        """The terminal says that the key is still down."""
        self._last_sign = now

    def release(self, now: float) -> bool:
        """The key was let go; whether that ends the turn."""
        began, self._began, self._last_release = self._began, None, now
        return began is not None and now - began >= TAP_S

    def lose(self) -> bool:
        """The key can be seen no more; whether that ends the turn."""
        was_down, self._began = self.is_down and self.tells_release, None
        return was_down
