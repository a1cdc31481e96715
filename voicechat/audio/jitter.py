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
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from voicechat.audio.pcm import (
    FRAME_BYTES,
    HOUSE_RATE,
    frames_to_ms,
    ms_to_frames,
    to_pcm,
    to_samples,
)

GROWTH = 1.6
TARGET_LIMIT_MS = 400
FADE_MS = 10
LOW_MS = 20
"""So little before the ring runs dry, sound that ran out is faded."""
PATIENCE_MS = 1000
"""A reply that stays below its target for so long is played all the same."""
_REMEMBERED = 512

State: TypeAlias = Literal["idle", "filling", "playing", "starved"]


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


@dataclass(frozen=True, slots=True)
class Block:
    """Sound to be played now, all of one item, and which part of the item it is.

    Output frame n of N stands for content frame `content_start + n * content_frames / N`.
    """

    pcm: bytes = field(repr=False)
    item_id: str
    reply_id: str
    content_start: int
    """Frames of the item that came before."""
    content_frames: int
    ends: bool
    """Whether this stretch of sound ends here, faded out; what follows fades in."""


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
        self._replies: deque[_Reply] = deque()
        self._abandoned: OrderedDict[str, None] = OrderedDict()
        self._received: OrderedDict[str, int] = OrderedDict()
        self._underruns = 0
        self._gap = 0

    # -- the network's side ---------------------------------------------------------------------

    def insert(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        """More sound of a reply.  Half a frame waits for its other half.

        The first sound of another reply says that the earlier ones are complete.
        """
        if reply_id in self._abandoned:
            return
        reply = self._find(reply_id)
        if reply is None:
            for earlier in self._replies:
                earlier.is_finished = True
            reply = _Reply(reply_id, self._base_ms)
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

    def _find(self, reply_id: str) -> "_Reply | None":
        return next((reply for reply in self._replies if reply.reply_id == reply_id), None)

    def _drop_played(self) -> None:
        while self._replies and self._replies[0].is_over:
            self._replies.popleft()

    def _start(self, reply: "_Reply", silence: int) -> None:
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

    def _play(self, reply: "_Reply") -> None:
        if reply.state == "starved":
            self._underruns += 1
            self._gap += reply.gap
        reply.state, reply.gap, reply.waited = "playing", 0, 0

    def _take(self, reply: "_Reply", frames: int, downstream: int) -> Block | None:
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

    def _starve(self, reply: "_Reply") -> None:
        reply.state = "starved"
        reply.target_ms = max(min(reply.target_ms * GROWTH, TARGET_LIMIT_MS), self._base_ms)


class _Reply:
    """What is left of one reply: its items in order, the last of which may still grow."""

    def __init__(self, reply_id: str, target_ms: float) -> None:
        self.reply_id = reply_id
        self.target_ms = target_ms
        self.items: deque[_Item] = deque()
        self.is_finished = False
        self.state: State = "filling"
        self.gap = 0
        self.waited = 0
        self.level = 0

    @property
    def is_over(self) -> bool:
        return self.is_finished and not self.level

    def insert(self, item_id: str, pcm: bytes, received: int) -> int:
        """Append to an item; return how many frames became whole."""
        item = next((item for item in reversed(self.items) if item.item_id == item_id), None)
        if item is None:
            item = _Item(self, item_id, received)
            self.items.append(item)
        return item.insert(pcm)

    def first_item(self) -> "_Item | None":
        """The item to play from; those before it are done."""
        while len(self.items) > 1 and not self.items[0].level:
            self.items.popleft()
        return self.items[0] if self.items else None

    def has_end(self, item: "_Item") -> bool:
        return self.is_finished or item is not self.items[-1]

    def open_items(self) -> "list[_Item]":
        return [item for item in self.items if item.level or not self.has_end(item)]

    def cut(self, fade: int) -> None:
        """Leave at most a fade of what plays now, and nothing of what waits."""
        self.is_finished = True
        for item in self.items:
            item.cut(fade)


class _Item:
    """What is left of one item."""

    def __init__(self, reply: _Reply, item_id: str, position: int) -> None:
        self.item_id = item_id
        self.level = 0
        """Frames that wait."""
        self._reply = reply
        self._position = position
        """Frames handed out, or there before."""
        self.ending = 0
        """Frames of a fade-out that has begun; what came later waits for the next stretch."""
        self._stretch = 0
        """Frames handed out since the last fade-in began; 0: no stretch has begun."""
        self._chunks: deque[memoryview] = deque()
        self._half = b""

    def insert(self, pcm: bytes) -> int:
        whole = self._half + pcm if self._half else pcm
        count = len(whole) // FRAME_BYTES
        self._half = whole[count * FRAME_BYTES :]
        if count:
            self._chunks.append(memoryview(whole)[: count * FRAME_BYTES])
            self._count(count)
        return count

    def cut(self, fade: int) -> None:
        """Forget what waits, except as much as a stretch that has begun needs to fade."""
        kept = min(self.ending or fade, self.level) if self._stretch else 0
        self._chunks = deque([memoryview(self._pull(kept))])
        self._count(kept - self.level)

    def take(self, frames: int, fade: int) -> Block:
        """At most `frames`, faded at the ends of the stretch; the last `fade` only as its end."""
        count = min(frames, self.ending or self.level - fade)
        until_end = self.ending or self.level
        pcm = _shape(self._pull(count), self._stretch, until_end, fade)
        block = Block(
            pcm, self.item_id, self._reply.reply_id, self._position, count, self.ending == count
        )
        self._position += count
        self._count(-count)
        self.ending -= min(count, self.ending)
        self._stretch = 0 if block.ends else self._stretch + count
        return block

    def _count(self, frames: int) -> None:
        self.level += frames
        self._reply.level += frames

    def _pull(self, frames: int) -> bytes:
        """Take bytes from the front of the chunks."""
        parts, missing = [], frames * FRAME_BYTES
        while missing:
            chunk = self._chunks.popleft()
            if len(chunk) > missing:
                self._chunks.appendleft(chunk[missing:])
            parts.append(chunk[:missing])
            missing -= len(parts[-1])
        return b"".join(parts)


def _shape(pcm: bytes, since_start: int, until_end: int, fade: int) -> bytes:
    """Fade what lies within `fade` frames of the start or the end of its stretch.

    Args:
        since_start: Frames of the stretch before `pcm`.
        until_end: Frames of the stretch from the first of `pcm` to its end.
    """
    frames = len(pcm) // FRAME_BYTES
    if since_start >= fade and until_end - frames >= fade:
        return pcm
    index = np.arange(frames, dtype=np.float32)
    rise = (since_start + 1 + index) / fade
    fall = (until_end - 1 - index) / fade
    return to_pcm(to_samples(pcm) * np.clip(np.minimum(rise, fall), 0.0, 1.0))


def _forget_old(known: OrderedDict[str, int] | OrderedDict[str, None]) -> None:
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
