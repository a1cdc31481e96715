"""Sound between the parts: WAV in and out, and any rate to 24 kHz; NumPy only when it is needed."""

import base64
import contextlib
import struct
from typing import TYPE_CHECKING

from voicechat.errors import ServiceError
from voicechat.text.phrase import phrase

if TYPE_CHECKING:
    from voicechat.audio.resample import Resampler

RATE = 24_000
"""Hz, of all sound that passes between the parts: PCM16 little-endian mono."""
BYTES_PER_MS = RATE * 2 // 1000
_MP3 = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_FOREIGN = (*_MP3, b"OggS", b"fLaC", b'{"', b"<!DO", b"<htm")
"""How files begin that would be a burst of noise if they were played as samples."""


def ms_of(pcm_bytes: int) -> int:
    """Whole milliseconds in so many bytes."""
    return pcm_bytes // BYTES_PER_MS


def wav(pcm: bytes) -> bytes:
    """A WAV file of PCM16 mono at 24 kHz (RIFF, Microsoft/IBM 1991)."""
    shape = struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    head = b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " + shape
    return head + b"data" + struct.pack("<I", len(pcm)) + pcm


class SpeechStream:
    """Turns a stream of WAV, or of bare PCM16, into PCM16 mono at 24 kHz."""

    def __init__(self, rate: int = RATE) -> None:
        """`rate` in Hz is that of bare samples; a WAV file says its own."""
        self._head = b""
        self._body = False
        self._rest = b""
        self._bare_rate = rate
        self._resampler: Resampler | None = None

    def feed(self, data: bytes) -> bytes:
        """More of the stream in, sound out as soon as the header has been read.

        Raises:
            ServiceError: It is no sound in 16-bit mono, or at a rate that no speech has.
        """
        if not self._body:
            data = self._read_head(data)
        data = self._rest + data
        whole = len(data) & ~1
        self._rest = data[whole:]
        return self._resampler.process(data[:whole]) if self._resampler else data[:whole]

    def finish(self) -> bytes:
        """The end of the stream: what was still held back."""
        return self._resampler.flush() if self._resampler else b""

    def _read_head(self, data: bytes) -> bytes:
        self._head += data
        if len(self._head) < 4:
            return b""
        if not self._head.startswith(b"RIFF"):
            return self._begin_bare()
        at = 12
        while len(self._head) >= at + 8:
            name, size = struct.unpack_from("<4sI", self._head, at)
            if name == b"data":
                return self._begin(self._head[at + 8 :])
            if name == b"fmt " and len(self._head) >= at + 24:
                self._read_shape(self._head[at + 8 :])
            at += 8 + size + size % 2
        return b""

    def _begin_bare(self) -> bytes:
        if self._head.startswith(_FOREIGN):
            raise _no_sound()
        self._set_rate(self._bare_rate)
        return self._begin(self._head)

    def _begin(self, body: bytes) -> bytes:
        self._body, self._head = True, b""
        return body

    def _read_shape(self, shape: bytes) -> None:
        kind, channels, rate = struct.unpack_from("<HHI", shape)
        (bits,) = struct.unpack_from("<H", shape, 14)
        if kind not in (1, 0xFFFE) or channels != 1 or bits != 16:
            raise _no_sound()
        self._set_rate(rate)

    def _set_rate(self, rate: int) -> None:
        if not 4000 <= rate <= 192_000:
            raise _no_sound()
        if rate != RATE and self._resampler is None:
            self._resampler = _resampler(rate)


def decode_sound(text: str, name: str) -> bytes:
    """The bytes of a base64 field (RFC 4648); `name` is the host, for the message.

    Raises:
        ServiceError: It is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ServiceError(phrase("{who} sent sound that cannot be read", who=name)) from None


def _no_sound() -> ServiceError:
    return ServiceError(
        phrase("The speech is no 16-bit mono sound"), phrase("Ask the service for PCM")
    )


def _resampler(rate: int) -> "Resampler":
    # Late: NumPy takes longer to load than the whole server to start.
    from voicechat.audio.resample import Resampler

    return Resampler(rate, RATE)


def warm_up() -> None:
    """Load what the first sound will need; for a thread, while nobody waits."""
    with contextlib.suppress(ImportError):
        import webrtcvad  # noqa: F401
    _resampler(22_050).process(bytes(2048))
