"""Sound as it travels inside JSON: strict base64, whole samples, no file headers.

The rule: doubtful bytes are dropped, never played; a wrong guess is full-scale noise.
"""

import base64
import binascii
from struct import unpack

_URL_SAFE = str.maketrans("-_", "+/")
_HEADER_SEARCH = 4096


def encode(pcm: bytes) -> str:
    return base64.b64encode(pcm).decode("ascii")


def decode(payload: object) -> bytes | None:
    """The bytes, or None where `payload` is no base64 text.

    The URL-safe alphabet, line breaks and missing padding are understood; anything else that does
    not belong there makes the whole payload doubtful.
    """
    if not isinstance(payload, str):
        return None
    packed = "".join(payload.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def without_header(sound: bytes) -> bytes:
    """Sound without the header of a WAV file, which some servers put before every delta."""
    if sound[:4] != b"RIFF" or sound[8:12] != b"WAVE":
        return sound
    at = sound.find(b"data", 12, _HEADER_SEARCH)
    return sound[at + 8 :] if at >= 0 else b""


def peak(pcm: bytes) -> int:
    """The largest |sample| of PCM16 little-endian; half a sample at the end is none."""
    count = len(pcm) // 2
    samples = unpack(f"<{count}h", pcm[: count * 2])
    return max(max(samples), -min(samples)) if samples else 0


class Samples:
    """The sound of one item: joins samples that were cut in two, and counts.

    Attributes:
        received: Bytes in whole samples so far.
    """

    def __init__(self) -> None:
        self.received = 0
        self._half = b""

    def pop(self, sound: bytes) -> bytes:
        """The whole samples there are now; an odd byte waits for its other half."""
        joined = self._half + without_header(sound)
        whole = len(joined) - len(joined) % 2
        self._half = joined[whole:]
        self.received += whole
        return joined[:whole]

    def end(self) -> None:
        """No more will come for this part: half a sample is no sound."""
        self._half = b""

    def duration_ms(self, rate: int) -> int:
        """What was received, rounded down to milliseconds."""
        return self.received // 2 * 1000 // rate
