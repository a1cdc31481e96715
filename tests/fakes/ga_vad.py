"""An energy voice activity detector: loud for a while is speech, quiet for a while is its end.

Time is counted in received sound only, as the service counts it: without sound nothing happens.
"""

from dataclasses import dataclass
from typing import Literal

from tests.fakes.ga_signal import BYTES_PER_MS, rms_of

STEP_MS = 20
ONSET_MS = 60
"""Loud for so long, without a gap, is speech: a click is not."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Speech began or ended at `at_ms` of the sound received in this session."""

    kind: Literal["started", "stopped"]
    at_ms: int


class EnergyVad:
    """Feed it PCM16 at 24 kHz, get the edges.

    `threshold_rms` is in PCM16 units; `silence_ms` may be changed at any time.
    """

    def __init__(self, threshold_rms: float = 500.0, silence_ms: int = 200) -> None:
        self.threshold_rms = threshold_rms
        self.silence_ms = silence_ms
        self.heard_ms = 0
        self.speaking = False
        self._rest = b""
        self._loud_ms = 0
        self._quiet_ms = 0

    def feed(self, pcm: bytes) -> list[Edge]:
        """Take more sound; the edges in it, in order."""
        data = self._rest + pcm
        step = STEP_MS * BYTES_PER_MS
        whole = len(data) // step * step
        self._rest = data[whole:]
        edges = [self._step(data[at : at + step]) for at in range(0, whole, step)]
        return [edge for edge in edges if edge]

    def forget(self) -> None:
        """The buffer was cleared or committed by the client: what was begun is over."""
        self.speaking = False
        self._loud_ms = self._quiet_ms = 0

    def _step(self, pcm: bytes) -> Edge | None:
        loud = rms_of(pcm) >= self.threshold_rms
        self.heard_ms += STEP_MS
        self._loud_ms = self._loud_ms + STEP_MS if loud else 0
        self._quiet_ms = 0 if loud else self._quiet_ms + STEP_MS
        if not self.speaking and self._loud_ms >= ONSET_MS:
            self.speaking = True
            return Edge("started", self.heard_ms - self._loud_ms)
        if self.speaking and self._quiet_ms >= self.silence_ms:
            self.speaking = False
            return Edge("stopped", self.heard_ms - self._quiet_ms)
        return None
