"""Reading a recording: where it is loud, which sound of which reply it is, and what of it.

A reply of the stand-in is a timecode (`ga_signal`), so that a recording of the loudspeaker tells to
a millisecond what was emitted, whatever the program believes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fakes.ga_signal import Stretch, decode_track
from tests.fakes.pulse import RATE

QUIET = 200
"""|sample| under which the loudspeaker counts as silent."""
BREAK_MS = 30
"""So much silence parts two runs of sound."""


def samples(pcm: bytes) -> Any:
    """PCM16 as floats."""
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64)


def loud_frames(pcm: bytes, level: int = QUIET) -> Any:
    """Indices of the frames that are not silent."""
    return np.flatnonzero(np.abs(samples(pcm)) > level)


def loud_runs(pcm: bytes, level: int = QUIET, break_ms: int = BREAK_MS) -> list[tuple[int, int]]:
    """(first, after the last) frame of each run of sound without a longer silence in it."""
    loud = loud_frames(pcm, level)
    if not loud.size:
        return []
    gaps = np.flatnonzero(np.diff(loud) > RATE * break_ms // 1000)
    starts = [int(loud[0]), *(int(loud[gap + 1]) for gap in gaps)]
    ends = [*(int(loud[gap]) + 1 for gap in gaps), int(loud[-1]) + 1]
    return list(zip(starts, ends, strict=True))


def loud_ms(pcm: bytes) -> float:
    """How much of a recording is sound."""
    return sum(end - first for first, end in loud_runs(pcm)) * 1000 / RATE


def is_quiet(pcm: bytes, ms: int) -> bool:
    """Whether a recording ends with so much silence."""
    return len(pcm) >= ms * RATE // 500 and not loud_frames(pcm[-ms * RATE // 500 :]).size


def active(pcm: bytes, level: int = QUIET) -> bytes:
    """From the first frame that is not silent to the last."""
    loud = loud_frames(pcm, level)
    return pcm[int(loud[0]) * 2 : int(loud[-1]) * 2 + 2] if loud.size else b""


@dataclass(frozen=True, slots=True)
class Emitted:
    """A piece of a recording that is one reply item without a jump."""

    index: int
    """Which timecode."""
    from_ms: float
    """Of the item's sound."""
    to_ms: float
    at_ms: float
    """In the recording."""


def emitted(pcm: bytes, indexes: range = range(3), longest_ms: int = 12_000) -> list[Emitted]:
    """What of which item was emitted, in order; the ends of each run of sound to a millisecond.

    Args:
        indexes: The timecodes to look for.
        longest_ms: How long each of them is at most; the search takes as long as all of them.
    """
    found: list[Emitted] = []
    for first, end in loud_runs(pcm, break_ms=5):
        stretches = decode_track(pcm[first * 2 : end * 2], indexes, longest_ms=longest_ms)
        found += _pieces(stretches, first * 1000 / RATE, (end - first) * 1000 / RATE)
    return found


def _pieces(stretches: list[Stretch], at_ms: float, run_ms: float) -> list[Emitted]:
    """`decode_track` sees whole windows only; where the run begins and ends is known better."""
    pieces = []
    for number, stretch in enumerate(stretches):
        start_ms = 0.0 if number == 0 else stretch.at_ms
        is_last = number == len(stretches) - 1
        end_ms = run_ms if is_last else stretch.at_ms + stretch.duration_ms
        shift = stretch.from_ms - stretch.at_ms
        pieces.append(Emitted(stretch.index, start_ms + shift, end_ms + shift, at_ms + start_ms))
    return pieces


def check_unbroken(pieces: list[Emitted]) -> None:
    """The pieces of one item follow each other from its beginning: nothing is lost or doubled."""
    ends = [0.0, *(piece.to_ms for piece in pieces)]
    for before, piece in zip(ends, pieces, strict=False):
        assert abs(piece.from_ms - before) <= 3, f"from {before} to {piece.from_ms} in {pieces}"


def emitted_ms(pcm: bytes, index: int = 0, longest_ms: int = 12_000) -> float:
    """How far into an item the loudspeaker got; 0 when nothing of it was emitted."""
    pieces = emitted(pcm, range(index, index + 1), longest_ms)
    return max((piece.to_ms for piece in pieces), default=0.0)


def find(piece: bytes, within: bytes) -> tuple[int, float]:
    """The frame of `within` where `piece` fits best, and how well: 1 is the same sound."""
    needle, hay = samples(piece), samples(within)
    if not needle.size or hay.size < needle.size:
        return 0, 0.0
    size = 1 << int(hay.size + needle.size).bit_length()
    product = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)
    at = int(np.argmax(product[: hay.size - needle.size + 1]))
    norm = float(np.linalg.norm(needle) * np.linalg.norm(hay[at : at + needle.size]))
    return at, float(product[at]) / norm if norm else 0.0
