"""Sound files: read any ordinary WAV as PCM16 mono, write one that is whole at any moment.

Sources: Microsoft's "Multiple channel audio data and WAVE files" (WAVE_FORMAT_EXTENSIBLE), the RIFF
sizes as programs that stream really write them (0 or 0xFFFFFFFF: to the end of the file), and EBU
Tech 3306 (RF64: files beyond 4 GiB, for which a JUNK chunk keeps the place).
"""

import io
import os
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import FULL_SCALE, HOUSE_RATE, to_pcm
from voicechat.audio.resample import Resampler
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

_HEADER = struct.Struct("<4sI4s 4sI28s 4sIHHIIHH 4sI")
_SIZES = struct.Struct("<QQQI")
_SIZE_LIMIT = 0xFFFFFFFF
_PCM, _EXTENSIBLE = 1, 0xFFFE
_HINT = phrase("Convert it first, e.g.: ffmpeg -i file -ac 1 -ar 24000 -c:a pcm_s16le file.wav")
_RATES = range(1_000, 768_001)
_READABLE = frozenset({(1, 1), (2, 1), (3, 1), (4, 1), (4, 3), (8, 3), (1, 6), (1, 7)})
"""Bytes of a sample, and its encoding: integer, float, A-law, mu-law."""
_LONGEST_FORM = 64
_BLOCK_BYTES = 1 << 18
_LOUDEST_FLOAT = 16.0
_CANCELLED = 0.3
"""The mean of all channels has less than this share of what one of them alone would leave in it."""
_MOST_PIPED_BYTES = 1 << 30
LONGEST_S = 30 * 60
"""More than any model hears in one turn."""

Samples: TypeAlias = npt.NDArray[np.float32]


def read_wav(path: str | Path, rate: int = HOUSE_RATE) -> bytes:
    """The sound of a WAV file as PCM16 mono at `rate` Hz.

    Integers in 1 to 4 bytes, floats of 32 and 64 bits, mu-law and A-law, any number of channels
    (the mean is taken, or the loudest where they cancel each other), any rate, plain or extensible.
    A file that was cut off gives what there is.  Memory is bounded by `LONGEST_S`.

    Raises:
        ConfigError: it cannot be read, is no such WAV file, or too long.
    """
    shown = str(path)
    try:
        with Path(path).open("rb") as file, _seekable(file, shown) as source:
            return _read(source, rate, shown)
    except OSError as error:
        raise ConfigError(
            phrase("Cannot read {path}: {why}", path=shown, why=error.strerror),
            phrase("Check the name"),
        ) from None


@contextmanager
def _seekable(file: BinaryIO, shown: str) -> Iterator[BinaryIO]:
    """The file itself, or what a pipe gives."""
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as kept:
        while block := file.read(_BLOCK_BYTES):
            kept.write(block)
            if kept.tell() > _MOST_PIPED_BYTES:
                raise _too_long(shown)
        kept.seek(0)
        yield kept


def _read(file: BinaryIO, rate: int, shown: str) -> bytes:
    form, size = _find_sound(file, shown)
    sound = Shape.parse(form, shown)
    start, channel = file.tell(), None
    size = min(size, file.seek(0, os.SEEK_END) - start)
    file.seek(start)
    if size > LONGEST_S * sound.rate * sound.size * sound.channels:
        raise _too_long(shown)
    if sound.channels > 1:
        channel = _loudest_of_cancelling(sound.blocks(file, size))
        file.seek(start)
    resampler, pcm = Resampler(sound.rate, rate), bytearray()
    for block in sound.blocks(file, size):
        mono = block.mean(axis=1) if channel is None else block[:, channel]
        pcm += resampler.process(to_pcm(mono * FULL_SCALE))
    return bytes(pcm + resampler.flush())


def _loudest_of_cancelling(blocks: Iterator[Samples]) -> int | None:
    """Which channel to hear where their mean is next to nothing: a wire is crossed somewhere."""
    each: Any = 0.0
    mixed = 0.0
    for block in blocks:
        each = each + np.square(block, dtype=np.float64).sum(axis=0)
        mixed += float(np.square(block.mean(axis=1), dtype=np.float64).sum())
    if not np.any(each):
        return None
    alone = float(each.max()) / len(each) ** 2
    return int(each.argmax()) if mixed < _CANCELLED * alone else None


