"""When to dial again after a line has ended, and when to stop and leave it to the user.

Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): each wait is a random part of a span
that doubles, so that many clients of a service that comes back do not come back together.  The span
begins anew only after a line has been good for a while: a service that accepts us and hangs up at
once must not be asked for ever.

Quiet: time is an argument, monotonic seconds; chance comes from outside.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from voicechat.connection.state.outcome import Disconnect

FIRST_SPAN_S = 0.5
LONGEST_SPAN_S = 30.0
GOOD_S = 10.0
"""A line that lived this long was good: whatever failed before is forgotten."""
SHORT_S = 5.0
MOST_SHORT = 3
"""So many lines in a row that lived for less than `SHORT_S`: the service does not want us."""
MOST_A_MINUTE = 12
"""Lines dialled, whoever wanted them; only the user is never made to wait."""
PATIENCE_S = 600.0
"""Without a good line for so long it is the user's turn."""


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """For how many seconds without a good line it is tried again; 0: it is not."""

    lost_s: float = PATIENCE_S
    """After a line that was good."""
    first_s: float = PATIENCE_S
    """Before there was any."""


ANY_BUDGET = RetryBudget()


class Retries:
    """Follows the lines of one call.

    Args:
        chance: A number from 0 to 1, another one each time.
    """

    def __init__(self, chance: Callable[[], float], budget: RetryBudget = ANY_BUDGET) -> None:
        self._chance, self._budget = chance, budget
        self._was_ready = False
        self._failures = self._limited = self._short = 0
        self._since: float | None = None
        """When the first failure after the last good line was."""
        self._ready_at: float | None = None
        self._dialled: deque[float] = deque(maxlen=MOST_A_MINUTE)

    def ready(self, now: float) -> None:
        """A line is agreed on."""
        self._ready_at = now
        self._was_ready = True

    def asked(self, now: float) -> None:
        """Somebody wants another line now, for a good reason: everything begins anew."""
        self._forget()
        self._dialled.append(now)

    def has_room(self, now: float) -> bool:
        """Whether one more line may be dialled now without the user's wish."""
        return self._room(now) == 0.0

    def ended(self, ending: Disconnect, now: float) -> float | None:
        """A line has ended: seconds to wait before the next is dialled; None: leave it.

        The answer counts as dialled then.
        """
        self._count_life(now)
        self._failures += 1
        self._limited += ending.tries is not None
        self._since = now if self._since is None else self._since
        if ending.act in ("fatal", "ended") or self._is_enough(ending, now):
            return None
        if not self._dialled:
            self._dialled.append(now)  # The line that ended was dialled too.
        wait_s = max(self._wait(ending, now), self._room(now))
        self._dialled.append(now + wait_s)
        return wait_s

    def _forget(self) -> None:
        self._failures = self._limited = self._short = 0
        self._since = self._ready_at = None

    def _count_life(self, now: float) -> None:
        lived_s = now - self._ready_at if self._ready_at is not None else None
        self._ready_at = None
        if lived_s is None:
            return
        if lived_s >= GOOD_S:
            self._forget()
        self._short = self._short + 1 if lived_s < SHORT_S else 0

    def _is_enough(self, ending: Disconnect, now: float) -> bool:
        """Whether to stop.  Ends that may be tried as often as one likes do not use up tries."""
        asked_enough = ending.tries is not None and self._limited > ending.tries
        has_budget = self._left_s(now) >= 0.0 if self._budget_s else ending.act == "renew"
        return asked_enough or self._short >= MOST_SHORT or not has_budget

    @property
    def _budget_s(self) -> float:
        return self._budget.lost_s if self._was_ready else self._budget.first_s

    def _left_s(self, now: float) -> float:
        """Of the budget, which begins with the first failure."""
        return self._budget_s - (now - self._since if self._since is not None else 0.0)

    def _wait(self, ending: Disconnect, now: float) -> float:
        if ending.at_least_s == 0.0 and self._failures == 1:
            return 0.0
        span_s: float = min(FIRST_SPAN_S * 2 ** min(self._failures - 1, 10), LONGEST_SPAN_S)
        pause_s = min(self._chance() * span_s, max(self._left_s(now), 0.0))
        return max(pause_s, ending.at_least_s or 0.0)

    def _room(self, now: float) -> float:
        """How long until one more try is allowed this minute."""
        if len(self._dialled) < MOST_A_MINUTE:
            return 0.0
        return max(0.0, self._dialled[0] + 60.0 - now)
