"""One file of whole lines, whatever happens to it while it is written.

The rule: lines are with the system when `write` returns, and on the disk when `sync` does; either
may raise, and then everything since the last good `sync` is to be written again.  What an attempt
left is cut off at once, or before the next one; what others did to the file stays; a file that was
removed is made again with all it held, which its open descriptor still knows (POSIX: an unlinked
file lives as long as somebody has it open).  One thread may write while another syncs.
"""

import errno
import json
import os
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from voicechat.conversation.journal.lock import lock

VERSION = 1
FOLDER = "conversations"
SUFFIX = ".jsonl"
_READ_WRITE = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def utc(moment: datetime) -> str:
    """ISO 8601 with milliseconds, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of the file; half a surrogate pair becomes a question mark."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


class LockedError(OSError):
    """Another program writes this file."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "open in another voicechat")


@dataclass(frozen=True, slots=True)
class ExistingFile:
    """A file that is there already, to be gone on with."""

    path: Path
    file: int = -1
    """Open and locked for us; -1: that could not be done yet."""

    def close(self) -> None:
        """Let others have it, where nobody goes on with it."""
        if self.file >= 0:
            os.close(self.file)


def open_place(path: Path) -> ExistingFile:
    """Open a file to go on with it; nothing of it is changed yet.

    Raises:
        LockedError: another program writes it.
        OSError: it cannot be written, or is no plain file.
    """
    file = os.open(path, _READ_WRITE)
    if not lock(file):
        os.close(file)
        raise LockedError
    return ExistingFile(path, file)


class File:
    """Made at its first line, under a name that nobody has.

    Args:
        folder: The data folder.
        header: What its first line says besides its name and time.
        place: The file to go on with instead.
    """

    def __init__(
        self, folder: Path, header: Mapping[str, Any], place: ExistingFile | None = None
    ) -> None:
        self.path = place.path if place else None
        self._folder = folder / FOLDER
        self._header = header
        self._file = place.file if place else -1
        self._good_bytes = self._synced_bytes = 0
        self._is_begun = self._is_torn = False
        self._is_new = False
        """The folder may not know its name for good yet."""
        self._replaced: list[int] = []
        """Descriptors of files that were removed; somebody may be syncing them."""
        self._changing = threading.Lock()

    def write(self, lines: bytes) -> bool:
        """Put whole lines at the end.

        Returns:
            Whether the file had been removed, and was made again.

        Raises:
            OSError, ValueError: the disk refuses, or the folder's name is none.
        """
        with self._changing:
            return self._write(lines)

    def sync(self) -> None:
        """Wait until all that was written before is safe.

        Raises:
            OSError: it is not, and must be written again.
        """
        with self._changing:
            file, size, is_new = self._file, self._good_bytes, self._is_new
        try:
            _sync(file)
        except OSError:
            self._take_back()
            raise
        if is_new:
            _sync_folder(self._folder)
            self._is_new = False
        self._synced_bytes = size

    def _take_back(self) -> None:
        with self._changing:
            self._good_bytes = min(self._good_bytes, self._synced_bytes)
            self._is_torn, self._is_begun = True, False

    def _write(self, lines: bytes) -> bool:
        was_removed = self._file >= 0 and self._is_removed()
        if was_removed:
            self._make_again()
        elif self._file < 0:
            self._begin()
        self._settle()
        if not self._is_begun and not self._is_torn:  # What was there before is not ours to lose.
            self._synced_bytes = self._good_bytes
        data = self._opening() + lines
        self._is_torn = True
        try:
            _write_all(self._file, data, self._good_bytes)
        except OSError:  # Perhaps nothing is ever written again.
            with suppress(OSError):
                os.ftruncate(self._file, self._good_bytes)
            raise
        self._good_bytes += len(data)
        self._is_begun, self._is_torn = True, False
        return was_removed

    def close(self) -> None:
        for file in (*self._replaced, self._file):
            if file >= 0:
                os.close(file)
        self._file, self._replaced = -1, []

    def _settle(self) -> None:
        """Find where the next line goes."""
        size = os.fstat(self._file).st_size
        if self._is_torn and size > self._good_bytes:
            os.ftruncate(self._file, self._good_bytes)
        else:
            self._good_bytes = size

    def _opening(self) -> bytes:
        """What comes before the next lines: the end of a torn one, and who answers from now on."""
        if not self._good_bytes:
            return encode(self._about("conversation", "started"))
        torn = _read(self._file, self._good_bytes - 1, 1) != b"\n"
        resumed = b"" if self._is_begun else encode(self._about("resumed", "time"))
        return b"\n" * torn + resumed

    def _about(self, kind: str, moment: str) -> dict[str, Any]:
        assert self.path is not None
        named = {"type": kind, "version": VERSION, "id": self.path.stem}
        return {**named, moment: utc(datetime.now(UTC)), **self._header}

    def _begin(self) -> None:
        _make_private(self._folder)
        if self.path is not None:
            with suppress(FileNotFoundError):
                self._file = open_place(self.path).file
                return
        self._file, self.path = self._create(self.path)

    def _create(self, path: Path | None) -> tuple[int, Path]:
        """A file of its own: clocks step back, and two calls start together."""
        while True:
            now = datetime.now().astimezone()
            path = path or self._folder / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}{SUFFIX}"
            try:
                file = os.open(path, _READ_WRITE | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                path = None
                continue
            lock(file)
            allow_owner_only(path)
            self._is_new = True
            return file, path

    def _is_removed(self) -> bool:
        """Whether our name does not lead to our file any more."""
        assert self.path is not None
        try:
            found = os.lstat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return True
        return not os.path.samestat(found, os.fstat(self._file))

    def _make_again(self) -> None:
        assert self.path is not None
        self._settle()
        kept = _read(self._file, 0, self._good_bytes)
        _make_private(self._folder)
        file, path = self._create(self.path)
        try:
            _write_all(file, kept, 0)
            _sync(file)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        self._replaced.append(self._file)
        self._file, self.path = file, path


def _write_all(file: int, data: bytes, at: int) -> None:
    os.lseek(file, at, os.SEEK_SET)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _read(file: int, at: int, size: int) -> bytes:
    os.lseek(file, at, os.SEEK_SET)
    found = b""
    while len(found) < size and (more := os.read(file, size - len(found))):
        found += more
    return found


def _make_private(folder: Path) -> None:
    """The folder and what is missing above it, for its owner alone."""
    missing = [folder]
    while not missing[-1].parent.exists() and missing[-1].parent != missing[-1]:
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(0o700, exist_ok=True)
        allow_owner_only(one, 0o700)


def allow_owner_only(path: Path, mode: int = 0o600) -> None:
    """Whatever the umask took away; where modes are unknown (exFAT, CIFS, drives under WSL) or the
    place is somebody else's, what the system gave must do."""
    with suppress(OSError):
        path.chmod(mode)


def _sync(file: int) -> None:
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # A file system without fsync.
            raise


def _sync_folder(folder: Path) -> None:
    """A new name is safe only when its folder is (POSIX; Windows cannot open folders)."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
