"""What other clients do: a prebuffer of a fixed size, reckoned by events; and what a reply costs.

They play through the same loudspeaker, which takes 10 ms at a time: what comes in between waits.
"""

import math
from dataclasses import dataclass, field

from tests.bench._playout_links import FRAME_MS, Reply

GAP, GAP_MS, ADDED_MS = 200.0, 2.0, 0.5


@dataclass
class Score:
    """What a listener had of some replies."""

    delays: list[float] = field(default_factory=list)
    """Milliseconds: to the first sound; of paced sound, how late it was in the mean."""
    gaps: int = 0
    gap_ms: float = 0.0
    added_ms: float = 0.0
    """By slow play, held pauses, and silence where there was a pause anyway."""
    length_ms: float = 0.0
    weight: float = 0.0
    """What a gap is divided by: replies, or 10 s of paced words."""

    def add(self, other: "Score") -> None:
        self.delays += other.delays
        self.gaps += other.gaps
        self.gap_ms += other.gap_ms
        self.added_ms += other.added_ms
        self.length_ms += other.length_ms
        self.weight += other.weight

    @property
    def delay(self) -> float:
        return sum(self.delays) / len(self.delays)

    @property
    def cost(self) -> float:
        """J: milliseconds of waiting that would be as bad."""
        bad = GAP * self.gaps + GAP_MS * self.gap_ms + ADDED_MS * self.added_ms
        return self.delay + bad / self.weight

    def per_minute(self, value: float) -> float:
        return value * 60_000 / self.length_ms


def silence(score: Score, reply: Reply, position_ms: float, lasting: float) -> None:
    """Nothing was heard for a while before a place of the reply."""
    if reply.is_word(position_ms):
        score.gaps += 1
        score.gap_ms += lasting
    else:
        score.added_ms += lasting


def _taken(time: float) -> float:
    """When the loudspeaker takes its next 10 ms."""
    return math.ceil(time / FRAME_MS) * FRAME_MS


def play_fixed(reply: Reply, start_ms: float, resume_ms: float, growth: float = 1.0) -> Score:
    """Start when `start_ms` wait or all is there; after a gap wait for `resume_ms`, growing."""
    times, sizes = [_taken(time) for time in reply.times_ms], reply.sizes_ms
    score = Score(length_ms=reply.length_ms, weight=1)
    buffered, done, needed, dry_at, is_playing = 0.0, 0.0, start_ms, None, False
    before = times[0]
    for n, (time, size) in enumerate(zip(times, sizes, strict=True)):
        if is_playing:
            used = min(time - before, buffered)
            buffered, done = buffered - used, done + used
            if used < time - before:
                is_playing, dry_at, needed = False, before + used, resume_ms
                resume_ms = min(resume_ms * growth, 2000)
        buffered, before = buffered + size, time
        if not is_playing and (buffered >= needed or n == len(times) - 1):
            is_playing = True
            if dry_at is None:
                score.delays.append(time - reply.times_ms[0])
            else:
                silence(score, reply, done, time - dry_at)
    return score


def play_fixed_paced(reply: Reply, start_ms: float) -> Score:
    """Every gap makes all that follows later."""
    per_chunk = round(reply.sizes_ms[0]) // FRAME_MS
    score, late, words, first = Score(length_ms=reply.length_ms), 0.0, 0, reply.times_ms[0]
    now, was_gap = _taken(first + start_ms), False
    for frame, is_word in enumerate(reply.voice):
        wait = max(_taken(reply.times_ms[frame // per_chunk]) - now, 0.0)
        if is_word:
            score.gaps += wait > 0 and not was_gap
            score.gap_ms += wait
            late, words = late + now + wait - first - frame * FRAME_MS, words + 1
        was_gap = wait > 0
        now += wait + FRAME_MS
    score.delays, score.weight = [late / words], words * FRAME_MS / 10_000
    return score
