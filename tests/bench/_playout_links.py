"""Replies of a speech model and the links they come over, made from seeds: when what arrives.

Sources:

* fast: a reply is made 1.8 to 8 times as fast as it is played, in deltas of 100 to 400 ms, with a
  hiccup now and then; how fast, is a property of the session.
* marginal: 0.95 to 1.3 times as fast, in deltas of 40 to 250 ms.
* paced: 100 ms of sound every 100 ms, silence included, for two minutes.

Links are ordered and lose nothing, as TCP does: what is lost is sent again, and all that follows
waits for it.  Rates and round trips of the mobile ones are those of the WebPageTest profiles.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BYTES_PER_MS = 24 * 2 * 4 / 3
"""Of sound on the wire: 24 kHz PCM16 in base64."""
OVERHEAD = 220
"""Bytes of a message that are not sound."""
SEGMENT = 1400
FRAME_MS = 10

Rng = np.random.Generator
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reply:
    """What arrived of a reply, and where it pauses."""

    times_ms: list[float]
    sizes_ms: list[float]
    voice: Flags
    """Whether each 10 ms of it are words."""

    @property
    def length_ms(self) -> float:
        return sum(self.sizes_ms)

    def is_word(self, at_ms: float) -> bool:
        """Whether there are words at a place of it."""
        return bool(self.voice[min(int(at_ms // FRAME_MS), self.voice.size - 1)])


@dataclass(frozen=True)
class Stall:
    """Nothing comes for a while, every now and then (milliseconds)."""

    every_s: float
    low: float
    high: float
    is_skewed: bool = False
    """Mostly short ones."""


@dataclass(frozen=True)
class Loss:
    """Segments are lost in bursts (Gilbert, Elliott)."""

    begins: float
    ends: float
    lost: float
    """Chances per segment: that a burst begins, that it ends, that a segment in it is lost."""


@dataclass(frozen=True)
class Kind:
    """A kind of link."""

    delay: float
    spread: float
    """Milliseconds of one way, and how much it varies."""
    kbit: float = 50_000
    stalls: tuple[Stall, ...] = ()
    loss: Loss | None = None
    flush: float = 0
    """A proxy on the way sends on what it has every so many milliseconds."""
    poll: tuple[float, float] = (0, 0)
    """What came is fetched after so many milliseconds, at least and at most."""
    bloat: tuple[float, float, float] = (0, 0, 0)
    """Somebody else's download fills the queue: every so many seconds, for so many seconds, up to
    so many milliseconds."""


LINKS = {
    "lan": Kind(10, 1),
    "jittery": Kind(40, 30),
    "lossy 1 %": Kind(30, 4, loss=Loss(0.006, 0.35, 0.6)),
    "lossy 4 %": Kind(60, 8, loss=Loss(0.025, 0.30, 0.55)),
    "wifi": Kind(15, 5, stalls=(Stall(4, 30, 120), Stall(25, 200, 600))),
    "4g": Kind(85, 12, 9000, (Stall(15, 80, 300), Stall(45, 300, 1000))),
    "3g": Kind(
        150, 25, 1600, (Stall(12, 100, 500), Stall(60, 500, 1500)), loss=Loss(0.004, 0.4, 0.5)
    ),
    "stalling": Kind(40, 5, stalls=(Stall(15, 100, 2000, is_skewed=True),)),
    "proxy": Kind(40, 10, flush=150),
}
"""What the policies were tuned on, with other seeds."""
UNSEEN = {
    "polled": Kind(60, 15, poll=(120, 450)),
    "bloated": Kind(50, 6, 20_000, bloat=(12, 5, 500)),
}
"""Families that no number was tuned on; that paced sound tells usual lateness from a stall was
thought of when these were seen."""
ALL = LINKS | UNSEEN
SECONDS = 900


@dataclass
class Link:
    """One link; give it messages in the order they are sent."""

    kind: Kind
    rng: Rng
    _free: float = 0.0
    _last: float = -1e9
    _is_bursting: bool = False
    _stalls: list[tuple[float, float]] = field(default_factory=list)
    _next_poll: float = 0.0

    def __post_init__(self) -> None:
        for stall in self.kind.stalls:
            self._stalls += self._drawn(stall)
        self._stalls.sort()

    def _drawn(self, stall: Stall) -> Iterator[tuple[float, float]]:
        begin = self.rng.exponential(stall.every_s * 1000)
        while begin < SECONDS * 1000:
            if stall.is_skewed:
                lasting = math.exp(self.rng.uniform(math.log(stall.low), math.log(stall.high)))
            else:
                lasting = self.rng.uniform(stall.low, stall.high)
            yield begin, begin + lasting
            begin += self.rng.exponential(stall.every_s * 1000)

    def arrival(self, sent: float, size_ms: float) -> float:
        """When a message with so much sound arrives that is sent at `sent`."""
        size = size_ms * BYTES_PER_MS + OVERHEAD
        self._free = max(sent, self._free) + size * 8 / self.kind.kbit
        time = self._free + self.kind.delay + abs(self.rng.normal(0, self.kind.spread))
        time += self._queue(time) + self._resent(sent, size)
        for begin, end in self._stalls:
            if begin <= time < end:
                time = end + abs(self.rng.normal(0, 5))
        self._last = max(self._fetched(time), self._last)
        return self._last

    def _queue(self, time: float) -> float:
        every, lasting, most = self.kind.bloat
        if not most:
            return 0.0
        phase = time / 1000 % every
        return most * max(0.0, 1 - abs(phase - lasting / 2) / (lasting / 2))

    def _fetched(self, time: float) -> float:
        if self.kind.flush:
            return math.ceil(time / self.kind.flush) * self.kind.flush
        low, high = self.kind.poll
        while high and self._next_poll < time:
            self._next_poll = max(self._next_poll, time - high) + self.rng.uniform(low, high)
        return max(time, self._next_poll) if high else time

    def _resent(self, sent: float, size: float) -> float:
        """How long what was lost of a message takes longer: by the receiver's asking, or later."""
        loss, longest = self.kind.loss, 0.0
        if loss is None:
            return 0.0
        if sent - self._last > 1000:
            self._is_bursting = self.rng.random() < loss.begins / (loss.begins + loss.ends)
        count = math.ceil(size / SEGMENT)
        for n in range(count):
            chance = 1 - loss.ends if self._is_bursting else loss.begins
            self._is_bursting = bool(self.rng.random() < chance)
            if self._is_bursting and self.rng.random() < loss.lost:
                longest = max(longest, self._wait(loss, follow=count - n - 1))
        return longest

    def _wait(self, loss: Loss, follow: int) -> float:
        round_trip = 2 * self.kind.delay + 2 * self.kind.spread
        timeout = max(200.0, round_trip + 40)
        wait = round_trip + 10 if follow >= 3 else timeout
        while self.rng.random() < loss.lost * 0.4:
            timeout *= 2
            wait += timeout
        return wait


