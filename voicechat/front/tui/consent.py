"""Consent on the screen: may a tool run, and what of a key that was typed as a message?

One question at a time, over the bottom of the screen.

Rule: a key that was meant for the input box is never taken for a yes.  Letters answer only while
the box is empty and has been left alone for a moment, and the question has been in sight as long;
otherwise they go into the box as ever.  Voice and all other keys go on.

Nobody says yes to what was not in sight: a question that is longer than its place is scrolled by
the keyboard, and it takes a yes only once its last line was on the screen.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.errors import NoWidget
from textual.widgets import Static

from voicechat.front.words.words import Words
from voicechat.text.visible import ESCAPE

Verdict: TypeAlias = Literal["once", "always", "no"]

SETTLE_S = 0.8
"""So long nothing may have been typed, or changed under the user's fingers."""
KeyVerdict: TypeAlias = Literal["store", "send", "drop"]
_VERDICTS: dict[str, Verdict] = {"y": "once", "a": "always", "n": "no", "escape": "no"}
_KEY_VERDICTS: dict[str, KeyVerdict] = {"s": "store", "n": "send", "escape": "drop"}
_ESCAPE_STYLE = "reverse"
"""Of a character that is not seen otherwise; an escape that the text itself holds has no style."""


@dataclass(eq=False, slots=True)
class _Asked:
    """One question and its answer."""

    content: Content
    answers: Mapping[str, Any]
    """Keys, and what they mean."""
    keys: str
    """The words that name the keys,"""
    keys_typing: str
    """and while the box holds words."""
    verdict: asyncio.Future[Any]
    is_read: bool = False
    """Whether its last line was in sight."""


class ConsentQuestion(Vertical):
    """Shows the oldest open question; hidden while there is none.

    `ask` only puts a question into the queue, so any task may call it; `draw` does the rest.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(id="question")
        self.display = False
        self._words = words
        self._what = Static(id="question-what", markup=False)
        self._room = VerticalScroll(self._what, id="question-room", can_focus=False)
        self._keys = Static(id="question-keys", markup=False)
        self._queue: list[_Asked] = []
        self._drawn: _Asked | None = None
        self._still_since = 0.0

    def compose(self) -> ComposeResult:
        yield self._room
        yield self._keys

    async def ask(self, name: str, arguments: str) -> Verdict:
        """Wait for the user; both texts are safe to show.  Cancelled, the question goes away."""
        content = self._about_tool(name, arguments)
        verdict: Verdict = await self._ask(content, _VERDICTS, "consent_keys", "consent_typing")
        return verdict

    async def ask_about_key(self, title: str) -> KeyVerdict:
        """What to do with a key that was typed; it is shown nowhere.

        Args:
            title: Whose it is; empty: it can only be sent or dropped.
        """
        words, answers, keys = self._words("key_asks_nobody"), dict(_KEY_VERDICTS), "key_keys"
        if title:
            words = self._words("key_asks", title=title)
        else:
            del answers["s"]
            keys = "key_keys_nobody"
        content = Content.styled(words, "bold")
        verdict: KeyVerdict = await self._ask(content, answers, keys, "key_typing")
        return verdict

    async def _ask(
        self, content: Content, answers: Mapping[str, Any], keys: str, keys_typing: str
    ) -> Any:
        future = asyncio.get_running_loop().create_future()
        asked = _Asked(content, answers, keys, keys_typing, future)
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

    def on_key(self, key: str, typed: str) -> bool:
        """A key was pressed, with this text in the input box; whether it was for the question."""
        asked = self._drawn
        if asked is None or asked.verdict.done():
            return False
        if self._scroll(key, typed):
            return True
        verdict = asked.answers.get(key.lower())
        if verdict is None:
            return False
        is_still = not typed and time.monotonic() - self._still_since >= SETTLE_S
        if not is_still and key != "escape":
            return False
        if asked.is_read or verdict == asked.answers["escape"]:
            asked.verdict.set_result(verdict)
        return True

    def _scroll(self, key: str, typed: str) -> bool:
        """Move a question that is longer than its place; the arrows are the box's while it holds
        words."""
        room = self._room
        if room.max_scroll_y <= 0 or (typed and key not in ("pageup", "pagedown")):
            return False
        match key:
            case "up":
                room.scroll_up(animate=False)
            case "down":
                room.scroll_down(animate=False)
            case "pageup":
                room.scroll_page_up(animate=False)
            case "pagedown":
                room.scroll_page_down(animate=False)
            case "home":
                room.scroll_home(animate=False)
            case "end":
                room.scroll_end(animate=False)
            case _:
                return False
        return True

    def draw(self, typed: str) -> None:
        """Bring the screen in line with the queue."""
        asked = self._queue[0] if self._queue else None
        if asked is not self._drawn:
            self._drawn = asked
            self.display = asked is not None
            self.touch()
            if asked is not None:
                self._what.update(asked.content)
                self._room.scroll_home(animate=False)
        if asked is None:
            return
        asked.is_read = asked.is_read or self._is_end_in_sight()
        keys = self._words(self._key_words(asked, typed))
        if keys != self._keys.content:
            self._keys.update(keys)

    def _key_words(self, asked: _Asked, typed: str) -> str:
        if self._room.max_scroll_y > 0 and not asked.is_read:
            return "consent_more"
        return asked.keys_typing if typed else asked.keys

    def _is_end_in_sight(self) -> bool:
        """Whether the last line of the question as it is now is on the screen."""
        what, screen = self._what, self.screen
        if self.app.screen is not screen or not what.is_attached or not what.size:
            return False
        if what.get_content_height(self.size, screen.size, what.size.width) != what.size.height:
            return False  # It has not got its place yet.
        try:
            place = screen.find_widget(what)
        except NoWidget:
            return False
        return bool(place.visible_region) and place.visible_region.bottom == place.region.bottom

    def _about_tool(self, name: str, arguments: str) -> Content:
        """What is asked stands out, so that no argument can pass for another question."""
        before, after = self._words("consent").split("{tool}")
        tool = Content.styled(name, "bold underline")
        asks = (Content.styled(before, "bold"), tool, Content.styled(after, "bold"))
        return Content.assemble(*asks, "\n", *_styled(arguments))


def _styled(arguments: str) -> Iterator[Content | str]:
    """JSON with its escapes of unseen characters in a style of their own."""
    at = 0
    for found in ESCAPE.finditer(arguments):
        if found[1]:
            yield arguments[at : found.start()]
            yield Content.styled(found[0], _ESCAPE_STYLE)
            at = found.end()
    yield arguments[at:]
