"""10 ms of one side of a call, and what everybody asks of it, reckoned once.

The echo's rooms look at a hundred of these a second from each side, and a look through numpy at so
little sound costs more than what is done to it.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import HOUSE_RATE, to_samples

FRAME_MS = 10
FRAME = HOUSE_RATE * FRAME_MS // 1000
"""Samples in it.  AEC3 takes exactly this; it fills up anything else with zeros, which ruins the
sound."""

Samples: TypeAlias = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Slice:
    """FRAME samples at the house rate."""

    samples: Samples
    power: float
    """The sum of the squares."""

    @classmethod
    def of(cls, samples: Samples) -> "Slice":
        wide = samples.astype(np.float32)
        return cls(samples, float(wide @ wide))

    @property
    def is_silent(self) -> bool:
        """Whether it is nothing but zeros."""
        return not self.power


SILENCE = Slice.of(np.zeros(FRAME, np.int16))


def slices(pcm: bytes) -> list[Slice]:
    """PCM16 mono at the house rate, whole slices of it."""
    rows = to_samples(pcm).reshape(-1, FRAME)
    wide = rows.astype(np.float32)
    powers = np.einsum("ij,ij->i", wide, wide).tolist()
    return [Slice(row, power) for row, power in zip(rows, powers, strict=True)]