def session(source: str, kind: Kind, seed: list[int], count: int) -> list[Reply]:
    """So many replies of a session, fast or marginal."""
    rng = np.random.default_rng(seed)
    is_fast = source == "fast"
    pace = math.exp(rng.uniform(math.log(1.8), math.log(8))) if is_fast else rng.uniform(0.95, 1.3)
    link, now, replies = Link(kind, rng), 1000.0, []
    for _ in range(count):
        made = list(_made(rng, pace * rng.lognormal(0, 0.2 if is_fast else 0.04), is_fast=is_fast))
        sizes = [size for _, size in made]
        times = [link.arrival(now + at, size) for at, size in made]
        replies.append(Reply(times, sizes, _phrases(rng, sum(sizes))))
        now = max(now + sum(sizes), times[-1]) + rng.uniform(2000, 8000)
    return replies


def _made(rng: Rng, pace: float, *, is_fast: bool) -> Iterator[tuple[float, float]]:
    """When the model makes which deltas (milliseconds)."""
    length = float(np.clip(rng.lognormal(math.log(5000), 0.6), 800, 25_000))
    low, high = (100, 400) if is_fast else (40, 250)
    at = done = 0.0
    while done < length:
        size = rng.uniform(50, 200) if is_fast and not done else rng.uniform(low, high)
        size = max(10.0, round(min(size, length - done) / 10) * 10)
        if done:
            at += size / pace * rng.lognormal(0, 0.5 if is_fast else 0.25)
            at += rng.uniform(150, 600 if is_fast else 500) if rng.random() < 0.02 else 0
        yield at, size
        done += size


def _phrases(rng: Rng, length_ms: float) -> Flags:
    """Phrases of about 1.4 s, pauses of 120 to 450 ms."""
    voice = np.ones(int(length_ms // FRAME_MS) + 2, bool)
    at = 0
    while at < voice.size:
        at += int(np.clip(rng.lognormal(math.log(140), 0.5), 30, 500))
        pause = int(rng.uniform(12, 45))
        voice[at : at + pause] = False
        at += pause
    return voice


def paced(kind: Kind, seed: list[int], length_ms: int = 120_000) -> Reply:
    """Says of 1 to 6 s with pauses short and long; 2 % of the frames are made a little late."""
    rng = np.random.default_rng(seed)
    count, frames = length_ms // 100, length_ms // FRAME_MS
    late = (rng.random(count) < 0.02) * rng.uniform(50, 80, count)
    made = np.maximum.accumulate(np.arange(count) * 100.0 + rng.uniform(0, 10, count) + late)
    voice, at = np.zeros(frames, bool), 0
    while at < frames:
        say = int(rng.uniform(100, 600))
        voice[at : at + say] = True
        at += say + int(rng.uniform(25, 60) if rng.random() < 0.6 else rng.uniform(100, 500))
    link = Link(kind, rng)
    return Reply([link.arrival(1000 + t, 100) for t in made], [100.0] * count, voice)
