"""Clocks that part for hours: the delay of speech that never ends stays where it was.

One part in two thousand, as two cheap crystals may part, is 7 s in four hours.
"""

import pytest

from tests.audio.voices import glide, hush
from voicechat.audio.playback.jitter import JitterBuffer, Stats

RATE = 24_000
STEP_MS = 20
FRAME_MS = 100
SAYS = glide(2400, 120, 180) + hush(600)
"""Three seconds of somebody who talks, over and over."""


class Call:
    """A source that sends a tenth of a second as often as its own clock says."""

    def __init__(self, ppm: float) -> None:
        self.jitter = JitterBuffer(RATE, is_paced=True)
        self._every_ms = FRAME_MS * (1 + ppm * 1e-6)
        self._due_ms = 0.0
        self._at = self._silence = 0
        self.levels: list[int] = []
        """Milliseconds that waited, each second."""

    def run(self, seconds: int) -> Stats:
        for step in range(seconds * 1000 // STEP_MS):
            self._send(step * STEP_MS)
            self._play(RATE * STEP_MS // 1000)
            if step % (1000 // STEP_MS) == 0:
                self.levels.append(self.jitter.stats().level_ms)
        return self.jitter.stats()

    def _send(self, now_ms: float) -> None:
        while self._due_ms <= now_ms:
            size = RATE * FRAME_MS // 1000 * 2
            self.jitter.insert("reply", "item", SAYS[self._at : self._at + size])
            self._at = (self._at + size) % len(SAYS)
            self._due_ms += self._every_ms

    def _play(self, wanted: int) -> None:
        while wanted:
            silence, self._silence = self._silence, 0
            block = self.jitter.get(wanted, 0, silence)
            if block is None:
                break
            wanted -= len(block.pcm) // 2
        self._silence += wanted


@pytest.mark.fault("A11")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("ppm", [-500, 500])
@pytest.mark.parametrize("seconds", [300, pytest.param(4 * 3600, marks=pytest.mark.long)])
def test_the_delay_stays_near_its_target_however_long_it_lasts(seconds: int, ppm: int) -> None:
    call = Call(ppm)
    stats = call.run(seconds)
    parted_ms = seconds * abs(ppm) / 1000
    settled = call.levels[60:]
    assert max(settled) <= stats.target_ms + FRAME_MS, "it lags more and more"
    assert sum(settled) / len(settled) <= stats.target_ms
    made_up = stats.dropped_ms - stats.added_ms - stats.gap_ms
    assert abs(made_up + ppm * seconds / 1000) <= stats.target_ms + FRAME_MS
    assert stats.gap_ms <= 0.25 * parted_ms + FRAME_MS, "in words, not in pauses"
