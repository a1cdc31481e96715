"""Speech as G.711 mu-law: a sixth of the bytes of PCM, for a line that is slower than speech.

The house's 24 kHz become the telephone's 8 kHz: what lies above 4 kHz is filtered out first, or it
would come back as noise.  Small messages are mostly wrapping, so sound goes in tenths of a second.
Source: ITU-T G.711, table 2a; the Realtime guide on `audio/pcmu`.
"""

from typing import Any

RATE = 8000
FACTOR = 3
_TAPS = 63
_CUTOFF = 3400 / 24_000
_CHUNK = RATE // 10
_BIAS, _CLIP = 132, 32_635


class G711:
    """One stream: PCM16 little-endian mono at 24 kHz in, bytes of mu-law at 8 kHz out."""

    def __init__(self) -> None:
        import numpy  # Only here: nobody else among the providers needs it.

        self._np: Any = numpy
        at = numpy.arange(_TAPS) - _TAPS // 2
        taps = numpy.sinc(2 * _CUTOFF * at) * numpy.hamming(_TAPS)
        self._taps = taps / taps.sum()
        self.clear()

    def clear(self) -> None:
        """What comes next does not belong to what came before."""
        self._before = self._np.zeros(_TAPS - 1)
        self._held = b""

    def pop(self, pcm: bytes) -> bytes:
        """What can be sent after more sound: whole tenths of a second."""
        self._held += self._encode(pcm)
        whole = len(self._held) - len(self._held) % _CHUNK
        sound, self._held = self._held[:whole], self._held[whole:]
        return sound

    def flush(self) -> bytes:
        """The rest."""
        sound, self._held = self._held, b""
        return sound

    def _encode(self, pcm: bytes) -> bytes:
        np = self._np
        joined = np.concatenate([self._before, np.frombuffer(pcm, "<i2")])
        keep = len(joined) - _TAPS + 1
        taken = max(0, -(-keep // FACTOR))
        self._before = joined[taken * FACTOR :]
        if not taken:
            return b""
        filtered = np.convolve(joined, self._taps, "valid")[::FACTOR]
        return self._compress(np.rint(filtered))

    def _compress(self, samples: Any) -> bytes:
        """Linear samples of 16 bits to mu-law: sign, segment and step, all bits turned over."""
        np = self._np
        size = np.minimum(np.abs(samples), _CLIP).astype(np.int32) + _BIAS
        segment = np.frexp(size)[1].astype(np.int32) - 8
        step = (size >> (segment + 3)) & 0x0F
        sign = np.where(samples < 0, 0x80, 0)
        coded: bytes = (~(sign | segment << 4 | step) & 0xFF).astype(np.uint8).tobytes()
        return coded
