"""An earlier conversation taken up again, in its own file, by one program at a time.

A conversation keeps its name however often it is gone on with, and nothing that stands in its file
is ever changed: what cannot be read stays where it is, and new lines come behind it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voicechat.conversation.journal.file import (
    ExistingFile,
    LockedError,
    allow_owner_only,
    open_place,
)
from voicechat.conversation.journal.library import LAST, find, paths
from voicechat.conversation.journal.reading import Loaded, load
from voicechat.errors import ConfigError
from voicechat.text.phrase import phrase


@dataclass(frozen=True, slots=True)
class Resumed:
    """A conversation to go on with."""

    loaded: Loaded
    place: ExistingFile
    told: tuple[str, ...]
    """What the user should know before, each one line."""

    @property
    def name(self) -> str:
        """Of the model that answered last, as it can be asked for again, or empty."""
        return self.loaded.name

    def close(self) -> None:
        """Let others have it, where no journal goes on with it."""
        self.place.close()


def resume(folder: Path, wanted: str, *, will_write: bool) -> Resumed:
    """Read a conversation, and keep other programs from writing it.

    Args:
        folder: The data folder.
        wanted: Its id, a part of it that no other has, or `last`.
        will_write: Whether a journal will go on with its file.

    Raises:
        ConfigError: there is no such conversation, nothing of it can be read, or another program
            is writing it.
    """
    if wanted == LAST:
        return _resume_last(folder, will_write=will_write)
    path = find(folder, wanted)
    resumed = _resume(path, will_write=will_write)
    if not resumed.loaded.items:
        resumed.close()
        raise ConfigError(
            phrase("Nothing of the conversation {who} can be read", who=path.stem),
            phrase("See {path}", path=path),
        )
    return resumed


def read(folder: Path, wanted: str) -> tuple[str, Loaded]:
    """The id of a conversation and what it holds so far; another program may be writing it.

    Raises:
        ConfigError: there is no such conversation, or it cannot be read.
    """
    for path in paths(folder) if wanted == LAST else [find(folder, wanted)]:
        loaded = load(path)
        if loaded.items or wanted != LAST:
            return path.stem, loaded
    raise _nothing()


def _resume_last(folder: Path, *, will_write: bool) -> Resumed:
    skipped: list[str] = []
    for path in paths(folder):
        resumed = _resume(path, will_write=will_write)
        if resumed.loaded.items:
            return Resumed(resumed.loaded, resumed.place, (*skipped, *resumed.told))
        resumed.close()
        skipped.append(
            phrase("Nothing of the conversation {who} can be read: it was left out", who=path.stem)
        )
    raise _nothing()


def _nothing() -> ConfigError:
    return ConfigError(
        phrase("There is no conversation to go on with"), phrase("None was kept so far")
    )


def _resume(path: Path, *, will_write: bool) -> Resumed:
    place = _take(path) if will_write else ExistingFile(path)
    try:
        loaded = load(path)
    except ConfigError:
        place.close()
        raise
    return Resumed(loaded, place, tuple(_tell(path, loaded)))


def _take(path: Path) -> ExistingFile:
    """The file, open and ours; where it cannot be written that is told when it is tried."""
    try:
        place = open_place(path)
    except LockedError:
        raise ConfigError(
            phrase("The conversation {who} is open in another voicechat", who=path.stem),
            phrase("End that one first, or name another (`voicechat conversations` lists them)"),
        ) from None
    except OSError:
        return ExistingFile(path)
    allow_owner_only(path)
    return place


def _tell(path: Path, loaded: Loaded) -> Iterator[str]:
    who, count = path.stem, len(loaded.items)
    if loaded.model:
        yield phrase(
            "This goes on with conversation {who}; rows: {count}; last with {name}",
            who=who,
            count=count,
            name=loaded.model,
        )
    else:
        yield phrase("This goes on with conversation {who}; rows: {count}", who=who, count=count)
    if loaded.damaged_lines:
        count = loaded.damaged_lines
        yield phrase(
            "Lines of its file that cannot be read: {count}; everything else is here", count=count
        )
