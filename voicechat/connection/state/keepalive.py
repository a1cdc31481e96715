"""Whether anybody is still there at the other end of a line.

A system notices only that the next machine on the way is gone; behind a proxy that stays alive
nobody acknowledges anything.  So silence is answered by a ping, and a ping by something: whatever
comes counts.  How late it may come differs by provider, and a server that never answered a ping is
not blamed for that.

While somebody speaks, a ping goes behind every few tenths of a second of it.  On a line that is
slow somewhere where we cannot see it, the answers come late, but they come one after the other; and
they tell how much of what was said has arrived.

Quiet: time is an argument, monotonic seconds.
"""

from dataclasses import dataclass
from typing import Literal

LOOK_S = 0.5
"""How often to look."""
IN_USE_S = 30.0
"""For so long after the user's last word a loss must be told soon."""
ASK_S, ASK_IDLE_S = 2.5, 12.0
"""How long it may be silent before we ask, in use and otherwise."""
ANSWER_IDLE_S = 15.0
"""How late an answer may be while nobody waits for anything; in use: what the provider needs."""
NO_PONG_S = 75.0
"""Of silence, where pings are not answered at all."""
MUCH = 8 * 1024
"""Bytes that a ping can be behind without being late for it."""
STEP = 24 * 1024
"""Bytes of speech for each of which there is a ping: less than half a second of it."""
HEAVY = 64 * 1024
"""Bytes of one message, a picture's, behind which pings are late;"""
HEAVY_BYTES_PER_S = 16 * 1024
"""at this pace it may creep."""
PROMPT_S = 10.0
"""Whose pongs may be later than this, of that they tell nothing about the line."""
STALL_S = 2.0
"""Without a look: it was us who were away, not the line."""
SLEPT_S = 5.0
"""By which the calendar may run ahead of our clock, which stands still while a computer sleeps."""

Verdict = Literal["ask", "dead"]


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a link knows."""

    heard_at: float
    """When anything came last."""
    answered: int
    """The number of the last ping that was answered; 0: none ever was."""
    waiting: int
    """Bytes that the next machine on the way has not acknowledged."""
    bytes_sent: int
    """So far."""


@dataclass(slots=True)
class _Question:
    """A ping that is not answered."""

    at: float
    """When it left; while it waits behind other bytes: when the last of those left."""
    ahead: int
    """Bytes in front of it when it was sent."""
    bytes_sent: int
    left: int = 0
    """How many of those have gone."""


class Heartbeat:
    """Follows one link from the moment it is up.

    Args:
        pong_s: How late the provider's answer to a ping may be.
        unix: The time of the calendar, in seconds.
    """

    def __init__(self, pong_s: float, now: float, unix: float) -> None:
        self._pong_s = pong_s
        self._looked_at, self._ahead_of_us = now, unix - now
        self._used_at = now
        self._fresh_at = now
        self._question: _Question | None = None
        self._heavy_until = now
        """Until when a heavy message may be on its way, and everything behind it with it."""
        self._pings = 0
        self._sent_before: dict[int, int] = {}
        """By the number of a ping: how many bytes were sent before it."""

    def used(self, now: float) -> None:
        """The user said or asked something."""
        self._used_at = now

    def look(self, pulse: Pulse, now: float, unix: float) -> Verdict | None:
        """What to do now: send a ping, give the line up, or nothing."""
        for number in [number for number in self._sent_before if number < pulse.answered]:
            del self._sent_before[number]
        if self._was_away(now, unix) or not self._pings:
            self._fresh_at = now
            return self._ask(pulse, now)
        if self._question is not None and pulse.heard_at >= self._question.at:
            self._question = None
        if self._question is None:
            is_silent = self.silent_s(pulse, now) >= self._ask_s(now)
            return self._ask(pulse, now) if is_silent else None
        self._follow(self._question, pulse, now)
        return "dead" if self._is_dead(self._question, pulse, now) else None

    def sent(self, size: int, bytes_sent: int, now: float) -> bool:
        """A message of so many bytes has gone; whether a ping shall go behind it.

        Of that ping nothing depends; it tells how far what went before it came.
        """
        if size >= HEAVY:
            self._heavy_until = max(now, self._heavy_until) + size / HEAVY_BYTES_PER_S
        is_due = bytes_sent - self._sent_before.get(self._pings, bytes_sent) >= STEP
        if is_due and self._pong_s <= PROMPT_S:
            self._ping(bytes_sent)
            return True
        return False

    def unacknowledged(self, pulse: Pulse) -> int:
        """Bytes of which the other end has not shown yet that they arrived; 0: it never tells."""
        if not pulse.answered or self._pong_s > PROMPT_S:
            return 0
        return pulse.bytes_sent - self._sent_before.get(pulse.answered, pulse.bytes_sent)

    def _is_dead(self, question: _Question, pulse: Pulse, now: float) -> bool:
        if not pulse.answered:
            return self.silent_s(pulse, now) >= NO_PONG_S
        return now - max(question.at, self._heavy_until) >= self._answer_s(now)

    def silent_s(self, pulse: Pulse, now: float) -> float:
        """For how long nothing has come, our own absence not counted."""
        return now - max(pulse.heard_at, self._fresh_at)

    def _was_away(self, now: float, unix: float) -> bool:
        """Whether this process, or the computer, stood still since the last look."""
        stood_s, slept_s = now - self._looked_at, unix - now - self._ahead_of_us
        self._looked_at, self._ahead_of_us = now, unix - now
        return stood_s > STALL_S or slept_s > SLEPT_S

    def _ask(self, pulse: Pulse, now: float) -> Verdict:
        ahead = pulse.waiting if pulse.waiting > MUCH else 0
        self._question = _Question(now, ahead, pulse.bytes_sent)
        self._ping(pulse.bytes_sent)
        return "ask"

    def _ping(self, bytes_sent: int) -> None:
        self._pings += 1
        self._sent_before[self._pings] = bytes_sent

    def _follow(self, question: _Question, pulse: Pulse, now: float) -> None:
        """A ping behind much sound is not late before it has left: the line is slow, not dead."""
        left = pulse.bytes_sent - question.bytes_sent + question.ahead - pulse.waiting
        if question.left < question.ahead and left > question.left:
            question.left, question.at = left, now

    def _is_in_use(self, now: float) -> bool:
        return now - self._used_at < IN_USE_S

    def _ask_s(self, now: float) -> float:
        return ASK_S if self._is_in_use(now) else ASK_IDLE_S

    def _answer_s(self, now: float) -> float:
        return self._pong_s if self._is_in_use(now) else max(self._pong_s, ANSWER_IDLE_S)
