"""Two tracks of a recording on one timeline: each piece of sound where it belongs, gaps silent.

The rule: pieces that follow each other stay without a seam, whatever the clocks say; what the
clocks say counts only where it is far off (a gap, a device that was opened again) or has been off
for long (two sound cards drift), and then it is put right in a quiet moment.

Nothing here knows a file, a thread or a clock.  A place on the timeline is a count of frames at the
house rate since recording began.
"""

from typing import Any

import numpy as np

from voicechat.audio.pcm import HOUSE_RATE, ms_to_frames, to_samples
from voicechat.audio.resample import Resampler

HOLD_MS = 700
"""So long a place of the timeline can still be filled, for what is told late."""
LEAP_MS = 60_000
"""More than this of nothing is left out, as when the computer slept."""
_JUMP_FRAMES = ms_to_frames(120)
"""A piece that is further off than this stands where it says."""
_SLIP_FRAMES = ms_to_frames(15)
"""What drifted further than this is put right."""
_TRUST = 0.02
"""How much one piece says about the drift."""
_QUIET = 100
"""Of 32768: a seam here is not heard."""


class Track:
    """One side of the recording; holds what has not been taken yet."""

    def __init__(self) -> None:
        self.base = 0
        """Where on the timeline what is held begins."""
        self._sound = np.zeros(0, np.int16)
        self._end = -(1 << 40)
        """Where the next piece belongs; at first nowhere near."""
        self._off = 0.0
        self._rate = HOUSE_RATE
        self._resampler = Resampler(HOUSE_RATE, HOUSE_RATE)

    @property
    def end(self) -> int:
        """Where what is held ends."""
        return self.base + len(self._sound)

    def place(self, pcm: bytes, at_frame: int, rate: int = HOUSE_RATE) -> None:
        """Put a piece where it follows the one before, else at `at_frame`.

        What comes later replaces what was there; what lies before `base` is too late, and lost.

        Args:
            pcm: PCM16 mono at `rate` Hz.
            at_frame: Where its first frame belongs, give or take some tens of milliseconds.
        """
        if abs(at_frame - self._end) > _JUMP_FRAMES or rate != self._rate:
            self._begin(at_frame, rate)
        self._follow(at_frame, pcm)
        sound = to_samples(self._resampler.process(pcm))
        start, self._end = self._end, self._end + len(sound)
        self._store(start, sound)

    def pop(self, end_frame: int) -> Any:
        """Everything up to a place of the timeline, silence included; int16."""
        missing = end_frame - self.end
        held = self._sound if missing <= 0 else _lengthen(self._sound, missing)
        count = max(end_frame - self.base, 0)
        self._sound, taken = held[count:].copy(), held[:count]
        self.base += count
        return taken

    def _begin(self, at_frame: int, rate: int) -> None:
        self._end, self._off = at_frame, 0.0
        self._resampler, self._rate = Resampler(rate, HOUSE_RATE), rate

    def _follow(self, at_frame: int, pcm: bytes) -> None:
        """Learn how far off the clocks are, and put it right where nobody hears it."""
        self._off += (at_frame - self._end - self._off) * _TRUST
        is_off = abs(self._off) > _SLIP_FRAMES
        if is_off and np.abs(to_samples(pcm).astype(np.int32)).max(initial=0) < _QUIET:
            self._end += round(self._off)
            self._off = 0.0

    def _store(self, start: int, sound: Any) -> None:
        late = min(max(self.base - start, 0), len(sound))
        first, sound = start + late - self.base, sound[late:]
        if (missing := first + len(sound) - len(self._sound)) > 0:
            self._sound = _lengthen(self._sound, missing)
        if len(sound):
            self._sound[first : first + len(sound)] = sound


class Mix:
    """Two tracks as stereo: left the user, right the assistant."""

    def __init__(self) -> None:
        self._tracks = (Track(), Track())
        self._left_out = 0

    def user(self, pcm: bytes, at_frame: int, rate: int = HOUSE_RATE) -> bytes:
        """What went to the model; returns what is settled by now (PCM16 stereo)."""
        return self._place(0, pcm, at_frame, rate)

    def assistant(self, pcm: bytes, at_frame: int, rate: int = HOUSE_RATE) -> bytes:
        """What the loudspeaker played; the same."""
        return self._place(1, pcm, at_frame, rate)

    def finish(self) -> bytes:
        """The rest."""
        return self._take(self._end)

    @property
    def _end(self) -> int:
        return max(track.end for track in self._tracks)

    def _place(self, side: int, pcm: bytes, at_frame: int, rate: int) -> bytes:
        settled = self._skip_leap(at_frame)
        self._tracks[side].place(pcm, at_frame - self._left_out, rate)
        return settled + self._take(self._end - ms_to_frames(HOLD_MS))

    def _skip_leap(self, at_frame: int) -> bytes:
        """Where nothing was for very long, settle what there is and shorten the nothing."""
        leap = at_frame - self._left_out - self._end
        if leap <= ms_to_frames(LEAP_MS):
            return b""
        self._left_out += leap - ms_to_frames(LEAP_MS)
        return self._take(self._end)

    def _take(self, end_frame: int) -> bytes:
        left, right = (track.pop(end_frame) for track in self._tracks)
        return np.stack([left, right], axis=1).astype("<i2").tobytes() if len(left) else b""


def _lengthen(sound: Any, frames: int) -> Any:
    return np.concatenate([sound, np.zeros(frames, np.int16)])
