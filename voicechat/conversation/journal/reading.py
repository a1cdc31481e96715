"""A conversation read back from the disk: every good line of it, however damaged the rest is.

What survives: a torn line, also one that the next is glued to; garbage, zeros and huge lines
between good ones; a byte order mark and foreign line ends; fields of the wrong type, which go alone
where the line can do without.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

from voicechat.errors import ConfigError
from voicechat.text.clean import clean, clean_line
from voicechat.text.phrase import phrase

MAX_LINE_BYTES = 16_000_000
"""A longer line is none of ours."""

Role: TypeAlias = Literal["user", "assistant", "tool"]
ROLES = ("user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class JournalItem:
    """One side's say, or a call of a tool with its answer."""

    id: str
    role: Role
    text: str
    time: str = ""
    """When it began, ISO 8601 in UTC."""
    spoken: bool = False
    model: str = ""
    """Who answered."""
    cut: bool = False
    """Whether only a part of a reply was heard."""
    heard_text: str = ""
    """Of such a reply: what the user can have heard of it."""
    heard_ms: int = 0
    status: str = ""
    """Empty, `failed`, or `open`: a crash came before its end."""
    code: str = ""
    """`picture`: the user showed one, which the text names."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds, as far as it can be read."""

    header: Mapping[str, Any]
    items: tuple[JournalItem, ...]
    damaged_lines: int
    name: str = ""
    """Of the last model, as it can be asked for again; empty where the file does not say."""

    @property
    def model(self) -> str:
        """Who answered last, else who was asked first."""
        answered = (item.model for item in reversed(self.items) if item.model)
        first = self.header.get("model")
        return next(answered, first if isinstance(first, str) else "")


def load(path: Path) -> Loaded:
    """Read a conversation, every good line of it, however damaged the rest is.

    Raises:
        ConfigError: The file is missing, is no plain file, or cannot be read.
    """
    reader = _LineReader()
    try:
        with _open(path) as file:
            for line in _lines(file):
                reader.on_line(line)
    except OSError as error:
        why = clean_line(error.strerror or phrase("unreadable"))
        raise ConfigError(
            phrase(
                "The conversation {path} cannot be read ({why})",
                path=clean_line(str(path)),
                why=why,
            )
        ) from error
    return reader.result()


def _open(path: Path) -> BinaryIO:
    """Open a plain file; anything else may never end, or never begin."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(0, phrase("not a plain file"))
    return os.fdopen(file, "rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long the first part, which stands for all of it."""
    is_rest = False
    while line := file.readline(MAX_LINE_BYTES):
        if not is_rest:
            yield line
        is_rest = not line.endswith(b"\n")


class _LineReader:
    """Folds the lines of a file into items."""

    def __init__(self) -> None:
        self._header: dict[str, Any] = {}
        self._name = ""
        self._items: dict[str, dict[str, Any]] = {}
        self._drafts: dict[str, tuple[str, dict[str, Any]]] = {}
        self._amends: list[dict[str, Any]] = []
        self._after: dict[str, str] = {}
        """Of items that were written late: behind which one they stand; empty: they are first."""
        self._damaged = 0

    def on_line(self, line: bytes) -> None:
        """One line; zeros around it are what a power failure leaves of others."""
        if not (bare := line.strip()):
            return
        bare = bare.strip(b"\x00")
        is_whole = len(bare) == len(line.strip()) and self._read(bare)
        if not is_whole:
            self._damaged += 1
            self._salvage(bare)

    def _salvage(self, line: bytes) -> None:
        """What is whole behind something torn: no text of ours holds these bytes unescaped."""
        at = line.rfind(b'{"type":"')
        if at >= 0:
            self._read(line[at:])

    def _read(self, line: bytes) -> bool:
        try:
            return self._fold(json.loads(line.decode("utf-8-sig")))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return False

    def _fold(self, record: dict[str, Any]) -> bool:
        """Take a record in; False: not all of it was good."""
        match record["type"]:
            case "conversation" | "resumed" | "model":
                self._header = self._header or _clean(record)
                return self._take_name(record.get("name", ""))
            case "item":
                item, is_whole = _known(record, needed=_WHOLE)
                self._items[item["id"]] = item
                if isinstance(after := record.get("after"), str):
                    self._after[item["id"]] = after
            case "draft":
                item, is_whole = _known(record["item"], needed=_WHOLE)
                self._drafts[item["id"]] = (str(record.get("after", "")), item)
            case "amend":
                item, is_whole = _known(record, needed={"id"})
                self._amends.append(item)
            case str():
                return True  # Of the future.
            case _:
                return False
        return is_whole

    def _take_name(self, name: Any) -> bool:
        if not isinstance(name, str):
            return False
        self._name = clean_line(name) or self._name
        return True

    def result(self) -> Loaded:
        found = {**{name: item for name, (_, item) in self._drafts.items()}, **self._items}
        for amend in self._amends:
            if amend["id"] in found:
                found[amend["id"]] = {**found[amend["id"]], **amend}
        items = tuple(JournalItem(**found[name]) for name in self._order())
        return Loaded(self._header, items, self._damaged, self._name)

    def _order(self) -> Iterator[str]:
        """The items as they were written, but after their neighbour what was late, or never more
        than a draft."""
        places: dict[str, str | None] = {name: self._after.get(name) for name in self._items}
        places |= {name: at for name, (at, _) in self._drafts.items() if name not in places}
        following, last = {"": ""}, ""
        for name, wanted in places.items():
            after = wanted if wanted is not None and wanted in following else last
            following[name], following[after] = following[after], name
            last = name if after == last else last
        name = following[""]
        while name:
            yield name
            name = following[name]


_KINDS: Mapping[str, Any] = {entry.name: entry.type for entry in fields(JournalItem)} | {
    "role": str
}
_WHOLE = {"id", "role", "text"}


def _known(record: dict[str, Any], needed: set[str]) -> tuple[dict[str, Any], bool]:
    """The fields of an item that a record holds, checked and cleaned; others are the future's.

    Returns:
        The good fields, and whether all of them were.
    """
    known = {name: record[name] for name in _KINDS if name in record}
    good = _clean({name: value for name, value in known.items() if type(value) is _KINDS[name]})
    if not needed <= good.keys() or not good["id"] or good.get("role", "user") not in ROLES:
        raise ValueError("no item")
    return good, len(good) == len(known)


def _clean(record: Mapping[str, Any]) -> dict[str, Any]:
    return {clean(key): _clean_value(value) for key, value in record.items()}


def _clean_value(value: Any) -> Any:
    """Texts at any depth, and the names of fields."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return _clean(value)
    return [_clean_value(part) for part in value] if isinstance(value, list) else value