def _too_long(shown: str) -> ConfigError:
    words = phrase("{path} is longer than {minutes} minutes", path=shown, minutes=LONGEST_S // 60)
    return ConfigError(words, phrase("Speak a shorter part of it"))


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


def _find_sound(file: BinaryIO, shown: str) -> tuple[bytes, int]:
    """The `fmt ` chunk, and how large the sound is that comes next; less may be there."""
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        raise ConfigError(phrase("{path} is no WAV file", path=shown), _HINT)
    form = b""
    while len(head := file.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        end = file.tell() + size + size % 2
        if name == b"data" and form:
            is_streamed = size == 0 or size >= _SIZE_LIMIT - _HEADER.size
            return form, sys.maxsize if is_streamed else size
        if name == b"fmt ":
            form = file.read(min(size, _LONGEST_FORM))
        file.seek(end)
    raise ConfigError(phrase("{path} is a WAV file without sound", path=shown), _HINT)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the sound of a WAV file is written down."""

    encoding: int
    channels: int
    rate: int
    size: int
    """Bytes of one sample: its container, which may have more room than it has bits."""
    bits: int
    """Of them, how many say something; they are the upper ones."""

    @classmethod
    def parse(cls, form: bytes, shown: str) -> "Shape":
        """
        Raises:
            ConfigError: it is broken, or of a kind that cannot be read.
        """
        if len(form) < 16:
            raise ConfigError(phrase("{path} is a broken WAV file", path=shown), _HINT)
        encoding, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", form[:16])
        wide, valid = bits, bits
        if encoding == _EXTENSIBLE and len(form) >= 26:
            encoding = int.from_bytes(form[24:26], "little")
            valid = int.from_bytes(form[18:20], "little") or bits
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
        size = -(-wide // 8)
        if frame % channels == 0 and size < frame // channels <= 4 and encoding == _PCM:
            size = frame // channels
        if (size, encoding) not in _READABLE or (encoding != _PCM and bits % 8):
            raise ConfigError(
                phrase(
                    "{path} holds sound of another kind ({encoding}, {bits} bits)",
                    path=shown,
                    encoding=encoding,
                    bits=bits,
                ),
                _HINT,
            )
        return cls(encoding, channels, rate, size, min(valid, wide))

    def blocks(self, file: BinaryIO, size: int) -> Iterator[Samples]:
        """Whole frames on the scale +-1, some at a time: a row a frame, a column a channel."""
        frame = self.size * self.channels
        most = max(_BLOCK_BYTES // frame, 1) * frame
        while size > 0 and (data := file.read(min(size, most))):
            size -= len(data)
            whole = data[: len(data) // frame * frame]
            yield self._samples(whole).reshape(-1, self.channels)

    def _samples(self, raw: bytes) -> Samples:
        match self.encoding, self.size:
            case 3, size:
                loud = np.nan_to_num(np.frombuffer(raw, f"<f{size}"), posinf=1.0, neginf=-1.0)
                bounded: Samples = np.clip(loud, -_LOUDEST_FLOAT, _LOUDEST_FLOAT).astype(np.float32)
                return bounded
            case 6, _:
                return _A_LAW[np.frombuffer(raw, np.uint8)]
            case 7, _:
                return _MU_LAW[np.frombuffer(raw, np.uint8)]
            case _, 1:
                return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / np.float32(128)
            case _, 3:
                return _widen(raw) / np.float32(2.0**31)
            case _, 4:
                return self._wide_samples(np.frombuffer(raw, "<i4"))
        return np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(2.0**15)

    def _wide_samples(self, wide: npt.NDArray[Any]) -> Samples:
        """The lower bits of a container are empty, unless its writer filled it from below."""
        spare = 32 - self.bits
        if spare and np.any(wide & ((1 << spare) - 1)):
            return wide.astype(np.float32) / np.float32(2.0 ** (self.bits - 1))
        return wide.astype(np.float32) / np.float32(2.0**31)


def _widen(raw: bytes) -> npt.NDArray[np.float32]:
    """24 bits as the upper three bytes of 32."""
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return wide.reshape(-1).view("<i4").astype(np.float32)


def _mu_law() -> Samples:
    """ITU-T G.711, table 2: sign, segment and step, all bits turned over."""
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4) & 7, (code & 15).astype(np.int32)
    size = (((step << 3) + 132) << segment) - 132
    return (np.where(code & 0x80, -size, size) / 32_768).astype(np.float32)


def _a_law() -> Samples:
    """ITU-T G.711, table 1: every other bit turned over."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment, step = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    low = (step << 4) + 8
    size = np.where(segment > 0, (low + 256) << np.maximum(segment - 1, 0), low)
    return (np.where(code & 0x80, size, -size) / 32_768).astype(np.float32)


_MU_LAW = _mu_law()
_A_LAW = _a_law()
