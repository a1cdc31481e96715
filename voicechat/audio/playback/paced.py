"""Sound that comes at the pace of speech, silence included: how far to stay behind it.

A model that listens while it speaks sends 100 ms of sound every 100 ms.  The buffer never grows by
itself, and every gap makes all that follows later for good, unless silence is dropped.  So a target
delay is learned: how late does sound come, against the earliest that could be?  The rule: the
delay with the least cost so far is the target; it is reached in pauses only.

When less waits than the target leaves after what is usually late, the next piece is overdue: who
pauses then pauses until it comes, who speaks is slowed down, so that a gap comes later or never.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from voicechat.audio.pcm import ms_to_frames
from voicechat.audio.playback.start_level import GAP_COST, GAP_MS_COST, SLOWER, numbers
from voicechat.audio.playback.tempo import Aim

MARGIN_MS = 30.0
"""So much earlier than it is played sound must be there, for blocks and fades."""
DROP_MS, HOLD_MS = 30.0, 10.0
"""So much behind its target delay silence is left out, so much before it some is added."""
HURRY_MS, FAST = 1000.0, 1.1
"""So much behind it words are played faster: a pause that takes it all back may be far."""
USUAL_SHARE = 0.9
"""What this share of the pieces keeps is how late they usually are."""
LEARN_MS = 2000.0
"""Learns once for so much sound."""
WINDOWS = 15
"""So many of these are remembered, to know the earliest that sound could come."""
EVIDENCE_MS = 8000.0
"""So much sound at an even pace is believed to be paced."""
EVEN_MS = 20.0
"""How much the earliest sound of two seconds may be apart."""
HASTE_MS = 150.0
"""So much ahead of its pace within a second is not paced."""
_DELAYS = np.array(
    [*range(0, 200, 20), *range(200, 400, 25), *range(400, 800, 50), *range(800, 1200, 100)]
    + [1200, 1400, 1600, 1800, 2000],
    dtype=np.float64,
)
_DELAY_COST = 0.2
_FADE = 0.98
_PRIOR = 1.5 * (0.3 * _DELAYS + 300 * np.exp(-_DELAYS / 150))


class PacedDelay:
    """The target delay of a paced source, and how far a reply is from it.  All in milliseconds.

    Args:
        state: Of an earlier one (`export`); anything else than that is ignored.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        costs = numbers((state or {}).get("delay_costs"), _DELAYS.size)
        self._costs = _PRIOR.copy() if costs is None else costs
        self.target_ms = self._best()
        self._usual_ms = float(_DELAYS[-1])
        self._late, self._pieces = np.zeros(_DELAYS.size), 0.0
        self._window_low = float("inf")
        self.begin()

    def begin(self) -> None:
        """A new reply: its clock has nothing to do with the last one's."""
        self._earliest: deque[float] = deque(maxlen=WINDOWS)
        self._open_window(LEARN_MS)

    def note(self, now_ms: float, start_ms: float, end_ms: float, *, has_voice: bool) -> None:
        """The part of a reply from `start_ms` to `end_ms` came at `now_ms`."""
        self._window_low = min(self._window_low, now_ms - end_ms)
        late_ms = now_ms - start_ms - self._reference + MARGIN_MS
        self._late += late_ms > _DELAYS
        self._pieces += 1
        if has_voice:
            self._race(late_ms)
        if end_ms >= self._window_end:
            self._learn()
            self._open_window(end_ms + LEARN_MS)

    def delay_ms(self, plays_at_ms: float, position_ms: float) -> float:
        """How far behind the earliest possible a place of the reply is, if it plays then."""
        return plays_at_ms - self._reference - position_ms

    def aim(self, behind_ms: float, level_ms: float, rate: int) -> Aim:
        """How to play on.

        Args:
            behind_ms: How much later than the target delay sound would be.
            level_ms: How much waits, with what was handed out and is not heard yet.
            rate: Hz.
        """
        if level_ms < self.target_ms - self._usual_ms - MARGIN_MS:
            is_patient = behind_ms < HURRY_MS  # Perhaps nothing more comes.
            return Aim(speed=SLOWER, holds=is_patient, holds_for_ever=True)
        drop = ms_to_frames(behind_ms, rate) if behind_ms > DROP_MS else 0
        speed = FAST if behind_ms > HURRY_MS else 1.0
        return Aim(speed=speed, holds=behind_ms < -HOLD_MS, holds_for_ever=True, drop=drop)

    def export(self) -> dict[str, Any]:
        """What was learned, as plain values."""
        return {"delay_costs": [round(float(cost), 1) for cost in self._costs]}

    @property
    def _reference(self) -> float:
        return min(self._window_low, *self._earliest) if self._earliest else self._window_low

    def _open_window(self, end_ms: float) -> None:
        self._window_end = end_ms
        self._window_low = float("inf")
        self._delays = _DELAYS.copy()
        self._gaps = np.zeros(_DELAYS.size)

    def _race(self, late_ms: float) -> None:
        """Words came so late: what stayed less behind had a gap, and is as late from now on."""
        self._gaps += late_ms > self._delays
        np.maximum(self._delays, late_ms, out=self._delays)

    def _learn(self) -> None:
        self._earliest.append(self._window_low)
        gaps = GAP_COST * self._gaps + GAP_MS_COST * (self._delays - _DELAYS)
        self._costs = _FADE * self._costs + _DELAY_COST * _DELAYS + gaps
        self.target_ms = self._best()
        self._learn_usual()

    def _learn_usual(self) -> None:
        later = np.count_nonzero(self._late > (1 - USUAL_SHARE) * self._pieces)
        self._usual_ms = float(_DELAYS[min(int(later), _DELAYS.size - 1)])
        self._late *= _FADE
        self._pieces *= _FADE

    def _best(self) -> float:
        return float(_DELAYS[int(np.argmin(self._costs))])


class PaceFinder:
    """Finds out whether a source is paced, over replies long and short.

    A window of two seconds is even when the earliest sound of its halves is equally early.
    """

    def __init__(self, *, is_paced: bool = False) -> None:
        self.is_paced = is_paced
        self._evidence_ms = EVIDENCE_MS if is_paced else 0.0
        self.begin()

    def begin(self) -> None:
        """A new reply."""
        self._halves = [float("inf"), float("inf")]
        self._end = 2000.0

    def note(self, now_ms: float, end_ms: float) -> None:
        """Sound of the reply up to `end_ms` came at `now_ms`."""
        half = end_ms > self._end - 1000
        self._halves[half] = min(self._halves[half], now_ms - end_ms)
        if end_ms >= self._end:
            self._judge(self._halves[1] - self._halves[0])
            self._halves = [float("inf"), float("inf")]
            self._end = end_ms + 2000

    def _judge(self, late_ms: float) -> None:
        if late_ms < -HASTE_MS:
            self._evidence_ms = 0.0
            self.is_paced = False
        elif abs(late_ms) <= EVEN_MS:
            self._evidence_ms = min(self._evidence_ms + 2000, 2 * EVIDENCE_MS)
        elif abs(late_ms) < float("inf"):
            self._evidence_ms = max(self._evidence_ms - 1000, 0.0)
        self.is_paced = self.is_paced or self._evidence_ms >= EVIDENCE_MS
