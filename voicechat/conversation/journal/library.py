"""Which conversations there are, and which of them somebody means.

A conversation is called as its file is.  The newest is the one that was written last.
"""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from voicechat.conversation.journal.file import FOLDER, SUFFIX, utc
from voicechat.conversation.journal.reading import Loaded, load
from voicechat.errors import ConfigError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

LAST = "last"
"""The name of the newest."""
LONGEST_WORDS = 72
"""Characters of what a conversation began with."""
_LIST = phrase("`voicechat conversations` lists all there are")


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """One conversation as a list shows it."""

    id: str
    started: str
    """ISO 8601 in UTC, as are all times here."""
    last: str
    """When it was written last; empty where that is not known."""
    model: str
    """Who answered last."""
    rows: int
    words: str
    """What was said first, by the user where they said anything; one line."""
    damaged_lines: int
    problem: str = ""
    """Why it cannot be read at all, or empty."""


def list_kept(folder: Path) -> list[StoredConversation]:
    """Every conversation, newest first; one that cannot be read says why.

    Args:
        folder: The data folder.

    Raises:
        ConfigError: the folder is there, but cannot be read.
    """
    return [_describe(path) for path in paths(folder)]


def find(folder: Path, wanted: str) -> Path:
    """The file of a conversation, by its id or a part of it that no other has.

    Raises:
        ConfigError: there is none, or there are several.
    """
    found = {path.stem: path for path in paths(folder)}
    if wanted in found:
        return found[wanted]
    similar = [name for name in found if len(wanted) >= 4 and wanted in name]
    if len(similar) == 1:
        return found[similar[0]]
    shown = clean_line(wanted, 60)
    if not found:
        raise ConfigError(
            phrase("There is no conversation {shown!r}", shown=shown),
            phrase("None was kept so far"),
        )
    if similar:
        raise ConfigError(
            phrase(
                "{count} conversations are called like {shown!r}", count=len(similar), shown=shown
            ),
            _LIST,
        )
    near = get_close_matches(wanted, found, 1, 0.6)
    hint = phrase("Did you mean {near}?", near=near[0]) if near else _LIST
    raise ConfigError(phrase("There is no conversation {shown!r}", shown=shown), hint)


def paths(folder: Path) -> list[Path]:
    """The files of all conversations, newest first; only plain files with something in them.

    Raises:
        ConfigError: the folder is there, but cannot be read.
    """
    found: list[tuple[int, str, Path]] = []
    try:
        for entry in os.scandir(folder / FOLDER):
            if entry.name.endswith(SUFFIX) and clean_line(entry.name) == entry.name:
                found += _dated(Path(entry.path))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:
        why = clean_line(getattr(error, "strerror", None) or phrase("not a folder name"))
        where = clean_line(str(folder / FOLDER))
        raise ConfigError(
            phrase("The folder {where} cannot be read ({why})", where=where, why=why)
        ) from None
    return [path for *_, path in sorted(found, reverse=True)]


def _dated(path: Path) -> list[tuple[int, str, Path]]:
    try:
        about = path.lstat()
    except OSError:  # Removed since.
        return []
    is_good = stat.S_ISREG(about.st_mode) and about.st_size
    return [(about.st_mtime_ns, path.stem, path)] if is_good else []


def _describe(path: Path) -> StoredConversation:
    written = _written(path)
    try:
        loaded = load(path)
    except ConfigError as error:
        return StoredConversation(path.stem, "", written, "", 0, "", 0, error.message)
    started = loaded.header.get("started")
    return StoredConversation(
        id=path.stem,
        started=started if isinstance(started, str) else "",
        last=written,
        model=clean_line(loaded.model),
        rows=len(loaded.items),
        words=_first_words(loaded),
        damaged_lines=loaded.damaged_lines,
    )


def _written(path: Path) -> str:
    try:
        return utc(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except (OSError, ValueError, OverflowError):  # Removed since, or in a year of no calendar.
        return ""


def _first_words(loaded: Loaded) -> str:
    texts = [item.text for item in loaded.items if item.role == "user" and item.text.strip()]
    texts += [item.text for item in loaded.items if item.text.strip()]
    return clean_line(texts[0], LONGEST_WORDS) if texts else ""
