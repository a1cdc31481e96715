"""Whose turn it is on a line, and how long the model takes: a few facts, and the phase they make.

No clock: time is an argument, monotonic seconds.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Turn:
    """The state of one line; a new line begins with `hang_up`."""

    replying: str = ""
    """The reply that is being made; it may be done long before it has been played."""
    latency_ms: int | None = None
    """From the end of the user's last turn to the first sound (or word) of the reply."""
    is_heard: bool = False
    """Whether the model hears the user speak now."""
    _asked_at: float | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether something was asked and nothing has been answered yet."""
        return self._asked_at is not None

    @property
    def is_thinking(self) -> bool:
        return self.is_waiting or bool(self.replying)

    def asked(self, now: float) -> None:
        """The user's turn has ended."""
        self._asked_at, self.is_heard = now, False

    def answered(self, now: float) -> None:
        """The first the user gets of a reply; what follows changes nothing."""
        if self._asked_at is not None:
            self.latency_ms = round((now - self._asked_at) * 1000)
            self._asked_at = None

    def finished(self, reply_id: str, *, failed: bool) -> None:
        """A reply has ended.

        One that failed at once never started; one that nobody wants may end after a new question.
        """
        if failed or reply_id == self.replying:
            self.drop()

    def drop(self) -> None:
        """Nothing is asked any more, and no reply wanted."""
        self.replying, self._asked_at = "", None

    def forget_question(self) -> None:
        """What was asked was nothing after all."""
        self._asked_at = None

    def hang_up(self) -> None:
        """The line is gone."""
        self.is_heard = False
        self.drop()

    def phase(
        self,
        *,
        is_ready: bool,
        has_problem: bool,
        is_playing: bool,
        is_talking: bool,
        is_live: bool,
        is_working: bool = False,
    ) -> str:
        """`connecting`, `offline`, `speaking`, `listening`, `thinking` or `ready`.

        Args:
            is_ready: Whether the session is agreed on.
            is_working: Whether the model waits for a tool of ours.
        """
        if not is_ready:
            return "offline" if has_problem else "connecting"
        if is_playing:
            return "speaking"
        if is_talking:
            return "listening"
        if self.is_thinking or is_working:
            return "thinking"
        return "listening" if is_live else "ready"
