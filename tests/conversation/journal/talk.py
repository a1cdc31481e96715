"""A conversation and its journal, as a session keeps them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voicechat.conversation.conversation import Conversation, Row
from voicechat.conversation.journal import Journal, Resumed, load, resume
from voicechat.events import Notice, ReplyFinished, ReplyText

LIMIT_S = 20.0


class Talk:
    """One run of the program, as far as its journal goes."""

    def __init__(self, folder: Path, resumed: Resumed | None = None) -> None:
        self.errors: list[Notice] = []
        self.journal = Journal.open(
            folder, "model-1", "openai", self.errors.append, name="openai/model-1", resumed=resumed
        )
        self.conversation = Conversation()

    def hear(self, *events: Any) -> None:
        for event in events:
            for row in self.conversation.apply(event):
                self.record(row)

    def record(self, row: Row) -> None:
        self.journal.record(row, self.conversation.rows)

    def type(self, name: str, text: str = "") -> None:
        self.record(self.conversation.typed(name, text or name))

    def reply(self, name: str, text: str = "") -> None:
        said = ReplyText(f"r_{name}", name, text or name, final=True)
        self.hear(said, ReplyFinished(f"r_{name}"))

    @property
    def path(self) -> Path:
        """The file, with everything in it."""
        assert self.journal.flush(LIMIT_S), self.errors
        assert self.journal.path is not None
        return self.journal.path

    def ids(self) -> list[str]:
        """Of everything on the disk; no line of it is damaged."""
        loaded = load(self.path)
        assert loaded.damaged_lines == 0
        return [item.id for item in loaded.items]


@contextmanager
def talking(folder: Path, wanted: str = "") -> Iterator[Talk]:
    """A talk while the block runs; `wanted` is the earlier one to go on with."""
    talk = Talk(folder, resume(folder, wanted, will_write=True) if wanted else None)
    try:
        yield talk
    finally:
        talk.journal.close(LIMIT_S)


def kept_talk(folder: Path, *names: str) -> Path:
    """A talk that has ended; its file."""
    with talking(folder) as talk:
        for name in names:
            talk.type(name)
        return talk.path


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def nobody() -> Iterator[None]:
    """The block runs as a user who owns nothing; it takes the superuser's right to become one."""
    assert os.geteuid() == 0, "these tests need the right to become another user"
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
