"""A ring of PCM16 between exactly two threads: one writes, the other reads.

The rule: only the writer moves `written`, only the reader moves `read`, `silent` and `starved`.
Each is one int, stored whole, so neither side locks and neither ever waits.  A frame is one sample
of two bytes.

`rewind` is the one thing that needs care: the writer takes back what the reader may just be
taking.  So the reader *claims* what it will copy before it copies, and looks again at `written`;
the writer first lowers `written` to where the fade begins and then looks at the claim.  Whoever
comes second sees the other (Peterson's argument; CPython stores and loads in program order), and
both agree on the end.  What is being faded lies behind `written` until it is done, so nobody hears
half of it; a reader that comes in that very moment plays silence before it.
"""

from voicechat.audio.pcm import FRAME_BYTES, fade_out


class Ring:
    """Room for `capacity` frames."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.written = 0
        """Frames written since the beginning, less those taken back."""
        self.read = 0
        """Frames read since the beginning."""
        self.silent = 0
        """Frames of silence given since the beginning because data had run out."""
        self.starved = 0
        """Frames of silence given since the last frame of data."""
        self._claimed = 0
        self._bytes = memoryview(bytearray(capacity * FRAME_BYTES))
        self._silence = memoryview(bytes(capacity * FRAME_BYTES))

    @property
    def level(self) -> int:
        """Frames waiting to be read."""
        return max(self.written - self.read, 0)

    @property
    def free(self) -> int:
        """Frames that can be written now."""
        return self.capacity - self.level

    # -- the writer's side ----------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Store what fits; return how many frames that was."""
        view = memoryview(data)
        count = min(len(view) // FRAME_BYTES, self.free)
        self._store(self.written, view[: count * FRAME_BYTES])
        self.written += count
        return count

    def rewind(self, keep_frames: int, fade_frames: int) -> int:
        """Take back what was not read, except the next `keep_frames`, whose end is faded out.

        Args:
            keep_frames: `fade_frames` at least.
            fade_frames: How many of the kept frames go down to silence in a straight line.

        Returns:
            `written` as it is now: where the sound will end.
        """
        full, read = self.written, self.read
        start = min(read + keep_frames - fade_frames, max(full - fade_frames, read))
        self.written = start
        start = min(max(start, self._claimed), full)  # The reader may take a block just now.
        end = min(start + fade_frames, full)
        self._fade(start, end)
        self.written = end
        return end

    # -- the reader's side ----------------------------------------------------------------------

    def read_into(self, out: memoryview) -> int:
        """Fill `out` (bytes), with silence where data ran out; return the frames of data."""
        wanted = len(out) // FRAME_BYTES
        self._claimed = self.read + max(min(wanted, self.written - self.read), 0)
        count = max(min(self._claimed, self.written) - self.read, 0)
        self._claimed = self.read + count
        size = count * FRAME_BYTES
        self._load(self.read, out[:size])
        self.read += count
        if count < wanted:
            self._fill(out[size:])
            self.silent += wanted - count
            self.starved = (0 if count else self.starved) + wanted - count
        else:
            self.starved = 0
        return count

    def skip(self) -> int:
        """Throw away all that waits; return how many frames that was."""
        count = self.level
        self._claimed = self.read = self.read + count
        return count

    # -- inside ---------------------------------------------------------------------------------

    def _store(self, position: int, view: memoryview) -> None:
        at = position % self.capacity * FRAME_BYTES
        first = min(len(view), len(self._bytes) - at)
        self._bytes[at : at + first] = view[:first]
        self._bytes[: len(view) - first] = view[first:]

    def _load(self, position: int, out: memoryview) -> None:
        at = position % self.capacity * FRAME_BYTES
        first = min(len(out), len(self._bytes) - at)
        out[:first] = self._bytes[at : at + first]
        out[first:] = self._bytes[: len(out) - first]

    def _fill(self, out: memoryview) -> None:
        out[:] = self._silence[: len(out)] if len(out) <= len(self._silence) else bytes(len(out))

    def _fade(self, start: int, end: int) -> None:
        tail = bytearray(max(end - start, 0) * FRAME_BYTES)
        self._load(start, memoryview(tail))
        self._store(start, memoryview(fade_out(bytes(tail))))
