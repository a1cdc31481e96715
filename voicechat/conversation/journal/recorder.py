"""What is kept of a conversation, in which order, and when.

An item is written when it is finished and all before it are.  What must wait, or still grows, is
kept as a draft, for a crash; what becomes known after an item was written amends it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from voicechat.conversation.journal.disk import Disk
from voicechat.conversation.journal.file import utc
from voicechat.conversation.journal.reading import ROLES
from voicechat.conversation.journal.resuming import Resumed
from voicechat.events import Notify
from voicechat.text.clean import clean, clean_line, mask_secrets

DRAFT_EVERY_S = 1.0
"""At most this much of a growing item is lost in a crash."""


class _State(Protocol):
    @property
    def value(self) -> str: ...


class JournalRow(Protocol):
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
    def code(self) -> str: ...
    @property
    def state(self) -> _State: ...
    @property
    def heard_ms(self) -> int: ...
    @property
    def heard_text(self) -> str: ...
    @property
    def is_finished(self) -> bool: ...


class TranscriptWriter(Protocol):
    """Whoever keeps the conversation."""

    model: str
    """Who answers from now on."""

    def record(self, row: JournalRow, rows: Sequence[JournalRow]) -> None:
        """A row is new or has changed; `rows` is the whole conversation in its order."""

    def close(self, timeout_s: float = 1.0) -> bool:
        """Write what is waiting; False if some of it could not be written in time."""


class NullJournal:
    """Keeps nothing."""

    model = ""
    path: Path | None = None

    def record(self, row: JournalRow, rows: Sequence[JournalRow]) -> None:
        """Forget it."""

    def close(self, timeout_s: float = 1.0) -> bool:
        return True


class Journal:
    """Writes one conversation.  Nothing here waits for the disk but `flush` and `close`."""

    def __init__(
        self, disk: Disk, model: str, name: str, past: Sequence[str], clock: Callable[[], float]
    ) -> None:
        self.model = model
        self.name = self._told_name = name
        """Of the model, as it can be asked for again; whoever changes the model sets it."""
        self._disk = disk
        self._secrets: tuple[str, ...] = ()
        self._past = frozenset(past)
        """Ids of what the file held before."""
        self._begun: dict[str, tuple[str, str]] = {}
        self._written: dict[str, dict[str, Any]] = {}
        self._drafted: dict[str, dict[str, Any]] = {}
        self._draft_due: dict[str, float] = {}
        self._clock = clock

    @classmethod
    def open(
        cls,
        folder: Path,
        model: str,
        provider: str,
        notify: Notify,
        *,
        name: str = "",
        resumed: Resumed | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Journal":
        """A journal in `folder`/conversations; makes no file yet and never fails.

        Args:
            notify: Told once when writing begins to fail (`not_saved`), on the writer's thread.
            name: Of the model, as it can be asked for again.
            resumed: The conversation to go on with, in its own file.
        """
        header = {"model": model, "provider": provider} | ({"name": name} if name else {})
        disk = Disk(folder, header, notify, resumed.place if resumed else None)
        past = [item.id for item in resumed.loaded.items] if resumed else []
        return cls(disk, model, name, past, clock)

    @property
    def path(self) -> Path | None:
        """The file, once it exists."""
        return self._disk.path

    def record(self, row: JournalRow, rows: Sequence[JournalRow]) -> None:
        """Write everything whose turn has come; keep a draft of what must wait."""
        if row.role not in ROLES or clean_line(row.id) in self._past:
            return
        if row.id not in self._begun:
            self._begun[row.id] = (_now(), self.model)
        if row.id in self._written:
            self._amend(row)
        elif not row.is_finished and row.role != "tool":
            self._sketch(row, rows)
        else:
            self._write_due(rows)
            if row.id not in self._written:
                self._draft(row, rows)

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything so far is safe on the disk."""
        return self._disk.flush(timeout_s)

    def close(self, timeout_s: float = 1.0) -> bool:
        return self._disk.close(timeout_s)

    def _write_due(self, rows: Sequence[JournalRow]) -> None:
        for row in rows:
            if not self._is_owed(row):
                continue
            if not row.is_finished:
                return
            if row.text or row.role == "user":  # A reply that was stopped before its first word
                self._write(row, self._place(row, rows), self._item(row))  # is nobody's say.

    def _is_owed(self, row: JournalRow) -> bool:
        is_known = row.id in self._written or clean_line(row.id) in self._past
        return row.role in ROLES and not is_known

    def _place(self, row: JournalRow, rows: Sequence[JournalRow]) -> dict[str, str]:
        """Where it stands, if what follows it was written before: a spoken turn is often known
        only after what was typed behind it."""
        following = takewhile(lambda other: other.id != row.id, reversed(rows))
        is_late = any(other.role in ROLES and not self._is_owed(other) for other in following)
        return {"after": _before(row, rows, self._is_owed)} if is_late else {}

    def _write(self, row: JournalRow, place: dict[str, str], item: dict[str, Any]) -> None:
        if row.role == "assistant" and self.name != self._told_name:
            self._told_name = self.name
            self._disk.put({"type": "model", "name": clean_line(self.name)})
        self._disk.put({"type": "item", **place, **item})
        self._written[row.id] = item

    def _amend(self, row: JournalRow) -> None:
        before, item = self._written[row.id], self._item(row)
        item = {"status": "", **item} if "status" in before else item
        changed = {key: value for key, value in item.items() if before.get(key) != value}
        if changed and row.is_finished:
            self._disk.put({"type": "amend", "id": item["id"], **changed})
            self._written[row.id] = item

    def _sketch(self, row: JournalRow, rows: Sequence[JournalRow]) -> None:
        """Keep a growing item, about once a second."""
        now = self._clock()
        if now >= self._draft_due.setdefault(row.id, now + DRAFT_EVERY_S):
            self._draft_due[row.id] = now + DRAFT_EVERY_S
            self._draft(row, rows)

    def _draft(self, row: JournalRow, rows: Sequence[JournalRow]) -> None:
        item = self._item(row)
        if self._drafted.get(row.id) != item and item["text"]:
            self._drafted[row.id] = item
            self._disk.put({"type": "draft", "after": _before(row, rows), "item": item})

    def hide(self, secret: str) -> None:
        """From now on this text is written as dots, whoever says it."""
        self._secrets = (*self._secrets, secret)

    def _mask(self, text: str) -> str:
        return mask_secrets(text, self._secrets) if self._secrets else text

    def _item(self, row: JournalRow) -> dict[str, Any]:
        began, model = self._begun.get(row.id) or (_now(), self.model)
        item: dict[str, Any] = {
            "id": clean_line(row.id),
            "role": row.role,
            "text": self._mask(clean(row.text)),
            "time": began,
            "spoken": row.spoken,
        }
        if row.role == "assistant":
            item["model"] = model
        if row.code:
            item["code"] = clean_line(row.code)
        is_broken_off = row.state.value == "failed" and row.role == "assistant"
        if row.state.value == "cut" or (is_broken_off and row.heard_text != row.text):
            item |= {
                "cut": True,
                "heard_text": self._mask(clean(row.heard_text)),
                "heard_ms": row.heard_ms,
            }
        if row.state.value == "failed" or not row.is_finished:
            item["status"] = "failed" if row.is_finished else "open"
        return item


def _now() -> str:
    return utc(datetime.now(UTC))


def _before(
    row: JournalRow,
    rows: Sequence[JournalRow],
    leaves_out: Callable[[JournalRow], bool] = lambda other: False,
) -> str:
    """The id of the say that stands before `row`; empty: there is none."""
    before = takewhile(lambda other: other.id != row.id, rows)
    says = [other.id for other in before if other.role in ROLES and not leaves_out(other)]
    return clean_line(says[-1]) if says else ""
