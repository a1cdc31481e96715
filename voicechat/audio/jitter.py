"""When to play what arrived: the playout half of a jitter buffer.

The socket is reliable and ordered, so nothing is lost or reordered here; but sound comes in bursts,
now faster and now slower than it is played.  Two verbs, as in WebRTC's NetEq: `insert` from the
network, `get` for the loudspeaker.  No clock: time is counted in frames.

The rules:

* A reply starts when `target_ms` of it are buffered, or when it is known to be complete, or when
  the loudspeaker has been silent for a second while some of it waited.
* The last 10 ms are not handed out until it is known what follows, so that there is something to
  fade when nothing does.  Every stretch of sound begins and ends with a fade of 10 ms.
* When sound runs out inside a reply, the next start waits for 1.6 times as much, at most 400 ms;
  the next reply begins with the target it was given.  It counts as an underrun only when more of
  the reply comes: otherwise it was the end of the reply, and its `finish` was late.
* A reply that was abandoned is never heard again, however late its sound comes.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from voicechat.audio.backlog import Block, State, WaitingReply
from voicechat.audio.pcm import HOUSE_RATE, frames_to_ms, ms_to_frames

GROWTH = 1.6
TARGET_LIMIT_MS = 400
FADE_MS = 10
LOW_MS = 20
"""So little before the ring runs dry, sound that ran out is faded."""
PATIENCE_MS = 1000
"""A reply that stays below its target for so long is played all the same."""
_REMEMBERED = 512

__all__ = ["Block", "JitterBuffer", "Stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """What a status line shows."""

    level_ms: int
    """Sound that waits here."""
    target_ms: int
    """How much must wait before playing starts, or starts again."""
    underruns: int
    """How often sound ran out inside a reply, since the beginning."""
    gap_ms: int
    """How long the silences of all underruns were."""
    state: State


class JitterBuffer:
    """Holds what arrived and was not yet played, minutes if need be.

    Args:
        rate: Hz of the sound.
        target_ms: How much of a reply is buffered before it starts.
    """

    def __init__(self, rate: int = HOUSE_RATE, target_ms: int = 100) -> None:
        self._rate = rate
        self._base_ms = target_ms
        self._fade = ms_to_frames(FADE_MS, rate)
        self._low = ms_to_frames(LOW_MS, rate)
        self._replies: deque[WaitingReply] = deque()
        self._abandoned: OrderedDict[str, None] = OrderedDict()
        self._received: OrderedDict[str, int] = OrderedDict()
        self._underruns = 0
        self._gap = 0

    # -- the network's side ---------------------------------------------------------------------

    def insert(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        """More sound of a reply.  Half a frame waits for its other half.

        The first sound of another reply says that the earlier ones are complete.
        """
        if not pcm or reply_id in self._abandoned:
            return
        reply = self._find(reply_id)
        if reply is None:
            for earlier in self._replies:
                earlier.is_finished = True
            reply = WaitingReply(reply_id, self._base_ms)
            self._replies.append(reply)
        count = reply.insert(item_id, pcm, self._received.get(item_id, 0))
        self._received[item_id] = self._received.get(item_id, 0) + count
        _forget_old(self._received)

    def finish(self, reply_id: str) -> None:
        """No more of this reply will come: even a short remainder is played at once."""
        if reply := self._find(reply_id):
            reply.is_finished = True

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
        _forget_old(self._abandoned)
        self._replies.clear()
        return cut

    def received(self, item_id: str) -> int:
        """Frames of an item that have arrived; 0 for one that is unknown or long past."""
        return self._received.get(item_id, 0)

    # -- the loudspeaker's side -----------------------------------------------------------------

    def get(self, frames: int, downstream: int, silence: int = 0) -> Block | None:
        """At most `frames` to play now; None while filling, starved or idle.

        Args:
            frames: How much is asked for.
            downstream: Frames handed out earlier that still wait to be heard.
            silence: Frames of silence the loudspeaker had to play since the last call.
        """
        self._drop_played()
        while self._replies:
            reply = self._replies[0]
            self._start(reply, silence)
            if block := self._take(reply, frames, downstream):
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

    def is_waiting(self, item_id: str) -> bool:
        """Whether some of an item waits here."""
        return any(
            item.item_id == item_id and item.level for r in self._replies for item in r.items
        )

    def stats(self) -> Stats:
        head = self._replies[0] if self._replies else None
        level = sum(reply.level for reply in self._replies)
        return Stats(
            level_ms=frames_to_ms(level, self._rate),
            target_ms=round(head.target_ms if head else self._base_ms),
            underruns=self._underruns,
            gap_ms=frames_to_ms(self._gap, self._rate),
            state=head.state if head else "idle",
        )

    # -- inside ---------------------------------------------------------------------------------

    def _find(self, reply_id: str) -> WaitingReply | None:
        return next((reply for reply in self._replies if reply.reply_id == reply_id), None)

    def _drop_played(self) -> None:
        while self._replies and self._replies[0].is_over:
            self._replies.popleft()

    def _start(self, reply: WaitingReply, silence: int) -> None:
        """Let a reply play if it may."""
        if reply.state == "playing":
            return
        if reply.state == "starved":
            reply.gap += silence
        if not reply.level:
            return
        reply.waited += silence
        is_enough = reply.level >= ms_to_frames(reply.target_ms, self._rate)
        has_waited = reply.waited >= ms_to_frames(PATIENCE_MS, self._rate)
        if is_enough or reply.is_finished or has_waited:
            self._play(reply)

    def _play(self, reply: WaitingReply) -> None:
        if reply.state == "starved":
            self._underruns += 1
            self._gap += reply.gap
        reply.state, reply.gap, reply.waited = "playing", 0, 0

    def _take(self, reply: WaitingReply, frames: int, downstream: int) -> Block | None:
        """Sound of the first item with any; its reserve only as a fade."""
        item = reply.first_item()
        if reply.state != "playing" or item is None or not item.level:
            return None
        if not item.ending and item.level <= self._fade:
            if downstream > self._low and not reply.has_end(item):
                return None
            item.ending = item.level
        block = item.take(frames, self._fade)
        if block.ends and not reply.has_end(item):
            self._starve(reply)
        return block

    def _starve(self, reply: WaitingReply) -> None:
        reply.state = "starved"
        reply.target_ms = max(min(reply.target_ms * GROWTH, TARGET_LIMIT_MS), self._base_ms)


def _forget_old(known: OrderedDict[str, int] | OrderedDict[str, None]) -> None:
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
