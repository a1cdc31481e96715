"""A sound card that lives in virtual time: a loudspeaker, and an ear that knows what it hears."""

import asyncio
from array import array
from collections.abc import Callable

from voicechat.audio.card.ring import Ring

RATE = 24_000
BLOCK_FRAMES = RATE // 100
"""10 ms."""
_PATIENCE = 10
"""Silent blocks after which the ear waits until something is written again."""


class _Ring(Ring):
    """Tells when there is something to read."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.news = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self.news.set()
        return super().write(data)


class VirtualSpeaker:
    """What `Playout` needs of a loudspeaker."""

    rate = RATE
    block_frames = BLOCK_FRAMES
    latency_ms = 10.0
    generation = 0
    underflows = 0

    def __init__(self) -> None:
        self.ring = _Ring(RATE)

    def take_played(self) -> bytes:
        """For an echo, which nobody hears here."""
        return b""


class VirtualCard:
    """Stands where the sound card stands; without a microphone.

    Args:
        hear: Gets the time and the loudest sample of each block that is not silent.
    """

    microphone = None

    def __init__(self, hear: Callable[[float, int], None]) -> None:
        self.speaker = VirtualSpeaker()
        self._hear = hear

    async def open(self) -> None:
        """It is always there."""

    async def close(self) -> None:
        """It stays."""

    async def watch(self) -> None:
        """Take a block each 10 ms while there is something to play."""
        ring, loop, silent = self.speaker.ring, asyncio.get_running_loop(), 0
        out = memoryview(bytearray(BLOCK_FRAMES * 2))
        while True:
            silent = silent + 1 if not ring.level else 0
            if silent > _PATIENCE:
                ring.news.clear()
                await ring.news.wait()
            if ring.read_into(out):
                self._hear(loop.time(), max(array("h", out)))
            await asyncio.sleep(BLOCK_FRAMES / RATE)
