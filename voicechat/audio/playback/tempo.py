"""How fast a reply is played, decided block by block: as it is, slower, faster, or a pause bent.

The rule: words are bent by whole periods of the voice only, and only where these are alike; pauses
may be held or shortened, since nobody hears how long they were meant to be.

Where a voice pauses: what is so much softer than its words that nobody misses or minds it.

The rule: loudness is judged against the voice's own, so that a soft voice has words and a hissing
one has pauses; below what a room hums it is always a pause.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import FULL_SCALE, HOUSE_RATE, ms_to_frames, to_samples
from voicechat.audio.playback.backlog import Block, WaitingItem
from voicechat.audio.playback.stretch import find_period, longest, window

STEP_MS = 10
"""Loudness is judged over so much at a time."""
HUM_DBFS = -55.0
BELOW_VOICE_DB = 40.0
"""So much softer than the voice is a pause."""
_FORGET = 0.997
"""Of the voice's loudness, per step: it halves in 2 s."""

_HUM = FULL_SCALE**2 * 10 ** (HUM_DBFS / 10)
_SHARE = 10 ** (-BELOW_VOICE_DB / 10)


class PauseFinder:
    """Follows how loud a voice is."""

    def __init__(self, rate: int = HOUSE_RATE) -> None:
        self._step = max(ms_to_frames(STEP_MS, rate), 1)
        self._voice = 0.0

    def hear(self, pcm: bytes) -> bool:
        """Note the next sound of the voice; return whether it is all pause."""
        power = float(self._powers(pcm).max(initial=0.0))
        self._voice = max(power, self._voice * _FORGET)
        return power < self._limit

    def is_pause(self, pcm: bytes) -> bool:
        """Whether a sound is all pause, without noting it."""
        return float(self._powers(pcm).max(initial=0.0)) < self._limit

    def leading(self, pcm: bytes) -> int:
        """Frames at the beginning of a sound that are a pause, in whole steps."""
        loud = np.flatnonzero(self._powers(pcm, whole=True) >= self._limit)
        steps = int(loud[0]) if loud.size else len(pcm) // 2 // self._step
        return steps * self._step

    @property
    def _limit(self) -> float:
        return max(_HUM, self._voice * _SHARE)

    def _powers(self, pcm: bytes, *, whole: bool = False) -> npt.NDArray[Any]:
        """Mean squares of the steps of a sound; what is left over counts as a step of its own."""
        samples = to_samples(pcm).astype(np.float32)
        steps = samples.size // self._step
        body = samples[: steps * self._step].reshape(steps, self._step)
        powers: npt.NDArray[Any] = np.einsum("ij,ij->i", body, body) / self._step
        rest = samples[steps * self._step :]
        if whole or not rest.size:
            return powers
        return np.append(powers, np.dot(rest, rest) / rest.size)


HOLD_MS = 10
"""A pause is held by so much at a time."""
HOLD_LIMIT_MS = 160
"""No pause is held by more."""
PAUSE_BEGINS_MS = 40
"""So much of a pause is left as it is, before and behind what is dropped."""
LOOK_MS = 400
"""So far ahead the end of a pause is looked for."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is wanted of the next block."""

    speed: float = 1.0
    """How fast words are wanted."""
    holds: bool = False
    """Make a pause longer."""
    holds_for_ever: bool = False
    """However long the pause has been held."""
    drop: int = 0
    """Frames of a pause that may be left out."""


class Tempo:
    """Bends one reply; remembers what it owes."""

    def __init__(self, rate: int = HOUSE_RATE) -> None:
        self.in_pause = False
        """Whether what was handed out last was a pause."""
        self._rate = rate
        self._pauses = PauseFinder(rate)
        self._hold = ms_to_frames(HOLD_MS, rate)
        self._edge = ms_to_frames(PAUSE_BEGINS_MS, rate)
        self._owed = 0.0
        self._held = 0
        self._paused = 0

    def next(self, item: WaitingItem, frames: int, fade: int, aim: Aim) -> Block:
        """The next block of an item: bent as is wanted, where that is possible, else as it is."""
        if item.can_bend(fade) and (block := self._bend(item, fade, aim)):
            return block
        block = item.pop(frames, fade)
        self._note(item.last(block.content_frames), block.content_frames, aim)
        return block

    def _is_pause(self, item: WaitingItem) -> bool:
        """Whether an item goes on with a pause."""
        ahead = item.peek(self._hold)
        return bool(ahead) and self._pauses.is_pause(ahead)

    def _note(self, raw: bytes, frames: int, aim: Aim) -> None:
        self.in_pause = self._pauses.hear(raw)
        self._paused = self._paused + frames if self.in_pause else 0
        self._held = self._held if self.in_pause else 0
        self._owed = min(self._owed + frames * abs(1 / aim.speed - 1), float(longest(self._rate)))

    def _bend(self, item: WaitingItem, fade: int, aim: Aim) -> Block | None:
        if aim.holds and self.in_pause and (block := self._prolong(item, aim)):
            return block
        if aim.drop and self._paused >= self._edge and (block := self._shorten(item, fade, aim)):
            return block
        if self._owed <= 0 or aim.speed == 1.0:
            return None
        return self._by_period(item, fade, is_slow=aim.speed < 1.0)

    def _prolong(self, item: WaitingItem, aim: Aim) -> Block | None:
        limit = ms_to_frames(HOLD_LIMIT_MS, self._rate)
        is_over = self._held >= limit and not aim.holds_for_ever
        if is_over or not item.has(self._hold, self._hold) or not self._is_pause(item):
            return None
        self._held += self._hold
        return item.repeat(self._hold)

    def _shorten(self, item: WaitingItem, fade: int, aim: Aim) -> Block | None:
        ahead = item.peek(min(ms_to_frames(LOOK_MS, self._rate), item.level - fade))
        spare = self._pauses.leading(ahead) - self._edge - self._hold
        drop = min(spare, aim.drop)
        if drop < self._hold:
            return None
        return item.skip(drop, self._hold)

    def _by_period(self, item: WaitingItem, fade: int, *, is_slow: bool) -> Block | None:
        before, after = longest(self._rate), window(self._rate)
        if not item.has(before, before * 2 + fade):
            return None
        lag = find_period(item.last(before), item.peek(after), self._rate)
        if not lag:
            return None
        self._owed -= lag
        return item.repeat(lag) if is_slow else item.skip(lag, lag)
