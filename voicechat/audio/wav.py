"""Sound files: read any ordinary WAV as PCM16 mono, write one that is whole at any moment.

Sources: Microsoft's "Multiple channel audio data and WAVE files" (WAVE_FORMAT_EXTENSIBLE), the RIFF
sizes as programs that stream really write them (0 or 0xFFFFFFFF: to the end of the file), and EBU
Tech 3306 (RF64: files beyond 4 GiB, for which a JUNK chunk keeps the place).
"""

import io
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import FULL_SCALE, HOUSE_RATE, to_pcm
from voicechat.audio.resample import Resampler
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.phrase import phrase
from voicechat.text import clean_line

_HEADER = struct.Struct("<4sI4s 4sI28s 4sIHHIIHH 4sI")
_SIZES = struct.Struct("<QQQI")
_SIZE_LIMIT = 0xFFFFFFFF
_PCM, _EXTENSIBLE = 1, 0xFFFE
_HINT = phrase("Convert it first, e.g.: ffmpeg -i file -ac 1 -ar 24000 -c:a pcm_s16le file.wav")
_RATES = range(1_000, 768_001)


def read_wav(path: str | Path, rate: int = HOUSE_RATE) -> bytes:
    """The sound of a WAV file as PCM16 mono at `rate` Hz.

    Integers of 8, 16, 24 and 32 bits, floats of 32 and 64, any number of channels (the mean is
    taken), any rate, plain or extensible.  A file that was cut off gives what there is.

    Raises:
        ConfigError: it cannot be read, or it is no such WAV file.
    """
    shown = str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            phrase("Cannot read {path}: {why}", path=shown, why=error.strerror),
            phrase("Check the name"),
        ) from None
    form, body = _chunks(data, shown)
    encoding, channels, source_rate, bits = _format(form, shown)
    samples = _samples(body, encoding, bits, shown)
    mono = samples[: samples.size // channels * channels].reshape(-1, channels).mean(axis=1)
    resampler = Resampler(source_rate, rate)
    return resampler.process(to_pcm(mono * FULL_SCALE)) + resampler.flush()


class WavWriter:
    """A PCM16 WAV file that grows; only the user may read it (0600).

    The header is brought up to date after every write, so that the file is whole even when the
    program is killed.  Beyond 4 GiB it becomes RF64.  Channels are interleaved.

    Args:
        is_new: Raise FileExistsError instead of replacing a file.

    Raises:
        VoiceChatError: the file cannot be made or written.
    """

    def __init__(
        self,
        path: str | Path,
        rate: int = HOUSE_RATE,
        channels: int = 1,
        *,
        is_new: bool = False,
    ) -> None:
        self._path, self._rate, self._channels, self._size = Path(path), rate, channels, 0
        try:
            self._file = open_private(self._path, is_new=is_new)
        except FileExistsError:
            raise
        except (OSError, ValueError) as error:
            raise cannot_write(self._path, error) from None
        self.write(b"")

    def write(self, pcm: bytes) -> None:
        """Append sound; first the samples, then the header that counts them.

        Raises:
            VoiceChatError: the disk is full or gone; the file is closed, whole up to here.
        """
        try:
            self._file.seek(_HEADER.size + self._size)
            rest = memoryview(pcm)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
            self._size += len(pcm)
            self._file.seek(0)
            self._file.write(self._header())
        except OSError as error:
            self.close()
            raise cannot_write(self._path, error) from None

    def close(self) -> None:
        """Nothing is left to be written; closing twice is fine."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _header(self) -> bytes:
        return wav_header(self._size, self._rate, self._channels)


def wav_header(size: int, rate: int, channels: int) -> bytes:
    """The first 80 bytes of a PCM16 file with `size` bytes of sound."""
    frame = channels * 2
    form = (b"fmt ", 16, _PCM, channels, rate, rate * frame, frame, 16)
    whole = size + _HEADER.size - 8
    if whole <= _SIZE_LIMIT:
        return _HEADER.pack(b"RIFF", whole, b"WAVE", b"JUNK", 28, b"", *form, b"data", size)
    sizes = _SIZES.pack(whole, size, size // frame, 0)
    head = (b"RF64", _SIZE_LIMIT, b"WAVE", b"ds64", 28, sizes)
    return _HEADER.pack(*head, *form, b"data", _SIZE_LIMIT)


def open_private(path: Path, *, is_new: bool) -> io.FileIO:
    """A file that only the user may read, for writing (and reading), without a buffer.

    Raises:
        FileExistsError: it exists, and was to be new.
        OSError: it cannot be made.
    """
    how = os.O_RDWR | os.O_CREAT | (os.O_EXCL if is_new else os.O_TRUNC)
    descriptor = os.open(path, how | getattr(os, "O_BINARY", 0), 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(OSError):  # A file system without modes.
            os.chmod(path, 0o600)
    return io.FileIO(descriptor, "r+b")


def cannot_write(path: Path, error: Exception) -> VoiceChatError:
    """What to tell of a file that cannot be made or written."""
    why = getattr(error, "strerror", None) or phrase("not a file name")
    message = phrase("Cannot write {path}: {why}", path=clean_line(str(path), 200), why=why)
    return VoiceChatError(message, phrase("Check the folder and the space on the disk"))


def _chunks(data: bytes, shown: str) -> tuple[bytes, memoryview]:
    """The `fmt ` and `data` chunks."""
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        raise ConfigError(phrase("{path} is no WAV file", path=shown), _HINT)
    form, at, view = b"", 12, memoryview(data)
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data" and form:
            is_streamed = size == 0 or size >= _SIZE_LIMIT - _HEADER.size
            return form, view[at + 8 :] if is_streamed else view[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise ConfigError(phrase("{path} is a WAV file without sound", path=shown), _HINT)


def _format(form: bytes, shown: str) -> tuple[int, int, int, int]:
    """Encoding, channels, rate, bits per sample."""
    if len(form) < 16:
        raise ConfigError(phrase("{path} is a broken WAV file", path=shown), _HINT)
    encoding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16])
    if encoding == _EXTENSIBLE and len(form) >= 26:
        encoding = int.from_bytes(form[24:26], "little")
    if channels == 0 or rate not in _RATES:
        raise ConfigError(
            phrase(
                "{path} is a broken WAV file ({channels} channels, {rate} Hz)",
                path=shown,
                channels=channels,
                rate=rate,
            ),
            _HINT,
        )
    return encoding, channels, rate, bits


def _samples(body: memoryview, encoding: int, bits: int, shown: str) -> npt.NDArray[Any]:
    """All samples, interleaved, on the scale ±1."""
    size = bits // 8
    raw = bytes(body[: len(body) // size * size]) if size else b""
    match encoding, bits:
        case 1, 8:
            return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
        case 1, 16 | 32:
            scale = np.float32(2.0 ** (bits - 1))
            return np.frombuffer(raw, f"<i{size}").astype(np.float32) / scale
        case 1, 24:
            return _widen(raw) / np.float32(2.0**31)
        case 3, 32 | 64:
            return np.nan_to_num(np.frombuffer(raw, f"<f{size}").astype(np.float32))
    raise ConfigError(
        phrase(
            "{path} holds sound of another kind ({encoding}, {bits} bits)",
            path=shown,
            encoding=encoding,
            bits=bits,
        ),
        _HINT,
    )


def _widen(raw: bytes) -> npt.NDArray[np.float32]:
    """24 bits as the upper three bytes of 32."""
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return wide.reshape(-1).view("<i4").astype(np.float32)
