"""When a session must be changed for a new one: before the provider ends it, in a pause if it can.

Quiet: time is an argument, monotonic seconds.

The handle with which a provider's session can be taken up again on another line.

A session that ends one line after another may be what is wrong: after two of them a new one is
begun, which is told what was said.  Quiet.
"""

MOST_FAILURES = 2


class ResumeHandle:
    """Follows the handle through the lines of one call."""

    def __init__(self) -> None:
        self.value = ""
        """What the next line should ask for; empty: a new session."""
        self._is_used = False
        self._failures = 0

    def keep(self, value: str) -> None:
        """The provider gave one; it stands for the session as it is now."""
        self.value, self._is_used, self._failures = value, False, 0

    def forget(self) -> None:
        """The next session is a new one."""
        self.keep("")

    def used(self) -> None:
        """A line is up, and asks for the session."""
        self._is_used = bool(self.value)

    def failed(self, *, is_gone: bool) -> None:
        """A line broke down.

        Args:
            is_gone: The provider said that it does not know the session any more.
        """
        self._failures += self._is_used
        self._is_used = False
        if is_gone or self._failures >= MOST_FAILURES:
            self.forget()


EARLY_S = 120.0
"""How long before the end a pause is looked for; less for sessions that are short anyway."""
LATEST_S = 5.0
"""How long before the end it is done in any case."""
SHORTEST_PART = 0.25
"""Of the longest session: a new one that is said to end sooner was measured by a clock that is
wrong, here or there.  Believing it would mean one session after another."""


class Renewal:
    """Follows the age of one session."""

    def __init__(self, longest_s: float) -> None:
        """`longest_s`: how long the provider lets a session live."""
        self._longest_s = longest_s
        self._ends_at: float | None = None
        self._early_s = min(EARLY_S, longest_s / 4)

    def begin(self, now: float, left_s: float | None = None) -> None:
        """The session is agreed on; `left_s`: how long the server says that it lasts."""
        shortest_s = self._longest_s * SHORTEST_PART
        is_likely = left_s is not None and shortest_s <= left_s <= self._longest_s
        self._ends_at = now + (left_s if left_s is not None and is_likely else self._longest_s)

    def ending(self, now: float, left_s: float) -> None:
        """The server says that it will end the session."""
        ends_at = now + max(left_s, 0.0)
        self._ends_at = ends_at if self._ends_at is None else min(self._ends_at, ends_at)
        self._early_s = max(self._early_s, left_s)  # From now on any pause will do.

    def is_due(self, now: float, *, is_quiet: bool) -> bool:
        """Whether to change now; `is_quiet`: nothing would be cut."""
        if self._ends_at is None:
            return False
        left_s = self._ends_at - now
        return left_s <= LATEST_S or (is_quiet and left_s <= self._early_s)
