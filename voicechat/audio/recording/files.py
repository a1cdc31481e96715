"""Files that a recording grows into: WAV, or Ogg/Opus with the extra `record`; both readable at any
moment, for their owner alone (0600), and never in the place of another file.
"""

import importlib.util
import io
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from voicechat.audio.pcm import HOUSE_RATE
from voicechat.audio.recording.wav import WavWriter, cannot_write, open_private
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

CHANNELS = 2
_FORMS = (".wav", ".ogg")
_NO_OPUS = (
    phrase("Recording Opus needs the library soundfile"),
    phrase("Install it: pip install 'voicechat[record]', or record to a .wav file"),
)


class RecordingFile(Protocol):
    """Takes PCM16 stereo at the house rate."""

    def write(self, pcm: bytes) -> None:
        """Append.  VoiceChatError: it cannot be written; what was written before stays."""

    def close(self) -> None:
        """Bring the rest to the disk.  VoiceChatError: as `write`."""


def check_recording(path: Path) -> Path:
    """The path, if a recording can have this form; before the call, so that it is told at once.

    Raises:
        ConfigError: another form, Opus without its library, or a folder that is not there.
    """
    shown = repr(str(path))
    if path.suffix.lower() not in _FORMS:
        raise ConfigError(
            phrase("A recording cannot be {path}", path=shown),
            phrase("Let its name end in .wav or .ogg"),
        )
    if path.suffix.lower() == ".ogg" and importlib.util.find_spec("soundfile") is None:
        raise ConfigError(*_NO_OPUS)
    if not path.parent.is_dir():
        raise ConfigError(
            phrase("There is no folder for the recording {path}", path=shown),
            phrase("Make it first"),
        )
    return path


def create_recording(path: Path) -> tuple[RecordingFile, Path]:
    """A new file, `path` or the next free name (`name-2.wav`), and which it is.

    Raises:
        VoiceChatError: it cannot be made.
    """
    kind = OggFile if path.suffix.lower() == ".ogg" else _wav
    for number in count(1):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            return kind(free), free
        except FileExistsError:
            continue
    raise AssertionError("names never end")


def _wav(path: Path) -> RecordingFile:
    return WavWriter(path, HOUSE_RATE, CHANNELS, is_new=True)


class OggFile:
    """Opus in Ogg, page by page (RFC 7845); what was not a whole page yet, a second, is lost in a
    crash.

    Raises:
        FileExistsError: the file exists.
        VoiceChatError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._pages, library = path, _Pages(), _load()
        try:
            self._file = open_private(path, is_new=True)
        except FileExistsError:
            raise
        except (OSError, ValueError) as error:
            raise cannot_write(path, error) from None
        self._encoder: Any = library.SoundFile(
            self._pages,
            "w",
            samplerate=HOUSE_RATE,
            channels=CHANNELS,
            format="OGG",
            subtype="OPUS",
        )

    def write(self, pcm: bytes) -> None:
        """Append PCM16 stereo.  VoiceChatError: the disk is full or gone."""
        try:
            self._encoder.buffer_write(pcm, dtype="int16")
        except RuntimeError as error:  # The library's own class is one.
            self._file.close()
            raise VoiceChatError(
                phrase("Cannot encode {why}", why=clean_line(str(error)))
            ) from None
        self._save()

    def close(self) -> None:
        if not self._file.closed:
            self._encoder.close()
            self._save()
            self._file.close()

    def _save(self) -> None:
        """Bring the pages that are whole to the disk."""
        rest = memoryview(self._pages.pop())
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            self._file.close()
            raise cannot_write(self._path, error) from None


def _load() -> Any:
    """The library soundfile.  VoiceChatError: it does not work."""
    try:
        import soundfile  # Late: it is an extra, and costs 60 ms.
    except (ImportError, OSError):  # It brings its own library in C, but not for every system.
        raise VoiceChatError(*_NO_OPUS) from None
    return soundfile


class _Pages(io.RawIOBase):
    """What the encoder sees as its file: it never fails, since an error would be lost in C."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._position = 0

    def pop(self) -> bytes:
        """What was written since this was asked last."""
        waiting, self._waiting = bytes(self._waiting), bytearray()
        return waiting

    def write(self, data: Any) -> int:
        self._waiting += data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """The encoder looks how long its file is, and never goes back (Ogg is a stream)."""
        return self._position

    def tell(self) -> int:
        return self._position
