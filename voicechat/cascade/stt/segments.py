"""What of a turn is speech, and where it may be cut.

Services of transcription are paid by the second, hear words in silence that nobody said, and some
take half a minute at most.
"""

from collections.abc import Sequence

from voicechat.audio.vad import FRAME_BYTES, FRAME_MS, frame_dbfs
from voicechat.cascade.server.vad import make_turn_detector

_THRESHOLD = 0.25
"""Rather lenient: a quiet voice that is thrown away is worse than a noise that is sent."""
_ONSET = 3
"""Voiced frames among five that make speech: a click is none, a short "no" is."""
_BEFORE = 10
_AFTER = 15
"""Frames that stay around the speech: 200 ms and 300 ms."""


def spoken_pieces(pcm: bytes, longest_ms: int) -> list[bytes]:
    """The speech in PCM16 mono at 24 kHz, in pieces of at most `longest_ms`; empty: there is none.

    A longer turn is cut in the middle of a pause, or at its quietest moment where it has none; the
    silence around each piece is left out.
    """
    detect = make_turn_detector(_THRESHOLD)
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    if frames and len(frames[-1]) < FRAME_BYTES:
        frames.pop()
    voiced = [detect(frame) for frame in frames]
    spans = _spans(frames, voiced, (0, len(frames)), max(2, longest_ms // FRAME_MS))
    return [b"".join(frames[start:end]) for start, end in spans]


def _spans(
    frames: Sequence[bytes], voiced: Sequence[bool], within: tuple[int, int], longest: int
) -> list[tuple[int, int]]:
    """The pieces between two places, counted in frames."""
    spans = []
    start, end = _trimmed(voiced, *within)
    while end - start > longest:
        cut = _cut(frames, voiced, start + longest // 2, start + longest)
        spans.append(_trimmed(voiced, start, cut))
        start, end = _trimmed(voiced, cut, end)
    return [span for span in [*spans, (start, end)] if span[0] < span[1]]


def _trimmed(voiced: Sequence[bool], start: int, end: int) -> tuple[int, int]:
    """The span without the silence around its speech; an empty one when it holds none."""
    spoken = [at for at in range(start, end) if voiced[at]]
    if not any(sum(voiced[at : min(at + 5, end)]) >= _ONSET for at in spoken):
        return end, end
    return max(start, spoken[0] - _BEFORE), min(end, spoken[-1] + 1 + _AFTER)


def _cut(frames: Sequence[bytes], voiced: Sequence[bool], low: int, high: int) -> int:
    """The middle of the longest pause between two places, else the quietest frame there."""
    longest, best, pause = 0, 0, 0
    for at in range(low, high):
        pause = 0 if voiced[at] else pause + 1
        if pause > longest:
            longest, best = pause, at + 1 - pause // 2
    return best or min(range(low, high), key=lambda at: frame_dbfs(frames[at]))
