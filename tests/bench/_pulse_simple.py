"""PulseAudio's own simple client, for what must keep its delay: small blocks, no second prebuffer.

The structures are those of `pulse/sample.h` and `pulse/def.h`; errors raise OSError.
"""

import ctypes
from typing import Any

from tests.fakes.pulse import RATE

_S16LE, _PLAYBACK, _RECORD = 3, 1, 2
_DEFAULT = 0xFFFFFFFF


class _Shape(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_int),
        ("rate", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
    )


class _Buffer(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


def _library() -> Any:
    library = ctypes.CDLL("libpulse-simple.so.0")
    library.pa_simple_new.restype = ctypes.c_void_p
    library.pa_simple_get_latency.restype = ctypes.c_uint64
    return library


class _Stream:
    """PCM16 mono at RATE."""

    def __init__(self, device: str, direction: int, buffer_ms: int, block_ms: int) -> None:
        self._library = _library()
        self._error = ctypes.c_int(0)
        per_ms = RATE * 2 // 1000
        sizes = (_DEFAULT, buffer_ms * per_ms, 0, block_ms * per_ms, block_ms * per_ms)
        name = b"air"
        self._stream = self._library.pa_simple_new(
            None,
            name,
            direction,
            device.encode(),
            name,
            ctypes.byref(_Shape(_S16LE, RATE, 1)),
            None,
            ctypes.byref(_Buffer(*sizes)),
            ctypes.byref(self._error),
        )
        if not self._stream:
            raise OSError(f"PulseAudio error {self._error.value} with {device}")

    @property
    def latency_ms(self) -> float:
        """Of what is read now since it was emitted, or until what is written now will be."""
        stream = ctypes.c_void_p(self._stream)
        micros = self._library.pa_simple_get_latency(stream, ctypes.byref(self._error))
        return float(micros) / 1000

    def _check(self, code: int) -> None:
        if code < 0:
            raise OSError(f"PulseAudio error {self._error.value}")


class Ear(_Stream):
    """Records a source."""

    def __init__(self, device: str, block_ms: int = 10) -> None:
        super().__init__(device, _RECORD, 0, block_ms)

    def read(self, size: int) -> bytes:
        """So many bytes, as soon as they are there."""
        data = ctypes.create_string_buffer(size)
        stream, length = ctypes.c_void_p(self._stream), ctypes.c_size_t(size)
        read = self._library.pa_simple_read
        self._check(read(stream, data, length, ctypes.byref(self._error)))
        return data.raw


class Mouth(_Stream):
    """Plays into a sink; what comes late is heard late."""

    def __init__(self, device: str, buffer_ms: int, block_ms: int = 5) -> None:
        super().__init__(device, _PLAYBACK, buffer_ms, block_ms)

    def write(self, pcm: bytes) -> None:
        stream, length = ctypes.c_void_p(self._stream), ctypes.c_size_t(len(pcm))
        write = self._library.pa_simple_write
        self._check(write(stream, pcm, length, ctypes.byref(self._error)))
