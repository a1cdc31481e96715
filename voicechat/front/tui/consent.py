"""The question whether a tool may run, laid over the bottom of the screen.

Rule: a key that was meant for the input box is never taken for a yes.  Letters answer only while
the box is empty and has been left alone for a moment, and the question has been in sight as long;
otherwise they go into the box as ever.  Voice and all other keys go on.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from voicechat.front.words import Words

Verdict: TypeAlias = Literal["once", "always", "no"]

SETTLE_S = 0.8
"""So long nothing may have been typed, or changed under the user's fingers."""
_VERDICTS: dict[str, Verdict] = {"y": "once", "a": "always", "n": "no", "escape": "no"}


@dataclass(eq=False, slots=True)
class _Asked:
    """One question and its answer."""

    name: str
    arguments: str
    verdict: asyncio.Future[Verdict]


class Question(Vertical):
    """Shows the oldest open question; hidden while there is none.

    `ask` only puts a question into the queue, so any task may call it; `draw` does the rest.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(id="question")
        self.display = False
        self._words = words
        self._what = Static(id="question-what", markup=False)
        self._keys = Static(id="question-keys", markup=False)
        self._queue: list[_Asked] = []
        self._drawn: _Asked | None = None
        self._still_since = 0.0

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="question-room", can_focus=False):
            yield self._what
        yield self._keys

    async def ask(self, name: str, arguments: str) -> Verdict:
        """Wait for the user; both texts are safe to show.  Cancelled, the question goes away."""
        asked = _Asked(name, arguments, asyncio.get_running_loop().create_future())
        self._queue.append(asked)
        try:
            return await asked.verdict
        finally:
            self._queue.remove(asked)

    @property
    def is_open(self) -> bool:
        """Whether a question is on the screen."""
        return self._drawn is not None

    def touch(self) -> None:
        """Something was typed: a letter that follows at once is no answer."""
        self._still_since = time.monotonic()

    def take(self, key: str, typed: str) -> bool:
        """A key was pressed, with this text in the input box; whether it was an answer."""
        verdict = _VERDICTS.get(key.lower())
        if verdict is None or self._drawn is None or self._drawn.verdict.done():
            return False
        is_still = not typed and time.monotonic() - self._still_since >= SETTLE_S
        if is_still or key == "escape":
            self._drawn.verdict.set_result(verdict)
        return is_still or key == "escape"

    def draw(self, typed: str) -> None:
        """Bring the screen in line with the queue."""
        asked = self._queue[0] if self._queue else None
        if asked is not self._drawn:
            self._drawn = asked
            self.display = asked is not None
            self.touch()
            if asked is not None:
                self._what.update(self._content(asked))
        keys = self._words("consent_typing" if typed else "consent_keys")
        if asked is not None and keys != self._keys.content:
            self._keys.update(keys)

    def _content(self, asked: _Asked) -> Content:
        before, after = self._words("consent").split("{tool}")
        name = Content.styled(asked.name, "bold")
        return Content.assemble(before, name, after, "\n", asked.arguments)
