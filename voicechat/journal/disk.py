"""One file, and the thread that writes it: the sound never waits for a disk.

The rule: a line is either whole on the disk or still in memory.  What an attempt left half written
is cut off before the next one.
"""

import errno
import json
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from voicechat.errors import VoiceChatError
from voicechat.text import clean_line

VERSION = 1
MAX_WAITING_BYTES = 10_000_000
"""Kept in memory while the disk refuses; what comes after is lost."""
RETRY_S = 2.0

OnError = Callable[[VoiceChatError], None]


def utc(moment: datetime) -> str:
    """ISO 8601 with milliseconds, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Disk:
    """One file and the thread that writes it."""

    def __init__(self, folder: Path, header: dict[str, Any], on_error: OnError) -> None:
        self.path: Path | None = None
        self._folder = folder / "conversations"
        self._header = header
        self._on_error = on_error
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = self._is_failing = False
        self._file = -1
        self._good_bytes = 0

    def put(self, record: dict[str, Any]) -> None:
        line = _line(record)
        with self._changed:
            if self._waiting_bytes + len(line) > MAX_WAITING_BYTES or self._is_closing:
                return
            self._lines.append(line)
            self._waiting_bytes += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, timeout_s)

    def close(self, timeout_s: float) -> bool:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self._lines

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._write(b"".join(batch))
            except (OSError, ValueError) as error:
                self._fail(error)
                if self._is_closing:
                    break
            else:
                self._drop(len(batch))
        if self._file >= 0:
            os.close(self._file)

    def _take(self) -> list[bytes]:
        """What is waiting, once there is something; after a failure not at once."""
        with self._changed:
            if self._is_failing and not self._is_closing:
                self._changed.wait(RETRY_S)
            self._changed.wait_for(lambda: self._lines or self._is_closing)
            return list(self._lines)

    def _drop(self, count: int) -> None:
        with self._changed:
            for _ in range(count):
                self._waiting_bytes -= len(self._lines.popleft())
            self._is_failing = False
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        was_failing, self._is_failing = self._is_failing, True
        if was_failing:
            return
        why = clean_line(getattr(error, "strerror", None) or "not a folder name")
        where = clean_line(str(self._folder))
        hint = "It is kept in memory and saved as soon as that works again"
        with suppress(RuntimeError):  # The event loop that should hear of it has ended.
            self._on_error(VoiceChatError(f"Cannot save the conversation in {where} ({why})", hint))

    def _write(self, data: bytes) -> None:
        if self._file < 0:
            self._create()
        if self._good_bytes == 0:
            data = _line(self._header) + data
        os.ftruncate(self._file, self._good_bytes)
        os.lseek(self._file, self._good_bytes, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        _sync(self._file)
        self._good_bytes += len(data)

    def _create(self) -> None:
        """A new file under a name nobody has: clocks step back, and two calls start together."""
        _make_private(self._folder)
        now = datetime.now().astimezone()
        while self._file < 0:
            name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            path = self._folder / f"{name}.jsonl"
            with suppress(FileExistsError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
                self._file = os.open(path, flags, 0o600)
        kind = {"type": "conversation", "version": VERSION, "id": name, "started": utc(now)}
        self._header, self.path = {**kind, **self._header}, path
        path.chmod(0o600)  # Whatever the umask took away.
        _sync_folder(self._folder)


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def _make_private(folder: Path) -> None:
    """The folder and what is missing above it, for its owner alone."""
    missing = [folder]
    while not missing[-1].parent.exists() and missing[-1].parent != missing[-1]:
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(0o700, exist_ok=True)
        with suppress(OSError):  # Somebody else's, but we may write there.
            one.chmod(0o700)


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
