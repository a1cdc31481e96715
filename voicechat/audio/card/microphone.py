"""What the microphone hears, as a steady stream of chunks, whatever happens to the device.

The rule: as soon as possible, without a busy loop and without a call from the callback into the
event loop (which is neither portable nor cheap).  The callback stamps its time, and the reader
sleeps until half a millisecond after the callback that will complete the chunk.  While the device
is gone, silence comes at the pace of the clock, so that whoever finds the end of a turn by its
silence keeps time.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Literal, TypeAlias

from voicechat.audio.card.health import Health, Ill, Waking
from voicechat.audio.card.portaudio import Capture
from voicechat.audio.pcm import (
    FRAME_BYTES,
    HOUSE_RATE,
    ms_to_bytes,
    ms_to_frames,
    silence,
)
from voicechat.audio.resample import Resampler

Trouble: TypeAlias = Literal["silent"] | Ill

_MARGIN_S = 0.0005
_LATE_S = 0.002
"""How often to look again for a callback that is late."""
_FULL_SILENCE_MS = 2000
"""The most silence that is made up for at once, e.g. after the computer slept."""


class Microphone:
    """Yields PCM16 mono at `rate`.

    Args:
        capture: The open device.
        chunk_ms: How much comes at once.
        on_trouble: Called once for each thing that is wrong with what comes, after a few seconds:
            nothing but zeros, a constant, or too much.
    """

    rate = HOUSE_RATE

    def __init__(
        self, capture: Capture, chunk_ms: int, on_trouble: Callable[[Trouble], None]
    ) -> None:
        self._chunk = ms_to_bytes(chunk_ms)
        self._on_trouble = on_trouble
        self.is_expected = True
        """Whether the user is to be heard now: only then silence is a sign of trouble."""
        self._pending = bytearray()
        self.heard_at = 0.0
        """When (`time.perf_counter`) the end of the last chunk was at the microphone."""
        self._collected_at = 0.0
        self._past_overflows = 0
        self._silence_since = self._silence_given = 0.0
        self._capture: Capture | None = None
        self.generation = -1
        """Changes when the device was opened again."""
        self.attach(capture)

    @property
    def device_name(self) -> str:
        """The device that is open; empty while there is none."""
        return self._capture.device.name if self._capture else ""

    @property
    def overflows(self) -> int:
        """How often sound was lost because nobody took it in time."""
        return self._past_overflows + (self._capture.xruns if self._capture else 0)

    @property
    def waiting(self) -> int:
        """Frames that are here already, and come at once after the chunk that was given last."""
        return len(self._pending) // FRAME_BYTES

    def lag_ms(self, now: float) -> float:
        """How long ago the end of the last chunk was at the microphone; 0 while there is none.

        Args:
            now: `time.perf_counter`.
        """
        return 0.0 if self._capture is None or not self.heard_at else (now - self.heard_at) * 1000

    def attach(self, capture: Capture) -> None:
        """Go on with a device that was opened (again)."""
        self._capture = capture
        self.generation += 1
        self._resampler = Resampler(capture.rate, self.rate)
        self._waking = Waking(capture.rate)
        self._health = Health(capture.rate)

    @property
    def is_waking(self) -> bool:
        """Whether the device was just opened and has given nothing but zeros so far."""
        return self._capture is not None and self._waking.is_waking

    def detach(self) -> None:
        """The device is gone; silence takes its place, from the last that was heard on."""
        if self._capture is not None:
            self._past_overflows += self._capture.xruns
            self._silence_since, self._silence_given = self._capture.stamp, 0.0
            self._capture = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is heard from now on, for ever.  For one reader at a time.

        After a stall of the event loop everything that waited comes at once.
        """
        self._begin()
        while True:
            self._collect(time.perf_counter())
            while len(self._pending) >= self._chunk:
                chunk = bytes(self._pending[: self._chunk])
                del self._pending[: self._chunk]
                self.heard_at = self._collected_at - len(self._pending) / FRAME_BYTES / self.rate
                yield chunk
            await asyncio.sleep(self._wait_s(time.perf_counter()))

    # -- inside ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Forget what came while nobody listened."""
        self._pending.clear()
        self._silence_since, self._silence_given = time.perf_counter(), 0.0
        if self._capture is not None:
            self._capture.skip()

    def _collect(self, now: float) -> None:
        if self._capture is None:
            self._pending += self._made_up(now)
            self._collected_at = now
        elif heard := self._capture.pop():
            if self._waking.hear(heard, is_expected=self.is_expected):
                self._on_trouble("silent")
            if ill := self._health.hear(heard):
                self._on_trouble(ill)
            self._pending += self._resampler.process(heard)
            self._collected_at = self._capture.stamp - self._capture.latency_ms / 1000

    def _made_up(self, now: float) -> bytes:
        """Silence that is due by now."""
        due_ms = (now - self._silence_since) * 1000 - self._silence_given
        frames = ms_to_frames(min(due_ms, _FULL_SILENCE_MS), self.rate)
        self._silence_given += due_ms if due_ms > _FULL_SILENCE_MS else frames * 1000 / self.rate
        return silence(frames)

    def _wait_s(self, now: float) -> float:
        """How long until the chunk can be complete."""
        missing_s = (self._chunk - len(self._pending)) / FRAME_BYTES / self.rate
        if self._capture is None:
            return missing_s
        block_s = self._capture.block_frames / self._capture.rate
        blocks = max(math.ceil(missing_s / block_s - 1e-6), 1)
        due = self._capture.stamp + blocks * block_s + _MARGIN_S
        return due - now if due > now else _LATE_S
