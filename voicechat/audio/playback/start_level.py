"""How much of a reply must wait before it starts, learned from how earlier replies arrived.

When sound arrives does not depend on when it is played.  So once a reply is there, it can be
reckoned exactly what every rule would have cost the listener: waiting, gaps, slow play.  The rule:
the rule with the least cost so far is taken; older replies count less, and what was known before
the first reply counts like five, some of it for ever.  (Follow the leader with full information.)

When the sound of a reply arrived: a short log to learn from.

The rule: what comes within 5 ms came together, as it is for a loudspeaker that takes blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

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


SLOW, SLOW_BELOW_MS = 0.85, 400.0
"""Speed while little is buffered,"""
SLOWER, SLOWER_BELOW_MS = 0.7, 200.0
"""and while a gap is near."""
GROWTH = 1.6
"""After each gap of a reply so many times as much must wait."""
RESUME_MS = (80.0, 250.0)
"""How much must wait after the first gap, at least and at most."""
LIMIT_MS = 2000.0
LATE_MS = 15.0
"""Sound that comes so shortly before the buffer is empty comes too late to prevent a fade."""

GAP_COST = 200.0
GAP_MS_COST = 2.0
SLOW_MS_COST = 0.5
"""What a gap, each of its milliseconds and each millisecond of slow play count, in milliseconds of
waiting for the first sound."""
WORST = 2500.0

_FADE = 0.93
_PRIOR_WEIGHT = 5.0
_PRIOR_STAYS = 0.3

_LEVELS = (0, 40, 60, 80, 100, 120, 150, 180, 210, 250, 300, 350, 400, 500, 600, 750, 900, 1100)
_LONG_LEVELS = (1400, 1800, 2300)
_PLENTY = 600
"""So much in the first delta is always enough."""
_PAIRS = [(b, b) for b in (*_LEVELS, *_LONG_LEVELS)] + [
    (first, level)
    for first in (60, 100, 150, 200, _PLENTY)
    for level in (100, 150, 210, 300, 400, 600)
    if first != level
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StartRule:
    """When a reply starts to play, unless it is complete before."""

    first_ms: float
    """Start at once when what comes first is so much,"""
    level_ms: float
    """else when so much waits."""

    def needed_ms(self, is_one_delta: bool) -> float:
        """How much must wait to start."""
        return self.first_ms if is_one_delta else self.level_ms


RULES = tuple(StartRule(float(first), float(level)) for first, level in _PAIRS)
_FIRST = np.array([rule.first_ms for rule in RULES])
_LEVEL = np.array([rule.level_ms for rule in RULES])


def speed(buffered_ms: float) -> float:
    """How fast to play with so much buffered, while more is to come."""
    if buffered_ms >= SLOW_BELOW_MS:
        return 1.0
    return SLOW if buffered_ms >= SLOWER_BELOW_MS else SLOWER


def resume_ms(level_ms: float, gaps: int) -> float:
    """How much must wait to go on after a gap, `gaps` being those before it in the reply."""
    return float(_resume(np.float64(level_ms), np.float64(gaps)))


def _resume(level_ms: Any, gaps: Any) -> Any:
    low, high = RESUME_MS
    return np.minimum(np.clip(level_ms, low, high) * GROWTH**gaps, LIMIT_MS)


class StartLearner:
    """Knows what each rule would have cost, and so which to take next.

    Args:
        prior_ms: What is best as long as nothing is known.
        state: Of an earlier learner (`export`); anything else than that is ignored.
    """

    def __init__(self, prior_ms: float, state: Mapping[str, Any] | None = None) -> None:
        self._prior = _PRIOR_WEIGHT * _prior(prior_ms)
        self._costs = self._prior.copy()
        self._restore(state or {})

    @property
    def rule(self) -> StartRule:
        """The best rule as far as is known."""
        return RULES[int(np.argmin(self._costs))]

    def learn(self, arrivals: Arrivals) -> None:
        """A reply is there, or was interrupted: what would every rule have cost?"""
        stays = self._prior * _PRIOR_STAYS
        costs = np.minimum(replay(arrivals), WORST)
        self._costs = (self._costs - stays) * _FADE + stays + costs

    def export(self) -> dict[str, Any]:
        """What was learned, as plain values."""
        return {"start_costs": [round(float(cost), 1) for cost in self._costs]}

    def _restore(self, state: Mapping[str, Any]) -> None:
        costs = numbers(state.get("start_costs"), len(RULES))
        if costs is not None:
            self._costs = costs


def numbers(value: Any, count: int) -> Floats | None:
    """A stored list of so many finite, sane numbers; None for anything else."""
    if not isinstance(value, list) or len(value) != count:
        return None
    if not all(isinstance(each, int | float) and 0 <= each < 1e9 for each in value):
        return None
    return np.array(value, dtype=np.float64)


def replay(arrivals: Arrivals) -> Floats:
    """What each of `RULES` would have cost with a reply that arrived like this (ms of waiting)."""
    race = _Race()
    before, count = 0.0, arrivals.count
    for n, (time, size) in enumerate(zip(arrivals.since_first(), arrivals.sizes_ms, strict=True)):
        race.play(before, time - before)
        race.arrive(time, size, is_first=n == 0, is_last=n == count - 1)
        before = time
    return race.costs


class _Race:
    """All rules side by side, each with its own buffer; arrays over `RULES`, in milliseconds."""

    def __init__(self) -> None:
        zeros = np.zeros(len(RULES))
        self._buffered, self._slowed, self._waited = zeros.copy(), zeros.copy(), zeros.copy()
        self._gaps, self._gap_ms, self._dry_at = zeros.copy(), zeros.copy(), zeros.copy()
        self._plays, self._begun = zeros > 0, zeros > 0

    @property
    def costs(self) -> Floats:
        gaps: Floats = GAP_COST * self._gaps + GAP_MS_COST * self._gap_ms
        return gaps + self._waited + SLOW_MS_COST * self._slowed

    def play(self, now: float, lasting: float) -> None:
        """Let time pass in which nothing comes."""
        fast = np.maximum(self._buffered - SLOW_BELOW_MS, 0.0)
        slow = np.clip(self._buffered - SLOWER_BELOW_MS, 0.0, SLOW_BELOW_MS - SLOWER_BELOW_MS)
        until_slower = fast + slow / SLOW
        low = np.minimum(self._buffered, SLOWER_BELOW_MS)
        fast_for = np.minimum(fast, lasting)
        slow_for = np.minimum(slow / SLOW, lasting - fast_for)
        used = fast_for + slow_for * SLOW + (lasting - fast_for - slow_for) * SLOWER
        is_dry = self._plays & (used > self._buffered - LATE_MS)
        lasts = np.where(is_dry, np.minimum(until_slower + low / SLOWER, lasting), lasting)
        used = np.where(is_dry, self._buffered, used)
        self._slowed += np.where(self._plays, lasts - used, 0.0)
        self._buffered -= np.where(self._plays, used, 0.0)
        self._dry_at = np.where(is_dry, now + lasts, self._dry_at)
        self._plays &= ~is_dry

    def arrive(self, now: float, size: float, *, is_first: bool, is_last: bool) -> None:
        """Sound comes: who was waiting for it?"""
        self._buffered += size
        start = _FIRST if is_first else _LEVEL
        needed = np.where(self._begun, _resume(_LEVEL, self._gaps), start)
        goes = ~self._plays & ((self._buffered >= needed) | is_last)
        again = goes & self._begun
        self._waited = np.where(goes & ~self._begun, now, self._waited)
        self._gap_ms += np.where(again, now - self._dry_at, 0.0)
        self._gaps += again
        self._plays |= goes
        self._begun |= goes


def _prior(best_ms: float) -> Floats:
    """What the rules cost before anything is known: flat near the best level, dear far from it.

    Shaped like the mean over many simulated links; the best level is the caller's choice.
    """
    scale = max(best_ms, 20.0) / 1.2
    rise = 0.5 * scale * np.exp(best_ms / scale)

    def cost(level: Floats) -> Floats:
        costs: Floats = np.minimum(200 + 0.5 * level + rise * np.exp(-level / scale), WORST)
        return costs

    own = cost(_LEVEL)
    mixed = (cost(np.minimum(_FIRST, WORST)) + own) / 2
    return np.where(_FIRST == _LEVEL, own, np.where(_FIRST < _LEVEL, mixed, own) + 4)
