"""The conversation on disk as it happens: one JSON line an item, in the order of the conversation.

A file is made at the first item, 0600 in a folder 0700, and is written by a thread of its own: the
sound never waits for a disk.  What is written is there after a crash (fsync after every batch); what
cannot be written waits in memory and is tried again.

    {"type":"conversation","version":1,"id":…,"started":…,"model":…,"provider":…}   the first line
    {"type":"item","id":…,"role":…,"text":…,"time":…,"spoken":…,"model":…,…}        once an item
    {"type":"draft","after":…,"item":{…}}    not in its turn yet (or still growing): only for a crash
    {"type":"amend","id":…,…}                what became known after the item was written
"""

import errno
import json
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from voicechat.errors import ConfigError, VoiceChatError
from voicechat.text import clean, clean_line

VERSION = 1
MAX_WAITING_BYTES = 10_000_000
"""Kept in memory while the disk refuses; what comes after is lost (and was told)."""
MAX_LINE_BYTES = 16_000_000
RETRY_S = 2.0
DRAFT_EVERY_S = 1.0
"""At most this much of a growing item is lost in a crash."""

OnError = Callable[[VoiceChatError], None]


class _State(Protocol):
    @property
    def value(self) -> str: ...


class Said(Protocol):
    """What a journal reads of a row of the conversation."""

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def spoken(self) -> bool: ...
    @property
    def state(self) -> _State: ...
    @property
    def heard_ms(self) -> int: ...
    @property
    def heard_text(self) -> str: ...
    @property
    def is_finished(self) -> bool: ...


class Recorder(Protocol):
    """Whoever keeps the conversation."""

    model: str
    """Who answers from now on."""

    def record(self, row: Said, rows: Sequence[Said]) -> None:
        """A row is new or has changed; `rows` is the whole conversation in its order."""

    def close(self, timeout_s: float = 1.0) -> bool:
        """Write what is waiting; False if some of it could not be written in time."""


@dataclass(frozen=True, slots=True)
class Item:
    """One side's say."""

    id: str
    role: str
    """`user` or `assistant`."""
    text: str
    time: str = ""
    """When it began, ISO 8601 in UTC."""
    spoken: bool = False
    model: str = ""
    """Who answered."""
    cut: bool = False
    heard_text: str = ""
    """Of a cut reply: what the user can have heard of it."""
    heard_ms: int = 0
    status: str = ""
    """Empty, `failed`, or `open`: a crash came before its end."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds, as far as it can be read."""

    header: Mapping[str, Any]
    items: tuple[Item, ...]
    damaged_lines: int


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where conversations live: `VOICECHAT_DATA`, or the platform's place for a user's data."""
    if named := environ.get("VOICECHAT_DATA", ""):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("voicechat", appauthor=False)


class NullJournal:
    """Keeps nothing."""

    model = ""
    path: Path | None = None

    def record(self, row: Said, rows: Sequence[Said]) -> None:
        """Forget it."""

    def close(self, timeout_s: float = 1.0) -> bool:
        return True


class Journal:
    """Writes one conversation.  Nothing here waits for the disk but `flush` and `close`."""

    def __init__(self, writer: "_Writer", model: str) -> None:
        self.model = model
        self._writer = writer
        self._begun: dict[str, tuple[str, str]] = {}
        self._written: dict[str, dict[str, Any]] = {}
        self._drafted: dict[str, dict[str, Any]] = {}
        self._draft_due = 0.0

    @classmethod
    def open(cls, folder: Path, model: str, provider: str, on_error: OnError) -> "Journal":
        """A journal in `folder`/conversations; makes no file yet and never fails.

        `on_error` is told once when writing begins to fail, on the writer's thread.
        """
        header = {"model": model, "provider": provider}
        return cls(_Writer(folder, header, on_error), model)

    @property
    def path(self) -> Path | None:
        """The file, once it exists."""
        return self._writer.path

    def record(self, row: Said, rows: Sequence[Said]) -> None:
        """Write everything whose turn has come; keep a draft of what must wait."""
        if row.role not in ("user", "assistant"):
            return
        self._begun.setdefault(row.id, (_now(), self.model))
        if row.id in self._written:
            self._amend(row)
        elif not row.is_finished:
            self._sketch(row, rows)
        else:
            self._write_due(rows)
            if row.id not in self._written:
                self._draft(row, rows)

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything so far is safe on the disk."""
        return self._writer.flush(timeout_s)

    def close(self, timeout_s: float = 1.0) -> bool:
        return self._writer.close(timeout_s)

    def _write_due(self, rows: Sequence[Said]) -> None:
        for row in rows:
            if row.role not in ("user", "assistant") or row.id in self._written:
                continue
            if not row.is_finished:
                return
            if row.text or row.role == "user":  # A reply that was stopped before its first word
                item = self._item(row)  # is nobody's say.
                self._writer.put({"type": "item", **item})
                self._written[row.id] = item

    def _amend(self, row: Said) -> None:
        before, item = self._written[row.id], self._item(row)
        changed = {key: value for key, value in item.items() if before.get(key) != value}
        if changed and row.is_finished:
            self._writer.put({"type": "amend", "id": item["id"], **changed})
            self._written[row.id] = item

    def _sketch(self, row: Said, rows: Sequence[Said]) -> None:
        """Keep a growing item, about once a second."""
        if row.text and time.monotonic() >= self._draft_due:
            self._draft_due = time.monotonic() + DRAFT_EVERY_S
            self._draft(row, rows)

    def _draft(self, row: Said, rows: Sequence[Said]) -> None:
        item = self._item(row)
        if self._drafted.get(row.id) != item and item["text"]:
            self._drafted[row.id] = item
            self._writer.put({"type": "draft", "after": _before(row, rows), "item": item})

    def _item(self, row: Said) -> dict[str, Any]:
        began, model = self._begun.get(row.id) or (_now(), self.model)
        item: dict[str, Any] = {
            "id": clean_line(row.id),
            "role": row.role,
            "text": clean(row.text),
            "time": began,
            "spoken": row.spoken,
        }
        if row.role == "assistant":
            item["model"] = model
        if row.state.value == "cut":
            item |= {"cut": True, "heard_text": clean(row.heard_text), "heard_ms": row.heard_ms}
        elif row.state.value == "failed" or not row.is_finished:
            item["status"] = "failed" if row.is_finished else "open"
        return item


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _before(row: Said, rows: Sequence[Said]) -> str:
    """The id of the say that stands before `row`."""
    previous = ""
    for other in rows:
        if other.id == row.id:
            return previous
        if other.role != "note":
            previous = clean_line(other.id)
    return previous


