"""When to play what arrived, and how fast: an adaptive playout buffer.

The socket is reliable and ordered, so nothing is lost or reordered here; but sound comes in bursts,
now faster and now slower than it is played.  Two verbs, as in WebRTC's NetEq: `insert` from the
network, `get` for the loudspeaker.  No clock: time is counted in frames the loudspeaker took.

The rules:

* A reply starts when as much waits as has cost least with the replies so far (`target`), or when
  it is known to be complete, or when nothing more of it came for a second.
* While less than 400 ms are buffered and more is to come, it is played at 0.85 of its speed, below
  200 ms at 0.7; its natural pauses are held while less than 250 ms are (`tempo`).
* The last 10 ms are not handed out until it is known what follows, so that there is something to
  fade when nothing does.  Every stretch of sound begins and ends with a fade of 10 ms.
* When sound runs out inside a reply, the next start waits for more, and more each time.  It counts
  as an underrun only when more of the reply comes, and when it was in the middle of words.
* Sound at the pace of speech is kept a learned delay behind it, by dropping or holding silence,
  and stretched when more is overdue (`paced`): whether it is, is found out where nobody says so.
* A reply that was abandoned is never heard again, however late its sound comes.

Source: WebRTC NetEq (g3doc); Moon, Kurose, Towsley, "Packet audio playout delay adjustment", 1998.

Whether sound runs out again and again: the network, or the service, is slower than speech.

No clock: time is an argument, monotonic seconds.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voicechat.audio.pcm import HOUSE_RATE, frames_to_ms, ms_to_frames
from voicechat.audio.playback.backlog import Block, State, WaitingReply
from voicechat.audio.playback.paced import PacedDelay, PaceFinder
from voicechat.audio.playback.start_level import Arrivals, StartLearner, StartRule, resume_ms, speed
from voicechat.audio.playback.tempo import Aim, PauseFinder, Tempo

WINDOW_S = 30.0
MANY = 2
"""One gap may happen to any network."""


class SlowLink:
    """Follows the count of underruns, which begins anew with each line."""

    def __init__(self) -> None:
        self._count = 0
        self._times: deque[float] = deque(maxlen=MANY)

    def note(self, underruns: int, now: float) -> None:
        """So many there were until now."""
        new, self._count = underruns - self._count, underruns
        self._times.extend([now] * min(max(new, 0), MANY))

    def is_slow(self, now: float) -> bool:
        """Whether it happened twice within the last half a minute."""
        return len(self._times) == MANY and now - self._times[0] < WINDOW_S

    def forget(self) -> None:
        """Another line: nothing is known of it."""
        self._count = 0
        self._times.clear()


FADE_MS = 10
LOW_MS = 20
"""So little before the ring runs dry, sound that ran out is faded."""
PATIENCE_MS = 1000
"""A reply of which no more comes for so long is played all the same."""
HOLD_BELOW_MS = 250
"""Pauses are held while less than this is buffered."""
AGAIN_MS, AGAIN_WAITS_MS = 600, 130
"""Paced sound that runs out again so shortly waits for so much: one gap is better than many."""
LEARN_MS = 1000
"""An interrupted reply of which less came teaches nothing."""
_REMEMBERED = 512

__all__ = ["Block", "JitterBuffer", "Stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """What a status line shows."""

    level_ms: int
    """Sound that waits here."""
    target_ms: int
    """How much must wait before playing starts, or starts again; of paced sound the delay."""
    underruns: int
    """How often sound ran out inside a reply, since the beginning."""
    gap_ms: int
    """How long the silences of all underruns were."""
    state: State
    added_ms: int = 0
    """What slow play and held pauses have added to the length of replies, since the beginning."""
    dropped_ms: int = 0
    """Sound that was left out of paced replies, nearly all of it silence, since the beginning."""
    is_paced: bool = False
    """Whether sound comes at the pace of speech."""


class _PacedReply(WaitingReply):
    """A reply with what is known of its pace."""

    def __init__(self, reply_id: str, rule: StartRule, rate: int) -> None:
        super().__init__(reply_id, rule.level_ms)
        self.rule = rule
        self.arrivals = Arrivals()
        self.tempo = Tempo(rate)
        self.gaps = 0
        self.gap_at = -(10**9)
        """When the last gap in its words was over, in frames."""

    def starve(self) -> None:
        self.state = "starved"
        self.target_ms = resume_ms(self.rule.level_ms, self.gaps)


class JitterBuffer:
    """Holds what arrived and was not yet played, minutes if need be.

    Args:
        rate: Hz of the sound.
        target_ms: How much of a reply is buffered before it starts, as long as nothing is learned.
        state: What an earlier buffer learned with the same provider and network.
        is_paced: Whether sound comes at the pace of speech; None: find out.
    """

    def __init__(
        self,
        rate: int = HOUSE_RATE,
        target_ms: int = 100,
        *,
        state: Mapping[str, Any] | None = None,
        is_paced: bool | None = None,
    ) -> None:
        known = state or {}
        self._rate = rate
        self._fade = ms_to_frames(FADE_MS, rate)
        self._low = ms_to_frames(LOW_MS, rate)
        self._replies: deque[_PacedReply] = deque()
        self._abandoned: OrderedDict[str, None] = OrderedDict()
        self._received: OrderedDict[str, int] = OrderedDict()
        self._start_learner = StartLearner(target_ms, known)
        self._delay = PacedDelay(known)
        self._told_paced = is_paced
        self._pace = PaceFinder(is_paced=known.get("is_paced") is True)
        self._voice = PauseFinder(rate)
        self._clock = self._handed = self._silence = 0
        self._underruns = self._gap = self._added = self._dropped = 0

    # -- the network's side ---------------------------------------------------------------------

    def insert(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        """More sound of a reply.  Half a frame waits for its other half.

        The first sound of another reply says that the earlier ones are complete.
        """
        if not pcm or reply_id in self._abandoned:
            return
        reply = self._find(reply_id) or self._begin(reply_id)
        count = reply.insert(item_id, pcm, self._received.get(item_id, 0))
        self._received[item_id] = self._received.get(item_id, 0) + count
        _forget_old(self._received)
        if count and reply is self._replies[-1]:
            self._log(reply, count, pcm)

    def finish(self, reply_id: str) -> None:
        """No more of this reply will come: even a short remainder is played at once."""
        if reply := self._find(reply_id):
            self._complete(reply)

    def abandon(self, reply_id: str) -> None:
        """Never play this reply again; what sounds now is faded out within 10 ms."""
        self._abandoned[reply_id] = None
        _forget_old(self._abandoned)
        if reply := self._find(reply_id):
            reply.cut(self._fade)

    def flush(self) -> tuple[str, ...]:
        """Forget everything and abandon every reply there is.

        Returns:
            The items that were waiting or could still have grown, in playing order.
        """
        cut = tuple(item.item_id for reply in self._replies for item in reply.open_items())
        for reply in self._replies:
            self._abandoned[reply.reply_id] = None
            if reply.arrivals.total_ms >= LEARN_MS:
                self._complete(reply)
        _forget_old(self._abandoned)
        self._replies.clear()
        return cut

    def received(self, item_id: str) -> int:
        """Frames of an item that have arrived; 0 for one that is unknown or long past."""
        return self._received.get(item_id, 0)

    # -- the loudspeaker's side -----------------------------------------------------------------

    def elapse(self, downstream: int, silence: int = 0) -> None:
        """Let time pass: tell how far the loudspeaker is.

        Args:
            downstream: Frames handed out earlier that still wait to be heard.
            silence: Frames of silence the loudspeaker had to play since this was told last.
        """
        self._silence += silence
        self._clock = max(self._clock, self._handed - downstream + self._silence)
        if self._replies:
            self._replies[0].wait(silence)

    def get(self, frames: int, downstream: int, silence: int = 0) -> Block | None:
        """About `frames` to play now; None while filling, starved or idle.

        Where words are bent it is one period of the voice instead, at most 15 ms.

        Args:
            frames: How much is asked for; there may be less, not more.
            downstream: As in `elapse`.
            silence: As in `elapse`.
        """
        self._drop_played()
        self.elapse(downstream, silence)
        while self._replies:
            reply = self._replies[0]
            self._start(reply)
            if block := self._take(reply, frames, downstream):
                self._count(block)
                return block
            if not reply.is_over:
                return None
            self._drop_played()
        return None

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and no reply is unfinished."""
        self._drop_played()
        return not self._replies

    @property
    def is_paced(self) -> bool:
        """Whether sound comes at the pace of speech, as far as is known."""
        return self._pace.is_paced if self._told_paced is None else self._told_paced

    def is_waiting(self, item_id: str) -> bool:
        """Whether some of an item waits here."""
        return any(
            item.item_id == item_id and item.level for r in self._replies for item in r.items
        )

    def stats(self) -> Stats:
        head = self._replies[0] if self._replies else None
        level = sum(reply.level for reply in self._replies)
        target = head.target_ms if head else self._start_learner.rule.level_ms
        return Stats(
            level_ms=frames_to_ms(level, self._rate),
            target_ms=round(self._delay.target_ms if self.is_paced else target),
            underruns=self._underruns,
            gap_ms=frames_to_ms(self._gap, self._rate),
            state=head.state if head else "idle",
            added_ms=frames_to_ms(self._added, self._rate),
            dropped_ms=frames_to_ms(self._dropped, self._rate),
            is_paced=self.is_paced,
        )

    def export_state(self) -> dict[str, Any]:
        """What was learned, as plain values: for a later buffer, same provider and network."""
        learned = self._start_learner.export() | self._delay.export()
        return learned | {"is_paced": self.is_paced}

    # -- inside: what came ----------------------------------------------------------------------

    def _find(self, reply_id: str) -> _PacedReply | None:
        return next((reply for reply in self._replies if reply.reply_id == reply_id), None)

    def _begin(self, reply_id: str) -> _PacedReply:
        for earlier in self._replies:
            self._complete(earlier)
        reply = _PacedReply(reply_id, self._start_learner.rule, self._rate)
        self._replies.append(reply)
        self._pace.begin()
        self._delay.begin()
        return reply

    def _log(self, reply: _PacedReply, count: int, pcm: bytes) -> None:
        """Keep what the arrival of so many frames teaches."""
        now, end = self._ms(self._clock), self._ms(reply.arrived)
        start = end - self._ms(count)
        reply.arrivals.note(now, end - start)
        self._pace.note(now, end)
        has_voice = not self._voice.hear(pcm[: len(pcm) // 2 * 2])
        self._delay.note(now, start, end, has_voice=has_voice)

    def _complete(self, reply: _PacedReply) -> None:
        if not reply.is_finished:
            reply.is_finished = True
            if not self.is_paced:
                self._start_learner.learn(reply.arrivals)

    # -- inside: what is played -----------------------------------------------------------------

    def _ms(self, frames: int) -> float:
        return frames * 1000 / self._rate

    def _drop_played(self) -> None:
        while self._replies and self._replies[0].is_over:
            self._replies.popleft()

    def _start(self, reply: _PacedReply) -> None:
        """Let a reply play if it may."""
        if reply.state == "playing" or not reply.level:
            return
        has_waited = reply.waited >= ms_to_frames(PATIENCE_MS, self._rate)
        if reply.is_finished or has_waited or self._has_enough(reply):
            self._play(reply)

    def _has_enough(self, reply: _PacedReply) -> bool:
        if self.is_paced:
            if reply.state == "starved":
                ran_out_lately = self._clock - reply.gap_at < ms_to_frames(AGAIN_MS, self._rate)
                waits_ms = AGAIN_WAITS_MS if ran_out_lately else 0
                return reply.level >= ms_to_frames(waits_ms, self._rate)
            return self._behind_ms(reply, 0) >= 0
        needed_ms = reply.target_ms
        if reply.state == "filling":
            needed_ms = reply.rule.needed_ms(reply.arrivals.is_one_delta)
        return reply.level >= ms_to_frames(needed_ms, self._rate)

    def _behind_ms(self, reply: _PacedReply, downstream: int) -> float:
        """How much later than its target delay a paced reply would go on now."""
        plays_at = self._ms(self._clock + downstream)
        return self._delay.delay_ms(plays_at, self._ms(reply.played)) - self._delay.target_ms

    def _play(self, reply: _PacedReply) -> None:
        if reply.state == "starved" and reply.tempo.in_pause:
            self._added += reply.gap
        elif reply.state == "starved":
            self._underruns += 1
            reply.gap_at = self._clock
            self._gap += reply.gap
        reply.state, reply.gap, reply.waited = "playing", 0, 0

    def _take(self, reply: _PacedReply, frames: int, downstream: int) -> Block | None:
        """Sound of the first item with any; its reserve only as a fade."""
        item = reply.first_item()
        if reply.state != "playing" or item is None or not item.level:
            return None
        if not item.ending and item.level <= self._fade:
            if downstream > self._low and not reply.has_end(item):
                return None
            item.ending = item.level
        block = reply.tempo.next(item, frames, self._fade, self._aim(reply, downstream))
        if block.ends and not reply.has_end(item):
            reply.starve()
            reply.gaps += not reply.tempo.in_pause
        return block

    def _aim(self, reply: _PacedReply, downstream: int) -> Aim:
        if reply.is_finished:
            return Aim()
        buffered = self._ms(reply.level + downstream)
        if self.is_paced:
            return self._delay.aim(self._behind_ms(reply, downstream), buffered, self._rate)
        return Aim(speed=speed(buffered), holds=buffered < HOLD_BELOW_MS)

    def _count(self, block: Block) -> None:
        frames = len(block.pcm) // 2
        self._handed += frames
        self._added += max(frames - block.content_frames, 0)
        self._dropped += max(block.content_frames - frames, 0)


def _forget_old(known: OrderedDict[str, int] | OrderedDict[str, None]) -> None:
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
