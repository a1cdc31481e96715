"""The handle with which a provider's session can be taken up again on another line.

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