class _Writer:
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
        if not was_failing:
            why = clean_line(getattr(error, "strerror", None) or "not a folder name")
            self._on_error(
                VoiceChatError(
                    f"The conversation cannot be saved in {clean_line(str(self._folder))} ({why})",
                    "It is kept in memory and saved as soon as that works again",
                )
            )

    def _write(self, data: bytes) -> None:
        if self._file < 0:
            self._create()
            data = _line(self._header) + data
        elif self._good_bytes == 0:
            data = _line(self._header) + data
        os.ftruncate(self._file, self._good_bytes)  # Half a line of an attempt that failed.
        os.lseek(self._file, self._good_bytes, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        _sync(self._file)
        self._good_bytes += len(data)

    def _create(self) -> None:
        _make_private(self._folder)
        started = datetime.now(UTC)
        for _ in range(100):
            name = f"{started.astimezone():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            path = self._folder / f"{name}.jsonl"
            with suppress(FileExistsError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
                self._file = os.open(path, flags, 0o600)
                break
        os.chmod(path, 0o600)  # Whatever the umask took away.
        self._header = {
            "type": "conversation",
            "version": VERSION,
            "id": name,
            "started": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **self._header,
        }
        self.path = path
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


def load(path: Path) -> Loaded:
    """Read a conversation, every good line of it, however damaged the rest is.

    Raises:
        ConfigError: The file is missing or cannot be read.
    """
    reader = _Reader()
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES):
                reader.take(line)
    except OSError as error:
        why = clean_line(error.strerror or "unreadable")
        raise ConfigError(f"The conversation {clean_line(str(path))} cannot be read ({why})") from error
    return reader.result()


class _Reader:
    """Folds the lines of a file into items."""

    def __init__(self) -> None:
        self._header: dict[str, Any] = {}
        self._items: dict[str, dict[str, Any]] = {}
        self._drafts: dict[str, tuple[str, dict[str, Any]]] = {}
        self._amends: list[dict[str, Any]] = []
        self._damaged = 0

    def take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            self._fold(json.loads(line.decode("utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._damaged += 1

    def _fold(self, record: dict[str, Any]) -> None:
        match record["type"]:
            case "conversation":
                self._header = self._header or _safe(record)
            case "item":
                item = _item_fields(record)
                self._items[_item(item).id] = item
            case "draft":
                item = _item_fields(record["item"])
                self._drafts[_item(item).id] = (str(record.get("after", "")), item)
            case "amend":
                self._amends.append(_item_fields({"role": "user", "text": "", **record}, record))

    def result(self) -> Loaded:
        items = dict(self._items)
        order = list(items)
        for name, (after, item) in self._drafts.items():
            if name not in items:
                items[name] = item
                order.insert(order.index(after) + 1 if after in order else len(order), name)
        for amend in self._amends:
            if amend["id"] in items:
                items[amend["id"]] = {**items[amend["id"]], **amend}
        return Loaded(self._header, tuple(_item(items[name]) for name in order), self._damaged)


_KINDS = {entry.name: entry.type for entry in fields(Item)}


def _item_fields(record: dict[str, Any], kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The fields of an item that a record holds, checked and cleaned; others are the future's."""
    if not record["id"] or record["role"] not in ("user", "assistant"):
        raise ValueError("no item")
    known = {name: record[name] for name in (kept or record) if name in _KINDS}
    if "id" not in known or ("text" not in known and kept is None):
        raise ValueError("no item")
    for name, value in known.items():
        if type(value) is not _KINDS[name]:
            raise TypeError(name)
    return _safe(known)


def _item(values: dict[str, Any]) -> Item:
    return Item(**values)


def _safe(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: clean(value) if isinstance(value, str) else value for key, value in record.items()
    }
