"""Reading a recording: where it is loud, which sound of which reply it is, and what of it.

A reply of the stand-in is a timecode (`ga_signal`), so that a recording of the loudspeaker tells to
a millisecond what was emitted, whatever the program believes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fakes.ga_signal import BYTES_PER_MS, Stretch, decode_track, rms_of, timecode
from tests.fakes.pulse import RATE

QUIET = 200
"""|sample| under which the loudspeaker counts as silent."""
BREAK_MS = 30
"""So much silence parts two runs of sound."""
WINDOW_MS = 20
STEP = RATE // 1000
BLOCKS_MS = 25
"""What may be amiss where an overloaded sound server stumbled."""


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
        run = pcm[first * 2 : end * 2]
        stretches = decode_track(run, indexes, longest_ms=longest_ms)
        found += [_exactly(stretch, run, first * 1000 / RATE) for stretch in stretches]
    return found


def _exactly(stretch: Stretch, run: bytes, at_ms: float) -> Emitted:
    """`decode_track` sees whole windows only: follow the sound to both ends of the stretch."""
    shift_ms = stretch.from_ms - stretch.at_ms
    sound = samples(timecode(stretch.index, stretch.to_ms + 2 * WINDOW_MS))
    begin, end = stretch.at_ms, stretch.at_ms + stretch.duration_ms
    while (
        begin > 0 and begin > stretch.at_ms - WINDOW_MS and _fits(sound, run, shift_ms, begin - 1)
    ):
        begin -= 1
    limit = min(end + WINDOW_MS, len(run) / BYTES_PER_MS)
    while end < limit and _fits(sound, run, shift_ms, end):
        end += 1
    return Emitted(stretch.index, max(begin, 0) + shift_ms, end + shift_ms, at_ms + max(begin, 0))


def _fits(sound: Any, run: bytes, shift_ms: float, at_ms: float) -> bool:
    """Whether a millisecond of the run is the sound that belongs there."""
    heard = samples(run)[round(at_ms * RATE / 1000) :][:STEP]
    meant = sound[max(round((at_ms + shift_ms) * RATE / 1000), 0) :][: heard.size]
    norm = float(np.linalg.norm(heard) * np.linalg.norm(meant))
    return meant.size == heard.size and norm > 0 and float(heard @ meant) / norm > 0.8


def check_unbroken(pieces: list[Emitted]) -> None:
    """The pieces of one item follow each other from its beginning: nothing is lost or doubled.

    A sound server on an overloaded machine may drop or repeat a block or two: not our doing.
    """
    ends = [0.0, *(piece.to_ms for piece in pieces)]
    for before, piece in zip(ends, pieces, strict=False):
        assert abs(piece.from_ms - before) <= BLOCKS_MS, f"{before} -> {piece.from_ms} in {pieces}"


def check_truncation(told_ms: float, played_ms: float) -> None:
    """Nothing was played beyond what was told, and what was told was played.

    Where the machine is overloaded the sound server may lose what it holds as the sound ends.
    """
    assert -20 <= told_ms - played_ms <= 80, f"told {told_ms} ms, played {played_ms} ms"


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


def share_found(piece: bytes, within: bytes, chunk_ms: int = 250) -> float:
    """How much of a sound is in a recording: chunk by chunk, so pauses do not matter."""
    size = chunk_ms * RATE // 500
    chunks = [piece[at : at + size] for at in range(0, len(piece) - size + 1, size)]
    loud = [chunk for chunk in chunks if rms_of(chunk) > QUIET]
    return sum(find(chunk, within)[1] > 0.9 for chunk in loud) / len(loud) if loud else 0.0
