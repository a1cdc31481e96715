"""What was played, beside what was heard: one queue, read in step with the microphone.

The rule: frames are counted, clocks are not read.  A frame of the microphone belongs to the frame
that was written to the loudspeaker when the microphone's callback gave it; the echo of that one
comes later, never earlier, and a canceller finds by itself how much later.  What waits in the queue
is given that much too late, and must stay less than the way of the echo: so the queue holds as
little as the callbacks allow.

Callbacks come in bursts, clocks of two devices drift, an overloaded machine loses blocks.  When the
queue runs dry, silence stands in, and what comes after is given that much later: so it is after a
real gap in the sound, and after a callback that was merely late it does no harm.  What is left over
all through half a second is thrown away.
"""

from voicechat.audio.pcm import FRAME_BYTES, HOUSE_RATE, ms_to_bytes, silence

WINDOW_MS = 500
CUSHION_MS = 5
"""What is left over at worst, after the queue was put right or ran dry."""
MOST_MS = 20
"""More than that left over at worst, within half a second, is thrown away."""
CAPACITY_MS = 4000


class Reference:
    """Sound on its way from the loudspeaker to the microphone: PCM16 mono at the house rate."""

    def __init__(self) -> None:
        self.shifts = 0
        """How often the queue ran dry or was put right, since the beginning."""
        self._hold = 0
        self.restart()

    def restart(self) -> None:
        """A device was opened anew: begin with what is played from now on."""
        self._queue = bytearray()
        self._is_new = True
        self._begin_window()

    def put(self, pcm: bytes) -> None:
        """This was written to the loudspeaker; the oldest goes when far too much waits."""
        self._queue += pcm
        del self._queue[: max(len(self._queue) - ms_to_bytes(CAPACITY_MS), 0)]

    def pop(self, frames: int, waiting: int = 0) -> bytes:
        """What belongs to the next frames of the microphone; silence stands in for what is late.

        Args:
            frames: Of the microphone, now processed.
            waiting: Frames of the microphone that are there already and come next.
        """
        size = frames * FRAME_BYTES
        if self._is_new:
            self._is_new = False
            self._keep(size + waiting * FRAME_BYTES + ms_to_bytes(CUSHION_MS) + self._hold)
        pcm = bytes(self._queue[:size])
        del self._queue[:size]
        missing = size - len(pcm)
        if missing:
            self.shifts += 1
            self._shift(ms_to_bytes(CUSHION_MS))
        self._watch(frames, len(self._queue) - waiting * FRAME_BYTES - self._hold)
        return pcm + silence(missing // FRAME_BYTES)

    def hold_back(self, ms: int) -> None:
        """Give everything later by so much than before; for echoes that come very late."""
        extra = ms_to_bytes(ms) - self._hold
        self._hold += extra
        self._shift(extra)
        self._begin_window()

    @property
    def held_ms(self) -> float:
        """By how much everything is given later."""
        return self._hold / FRAME_BYTES * 1000 / HOUSE_RATE

    # -- inside ---------------------------------------------------------------------------------

    def _keep(self, size: int) -> None:
        """Begin with the newest; where there is less, with silence before it."""
        del self._queue[: max(len(self._queue) - size, 0)]
        self._queue[:0] = bytes(size - len(self._queue))

    def _begin_window(self) -> None:
        self._window, self._worst = 0, ms_to_bytes(CAPACITY_MS)

    def _watch(self, frames: int, left: int) -> None:
        """See what is left over at worst within half a second."""
        self._window += frames
        self._worst = min(self._worst, left)
        if self._window * FRAME_BYTES >= ms_to_bytes(WINDOW_MS):
            self._trim()

    def _trim(self) -> None:
        """Throw away what is left over for no reason."""
        worst = self._worst
        self._begin_window()
        if worst > ms_to_bytes(MOST_MS):
            self.shifts += 1
            self._shift(ms_to_bytes(CUSHION_MS) - worst)

    def _shift(self, size: int) -> None:
        """Let the queue give everything later by `size` bytes, or earlier."""
        del self._queue[: max(-size, 0)]
        self._queue[:0] = bytes(max(size, 0))
