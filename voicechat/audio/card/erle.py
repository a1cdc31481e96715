"""By how much the echo canceller would soften an echo that was recorded (echo return loss
enhancement, ITU-T G.168)."""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from voicechat.audio.echo.canceller import Aec
from voicechat.audio.echo.frame import FRAME, Samples, slices
from voicechat.audio.pcm import FRAME_BYTES, to_samples


def erle_db(
    sound: bytes, heard: bytes, played_at: Sequence[int], heard_at: Sequence[int]
) -> float | None:
    """The median over all times the sound came back; None: there is no canceller here.

    Args:
        sound: What was played, PCM16 mono at the house rate.
        heard: All that the microphone gave, at the same rate.
        played_at: Frames of `heard` at which the sound was given to the loudspeaker.
        heard_at: Frames of `heard` at which it came back.
    """
    try:
        canceller = Aec(noise_suppression=False)
    except ImportError:
        return None
    before = to_samples(heard)[: len(heard) // FRAME_BYTES // FRAME * FRAME]
    played = _track(to_samples(sound), played_at, len(before))
    pairs = zip(slices(before.tobytes()), slices(played.tobytes()), strict=True)
    after = np.concatenate([canceller.process(one, other) for one, other in pairs])
    length = len(sound) // FRAME_BYTES + FRAME  # The canceller holds its sound back for a frame.
    return median(
        10 * math.log10(_power(before[at : at + length]) / _power(after[at : at + length]))
        for at in heard_at
    )


def _track(sound: Samples, places: Sequence[int], frames: int) -> Samples:
    track = np.zeros(frames, np.int16)
    for place in places:
        start = max(place, 0)
        piece = sound[: max(frames - start, 0)]
        track[start : start + len(piece)] = piece
    return track


def _power(samples: Samples) -> float:
    wide = samples.astype(np.float64)
    return max(float(wide @ wide), 1.0)
