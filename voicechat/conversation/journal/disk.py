"""The threads that write the file: the sound never waits for a disk.

The rule: a line is either safe on the disk or still in memory, and is tried again until it is.  One
thread hands lines to the system at once, so that they outlive the program even where a disk takes
seconds to say that something is safe; the other one waits for that.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from voicechat.conversation.journal.file import ExistingFile, File, encode
from voicechat.errors import VoiceChatError
from voicechat.events import Notice, Notify
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

MAX_WAITING_BYTES = 10_000_000
"""Kept in memory while the disk refuses; what comes after is lost."""
RETRY_S = 2.0
_AGAIN = phrase("It was written again, with all that was said; --no-save keeps nothing")
_LATER = phrase("It is kept in memory and saved as soon as that works again")


class Disk:
    """A queue of lines, one file, and the threads between them."""

    def __init__(
        self,
        folder: Path,
        header: Mapping[str, Any],
        notify: Notify,
        place: ExistingFile | None = None,
    ) -> None:
        self._folder = folder
        self._file = File(folder, header, place)
        self._notify = notify
        self._lines: deque[bytes] = deque()
        """Those that are not safe yet."""
        self._written = 0
        """How many of them, from the first on, the system has."""
        self._tries = 0
        """How often all of them had to be written again."""
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._is_closing = self._is_failing = self._has_given_up = False
        self._retry_at = 0.0

    @property
    def path(self) -> Path | None:
        """The file, once it exists."""
        return self._file.path

    def put(self, record: dict[str, Any]) -> None:
        line = encode(record)
        with self._changed:
            if self._waiting_bytes + len(line) > MAX_WAITING_BYTES or self._is_closing:
                return
            self._lines.append(line)
            self._waiting_bytes += len(line)
            if not self._threads:
                self._start()
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, timeout_s)

    def close(self, timeout_s: float) -> bool:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        end = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._file.close()
        return not self._lines

    def _start(self) -> None:
        for work, name in ((self._write_all, "journal"), (self._sync_all, "journal-sync")):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    # -- to the system --------------------------------------------------------------------------

    def _write_all(self) -> None:
        while (count := self._await_lines()) and not self._has_given_up:
            try:
                was_removed = self._write(count)
            except (OSError, ValueError) as error:
                self._fail(error)
            else:
                if was_removed:
                    self._tell(
                        phrase("The conversation's file was removed during the call"), _AGAIN
                    )

    def _await_lines(self) -> int:
        """Wait until there is something to write, and how much; 0: nothing will come any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing, self._retry_at - time.monotonic())
            self._changed.wait_for(self._has_work)
            return len(self._lines)

    def _has_work(self) -> bool:
        has_lines = len(self._lines) > self._written
        return has_lines or self._has_given_up or (self._is_closing and not self._lines)

    def _write(self, count: int) -> bool:
        """Write what is not written of the first `count` lines."""
        with self._changed:
            tries, lines = self._tries, list(islice(self._lines, self._written, count))
        was_removed = self._file.write(b"".join(lines))
        with self._changed:
            if tries == self._tries:  # Else a failure came between, and all is written again.
                self._written += len(lines)
            self._changed.notify_all()
        return was_removed

    # -- to the disk ----------------------------------------------------------------------------

    def _sync_all(self) -> None:
        while count := self._await_written():
            try:
                self._file.sync()
            except OSError as error:
                with self._changed:
                    self._written, self._tries = 0, self._tries + 1
                self._fail(error)
            else:
                self._drop(count)

    def _await_written(self) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._written or self._is_over())
            return self._written

    def _is_over(self) -> bool:
        return self._has_given_up or (self._is_closing and not self._lines)

    def _drop(self, count: int) -> None:
        with self._changed:
            for _ in range(count):
                self._waiting_bytes -= len(self._lines.popleft())
            self._written -= count
            self._is_failing = False
            self._changed.notify_all()

    # -- when it refuses ------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        with self._changed:
            was_failing, self._is_failing = self._is_failing, True
            self._retry_at = time.monotonic() + RETRY_S
            self._has_given_up = self._is_closing
            self._changed.notify_all()
        if not was_failing:
            why = clean_line(getattr(error, "strerror", None) or phrase("not a folder name"))
            where = clean_line(str(self._folder / "conversations"))
            self._tell(
                phrase("Cannot save the conversation in {where} ({why})", where=where, why=why),
                _LATER,
            )

    def _tell(self, message: str, hint: str) -> None:
        self._notify(Notice("not_saved", str(VoiceChatError(message, hint))))
