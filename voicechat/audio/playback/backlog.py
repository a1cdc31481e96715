"""What is left of replies that wait to be played: their items, taken in stretches with faded ends.

A stretch is sound without a break: it begins with the first frame that is played of an item, or
after a gap, and ends with the item or where sound ran out.  The rule: the last frames of what waits
are handed out only as the end of a stretch, so that there is always something to fade.

Within a stretch some of it can be said twice or left out; the content a block stands for tells.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from voicechat.audio.pcm import FRAME_BYTES, to_pcm, to_samples
from voicechat.audio.playback.stretch import crossfade

PAST_FRAMES = 1200
"""So much of what was handed out is kept: 25 ms at 48 kHz."""

State: TypeAlias = Literal["idle", "filling", "playing", "starved"]


@dataclass(frozen=True, slots=True)
class Block:
    """Sound to be played now, all of one item, and which part of the item it is.

    Output frame n of N stands for content frame `content_start + n * content_frames / N`.  What is
    said twice has no content of its own, what was left out belongs to the block that leaps over it.
    """

    pcm: bytes = field(repr=False)
    item_id: str
    reply_id: str
    content_start: int
    """Frames of the item that came before."""
    content_frames: int
    ends: bool
    """Whether this stretch of sound ends here, faded out; what follows fades in."""


class WaitingReply:
    """What is left of one reply: its items in order, the last of which may still grow."""

    def __init__(self, reply_id: str, target_ms: float) -> None:
        self.reply_id = reply_id
        self.target_ms = target_ms
        self.items: deque[WaitingItem] = deque()
        self.is_finished = False
        self.state: State = "filling"
        self.gap = 0
        """Frames of silence since sound ran out."""
        self.waited = 0
        """Frames of silence while some of it waited and nothing more came."""
        self.level = 0
        """Frames that wait."""
        self.arrived = 0
        """Frames that have come."""

    @property
    def played(self) -> int:
        """Frames that were handed out or left out."""
        return self.arrived - self.level

    def wait(self, silence: int) -> None:
        """Frames of silence went by."""
        if self.state == "starved":
            self.gap += silence
        if self.state != "playing" and self.level:
            self.waited += silence

    @property
    def is_over(self) -> bool:
        return self.is_finished and not self.level

    def insert(self, item_id: str, pcm: bytes, received: int) -> int:
        """Append to an item; return how many frames became whole."""
        item = next((item for item in reversed(self.items) if item.item_id == item_id), None)
        if item is None:
            item = WaitingItem(self, item_id, received)
            self.items.append(item)
        count = item.insert(pcm)
        self.arrived += count
        self.waited = 0
        return count

    def first_item(self) -> "WaitingItem | None":
        """The item to play from; those before it are done."""
        while len(self.items) > 1 and not self.items[0].level:
            self.items.popleft()
        return self.items[0] if self.items else None

    def has_end(self, item: "WaitingItem") -> bool:
        return self.is_finished or item is not self.items[-1]

    def open_items(self) -> "list[WaitingItem]":
        return [item for item in self.items if item.level or not self.has_end(item)]

    def cut(self, fade: int) -> None:
        """Leave at most a fade of what plays now, and nothing of what waits."""
        self.is_finished = True
        for item in self.items:
            item.cut(fade)


class WaitingItem:
    """What is left of one item."""

    def __init__(self, reply: WaitingReply, item_id: str, position: int) -> None:
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
        self._past = b""
        """The last of what was handed out of this stretch, before any fade."""
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

    def pop(self, frames: int, fade: int) -> Block:
        """At most `frames`, faded at the ends of the stretch; the last `fade` only as its end."""
        count = min(frames, self.ending or self.level - fade)
        until_end = self.ending or self.level
        ends = self.ending == count
        pcm = _shape(self._next(count), self._stretch, until_end, fade)
        self.ending -= min(count, self.ending)
        self._stretch = 0 if ends else self._stretch + count
        return self._block(pcm, count, ends=ends)

    # -- bending: only where neither end of the stretch is near ---------------------------------

    def can_bend(self, fade: int) -> bool:
        """Whether the middle of a stretch is being played."""
        return not self.ending and self._stretch >= fade and self.level > fade

    def has(self, past: int, ahead: int) -> bool:
        """Whether so many frames were handed out of this stretch, and so many more wait."""
        return len(self._past) >= past * FRAME_BYTES and self.level >= ahead

    def last(self, frames: int) -> bytes:
        """The last frames handed out, not more than `PAST_FRAMES`."""
        return self._past[max(len(self._past) - frames * FRAME_BYTES, 0) :]

    def peek(self, frames: int) -> bytes:
        """The next frames, which stay."""
        parts, missing = [], frames * FRAME_BYTES
        for chunk in self._chunks:
            parts.append(chunk[:missing])
            missing -= len(parts[-1])
            if not missing:
                break
        return b"".join(parts)

    def repeat(self, frames: int) -> Block:
        """Say the last frames once more; nothing of what waits is used up."""
        pcm = crossfade(self.peek(frames), self.last(frames))
        self._stretch += frames
        return self._block(pcm, 0, ends=False)

    def skip(self, frames: int, over: int) -> Block:
        """Leave frames out, going over to what follows them within `over` frames."""
        pulled = self._next(frames + over)
        pcm = crossfade(pulled[: over * FRAME_BYTES], pulled[frames * FRAME_BYTES :])
        self._stretch += over
        return self._block(pcm, frames + over, ends=False)

    # -- inside ---------------------------------------------------------------------------------

    def _block(self, pcm: bytes, count: int, *, ends: bool) -> Block:
        start = self._position
        self._position += count
        self._count(-count)
        return Block(pcm, self.item_id, self._reply.reply_id, start, count, ends)

    def _next(self, frames: int) -> bytes:
        """Take frames that wait, and remember the last of them."""
        pcm = self._pull(frames)
        past = self._past if self._stretch else b""
        self._past = (past + pcm)[-PAST_FRAMES * FRAME_BYTES :]
        return pcm

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
