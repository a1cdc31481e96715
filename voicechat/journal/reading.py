"""A conversation read back from the disk: every good line of it, however damaged the rest is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from voicechat.errors import ConfigError
from voicechat.text import clean, clean_line

MAX_LINE_BYTES = 16_000_000
"""A longer line is none of ours."""


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
        raise ConfigError(
            f"The conversation {clean_line(str(path))} cannot be read ({why})"
        ) from error
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
                self._header = self._header or _clean(record)
            case "item":
                item = _known(record, needed=_WHOLE)
                self._items[item["id"]] = item
            case "draft":
                item = _known(record["item"], needed=_WHOLE)
                self._drafts[item["id"]] = (str(record.get("after", "")), item)
            case "amend":
                self._amends.append(_known(record, needed={"id"}))

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
        found = tuple(Item(**items[name]) for name in order)
        return Loaded(self._header, found, self._damaged)


_KINDS = {entry.name: entry.type for entry in fields(Item)}
_WHOLE = {"id", "role", "text"}


def _known(record: dict[str, Any], needed: set[str]) -> dict[str, Any]:
    """The fields of an item that a record holds, checked and cleaned; others are the future's."""
    known = {name: record[name] for name in _KINDS if name in record}
    if not needed <= known.keys() or known.get("role", "user") not in ("user", "assistant"):
        raise ValueError("no item")
    for name, value in known.items():
        if type(value) is not _KINDS[name]:
            raise TypeError(name)
    return _clean(known)


def _clean(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: clean(value) if isinstance(value, str) else value for key, value in record.items()}
