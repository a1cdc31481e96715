"""From the jitter buffer to the loudspeaker's ring, and the content clock: what was heard.

The rule: what was *received* and what was *heard* are different facts.  Heard is counted in frames
of each item that the loudspeaker took, never by a wall clock.  A `_Span` remembers which frames of
the ring stand for which frames of an item; the ring's reader says how far it is.

Playing can be held, while somebody may be interrupting: then what the loudspeaker has not taken is
taken back from its ring, and goes on from there.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from voicechat.audio.card.ring import Ring
from voicechat.audio.gain import Loudness
from voicechat.audio.pcm import HOUSE_RATE, frames_to_ms, ms_to_frames
from voicechat.audio.playback.jitter import Block, JitterBuffer, Stats
from voicechat.audio.resample import Resampler
from voicechat.events import Heard

BLOCK_MS = 10
FADE_MS = 5
"""Short, for it is heard after whoever speaks over it; and enough to make no click."""
DEPTH_MS = 60
"""How much waits in the ring: the stall of the event loop that is forgiven."""
_REMEMBERED = 512


class PlaybackDevice(Protocol):
    """A loudspeaker as playout sees it.

    `rate` (Hz), `ring` and `latency_ms` change together with `generation`, when the device was
    opened anew.
    """

    @property
    def rate(self) -> int: ...
    @property
    def ring(self) -> Ring: ...
    @property
    def latency_ms(self) -> float: ...
    @property
    def generation(self) -> int: ...


@dataclass
class _Span:
    """Frames `start` to `end` of the ring are a block: frames from `content` on of an item."""

    start: float
    end: float
    block: Block

    def __post_init__(self) -> None:
        self.content = self.block.content_start
        self.content_frames = self.block.content_frames

    @property
    def item_id(self) -> str:
        return self.block.item_id

    def content_at(self, position: float) -> int:
        """Frames of the item that lie before a position of the ring, rounded down."""
        if position >= self.end:
            return self.content + self.content_frames
        if position <= self.start:
            return self.content
        share = (position - self.start) / (self.end - self.start)
        return self.content + int(share * self.content_frames)

    def cut(self, position: int) -> None:
        """Let the span end at a position of the ring, if that lies before its end."""
        if position < self.end:
            self.content_frames = self.content_at(position) - self.content
            self.end = position


LONGEST_WAIT_MS = 600_000
"""Of sound before it is played: more than the longest reply of any provider."""


class Playout:
    """Plays replies on a loudspeaker.

    Args:
        speaker: Where to.
        content_rate: Hz of the sound that is inserted.
        target_ms: How much of a reply is buffered before it starts, until better is learned.
        depth_ms: How far ahead of the loudspeaker its ring is filled.
        state: What an earlier playout learned (`export_state`), same provider and network.
        is_paced: Whether sound comes at the pace of speech, silence included; None: find out.
    """

    def __init__(
        self,
        speaker: PlaybackDevice,
        content_rate: int = HOUSE_RATE,
        target_ms: int = 100,
        depth_ms: int = DEPTH_MS,
        *,
        state: Mapping[str, Any] | None = None,
        is_paced: bool | None = None,
    ) -> None:
        self.volume = 1.0
        """Loudness, 0 to 2; above 1 what is loud already stays as it is."""
        self.recent = b""
        """What went to the loudspeaker last, for a meter."""
        self._speaker = speaker
        self._rate = content_rate
        self._depth_ms = depth_ms
        self._jitter = JitterBuffer(content_rate, target_ms, state=state, is_paced=is_paced)
        self._spans: deque[_Span] = deque()
        self._again: deque[Block] = deque()
        """Was taken back from the ring, and is played next."""
        self._is_held = False
        self._was_held = False
        """Sound goes on in the middle of a stretch, and must be faded in."""
        self._heard: OrderedDict[str, int] = OrderedDict()
        self._run_start: int | None = None
        self._run_frames = 0
        self._attach()

    # -- the network's side ---------------------------------------------------------------------

    def insert(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        """More sound of a reply: PCM16 mono at the content rate.

        What a server without an end would have wait longer than `LONGEST_WAIT_MS` is not kept.
        """
        if self._jitter.stats().level_ms > LONGEST_WAIT_MS:
            return
        silence = self._take_silence()  # Nobody waited in what was before the reply.
        self._jitter.elapse(self._downstream, 0 if self._jitter.is_idle else silence)
        self._jitter.insert(reply_id, item_id, pcm)

    def finish(self, reply_id: str) -> None:
        """No more of this reply will come; playing goes on to its end."""
        self._jitter.finish(reply_id)

    def abandon(self, reply_id: str) -> None:
        """Never play (the rest of) this reply, however late its sound comes."""
        self._jitter.abandon(reply_id)

    # -- the loudspeaker's side -----------------------------------------------------------------

    def pump(self) -> bool:
        """Fill the ring.

        Returns:
            Whether there is, or will soon be, something to play: then call again within 10 ms.
        """
        self._follow_device()
        self._retire()
        if self._is_held:
            self._jitter.elapse(self._downstream, self._take_silence())
        else:
            self._fill()
        return not self.is_idle

    def hold(self, is_held: bool) -> None:
        """Fall silent within a fade, and lose nothing; or go on from there."""
        if is_held and not self._is_held:
            self._follow_device()
            self._again.extendleft(reversed(self._take_back()))
            self._was_held = True
        self._is_held = is_held

    def interrupt(self, fade_ms: int = FADE_MS) -> tuple[Heard, ...]:
        """Fall silent within the fade, and abandon every reply that was to be played.

        Returns:
            Every item that was playing or waiting to play, or could still have grown, in order:
            the milliseconds that have left or will still leave the loudspeaker, rounded down.
        """
        self._follow_device()
        playing = [span.item_id for span in self._spans if span.end > self._ring.read]
        playing += [block.item_id for block in self._again]
        waiting = self._jitter.flush()
        self._take_back(fade_ms)
        self._again.clear()
        self._is_held = self._was_held = False
        return tuple(self._account(item_id) for item_id in dict.fromkeys((*playing, *waiting)))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is playing, waiting or still to come."""
        return self._jitter.is_idle and not self._ring.level and not self._again

    # -- the content clock ----------------------------------------------------------------------

    def heard_ms(self, item_id: str) -> int:
        """Milliseconds of an item that have left the loudspeaker by now, to keep words in step."""
        self._retire()
        return frames_to_ms(self._frames_until(item_id, self._sounding()), self._rate)

    def received_ms(self, item_id: str) -> int:
        """Milliseconds of an item that have arrived."""
        return frames_to_ms(self._jitter.received(item_id), self._rate)

    def is_pending(self, item_id: str) -> bool:
        """Whether some of an item is waiting or has not left the loudspeaker yet."""
        self._retire()
        taken = [*(span.block for span in self._spans), *self._again]
        in_ring = any(block.item_id == item_id for block in taken)
        return in_ring or self._jitter.is_waiting(item_id)

    def stats(self) -> Stats:
        """What a status line shows."""
        return self._jitter.stats()

    def export_state(self) -> dict[str, Any]:
        """What was learned of the provider and the network, as plain values to keep."""
        return self._jitter.export_state()

    # -- inside ---------------------------------------------------------------------------------

    def _attach(self) -> None:
        """Take the loudspeaker as it is now."""
        self._generation = self._speaker.generation
        self._ring = self._speaker.ring
        self._ratio = self._speaker.rate / self._rate
        self._resampler = Resampler(self._rate, self._speaker.rate)
        self._silent = self._ring.silent
        self._loudness = Loudness(self._speaker.rate)
        self._run_start = None

    def _follow_device(self) -> None:
        """After the device was opened anew: what was in the old ring counts as heard."""
        if self._generation != self._speaker.generation:
            while self._spans:
                self._remember(self._spans.popleft())
            self._attach()

    @property
    def _downstream(self) -> int:
        """Content frames that wait in the ring, or were taken back from it."""
        again = sum(len(block.pcm) // 2 for block in self._again)
        return int(self._ring.level / self._ratio) + again

    def _take_silence(self) -> int:
        """Content frames of silence the loudspeaker has played since this was asked last."""
        before, self._silent = self._silent, self._ring.silent
        return int((self._silent - before) / self._ratio)

    def _fill(self) -> None:
        block_frames = ms_to_frames(BLOCK_MS, self._rate)
        depth = ms_to_frames(self._depth_ms, self._speaker.rate)
        while self._ring.level < depth:
            if self._again:
                self._play(self._again.popleft())
                continue
            block = self._jitter.get(block_frames, self._downstream, self._take_silence())
            if block is None:
                break
            self._play(block)

    def _take_back(self, fade_ms: int = FADE_MS) -> list[Block]:
        """Take from the ring what need not be played any more; the blocks of which nothing was."""
        fade = ms_to_frames(fade_ms, self._speaker.rate)
        end = self._ring.rewind(fade, fade)
        taken = [span.block for span in self._spans if span.start >= end]
        self._spans = deque(span for span in self._spans if span.start < end)
        for span in self._spans:
            span.cut(end)
        self._resampler.reset()
        self._run_start = None
        return taken

    def _play(self, block: Block) -> None:
        """Write a block to the ring, and remember which frames of the ring stand for it."""
        if self._run_start is None:
            self._run_start, self._run_frames = self._ring.written, 0
            self._loudness.reset(0.0 if self._was_held else self._factor)
            self._was_held = False
        frames = len(block.pcm) // 2
        start = self._run_start + self._run_frames * self._ratio
        end = start + frames * self._ratio
        self._run_frames += frames
        pcm = self._resampler.process(block.pcm)
        if block.ends:
            pcm += self._resampler.flush()
        self._write(pcm)
        if block.ends:
            end, self._run_start = float(self._ring.written), None
        self._spans.append(_Span(start, end, block))

    @property
    def _factor(self) -> float:
        return min(max(self.volume, 0.0), 2.0)

    def _write(self, pcm: bytes) -> None:
        self.recent = self._loudness.process(pcm, self._factor)
        self._ring.write(self.recent)

    def _sounding(self) -> float:
        """The position of the ring that the loudspeaker emits now.

        While it is given silence, the latency is that of the silence.
        """
        latency = ms_to_frames(self._speaker.latency_ms, self._speaker.rate)
        return self._ring.read - max(latency - self._ring.starved, 0)

    def _retire(self) -> None:
        """Let go of what has left the loudspeaker."""
        sounding = self._sounding()
        while self._spans and self._spans[0].end <= sounding:
            self._remember(self._spans.popleft())

    def _remember(self, span: _Span) -> None:
        self._heard[span.item_id] = span.content + span.content_frames
        while len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)

    def _frames_until(self, item_id: str, position: float) -> int:
        """Frames of an item before a position of the ring."""
        frames = self._heard.get(item_id, 0)
        for span in self._spans:
            if span.item_id == item_id and span.start <= position:
                frames = max(frames, span.content_at(position))
        return frames

    def _account(self, item_id: str) -> Heard:
        """What will have been heard of an item when all that is in the ring has been emitted."""
        frames = self._frames_until(item_id, float("inf"))
        received_ms = self.received_ms(item_id)
        return Heard(item_id, min(frames_to_ms(frames, self._rate), received_ms), received_ms)
