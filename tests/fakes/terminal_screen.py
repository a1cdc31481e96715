"""The screen of a terminal as a person sees it: pyte, with what pyte lacks.

Added: the alternate screen, whole grapheme clusters (an emoji family is one cell pair), and silence
about sequences that pyte would print or stumble over.
"""

import re
from typing import Any

import pyte
import wcwidth

from tests.fakes.terminal_bytes import Token, tokens, unfinished
from tests.fakes.terminal_keyboard import Flags

_FOR_PYTE = re.compile(rb"\x1b\[(?:[\d;]*[@ABCDEFGHIJKLMPXabcdefghlmnrs`]|\?(?:7|25)[hl])")
_ALTERNATE = re.compile(rb"\x1b\[\?(?:47|1047|1049)([hl])")


class _Screen(pyte.Screen):
    """Draws by grapheme cluster; queries of the program are answered into `answers`."""

    def __init__(self, cols: int, rows: int, answers: list[str]) -> None:
        self._answers = answers
        super().__init__(cols, rows)

    def write_process_input(self, data: str) -> None:
        self._answers.append(data)

    def draw(self, data: str) -> None:
        for cluster in wcwidth.iter_graphemes(data):
            self._draw_cluster(cluster)

    def _draw_cluster(self, cluster: str) -> None:
        width = min(2, wcwidth.width(cluster))
        if width <= 0:
            self._join(cluster)
            return
        at = self.cursor
        if at.x + width > self.columns:
            self._wrap(width)
        line = self.buffer[at.y]
        line[at.x] = at.attrs._replace(data=cluster)
        if width == 2:
            line[at.x + 1] = at.attrs._replace(data="")
        at.x = min(at.x + width, self.columns)
        self.dirty.add(at.y)

    def _wrap(self, width: int) -> None:
        if pyte.modes.DECAWM in self.mode:
            self.carriage_return()
            self.linefeed()
        else:
            self.cursor.x = self.columns - width

    def _join(self, mark: str) -> None:
        """A mark of no width belongs to the character before it."""
        x = self.cursor.x - 1
        line = self.buffer[self.cursor.y]
        while x > 0 and not line[x].data:
            x -= 1
        if x >= 0:
            line[x] = line[x]._replace(data=line[x].data + mark)


class ScreenModel:
    """Feed it what the program wrote; ask what is to be seen."""

    def __init__(self, cols: int, rows: int, keyboard: Flags | None = None) -> None:
        self._cols, self._rows = cols, rows
        self._keyboard = keyboard
        self.answers: list[str] = []
        """What a real terminal would type back (to `ESC[6n` and the like)."""
        self._main = _Screen(cols, rows, self.answers)
        self._other: _Screen | None = None
        self._stream = pyte.Stream(self._main)
        self._rest = b""

    @property
    def screen(self) -> Any:
        """The pyte screen now shown."""
        return self._other or self._main

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._other is not None

    def feed(self, data: bytes) -> None:
        """More output of the program."""
        raw = self._rest + data
        end = unfinished(raw)
        self._rest = raw[end:]
        for token in tokens(raw[:end]):
            self._take(token)

    def resize(self, cols: int, rows: int) -> None:
        """The window has another size."""
        self._cols, self._rows = cols, rows
        for screen in (self._main, self._other):
            if screen is not None:
                screen.resize(rows, cols)

    def text(self) -> str:
        """All lines, without the blanks at their ends."""
        return "\n".join(self._line(row).rstrip() for row in range(self._rows))

    def _line(self, row: int) -> str:
        line = self.screen.buffer[row]
        return "".join(line[column].data for column in range(self._cols))

    def _take(self, token: Token) -> None:
        if self._keyboard and (answer := self._keyboard.take(token.data)):
            self.answers.append(answer)
        if alternate := _ALTERNATE.fullmatch(token.data):
            self._switch(alternate[1] == b"h")
        elif token.data != b"\x1b" and _is_for_pyte(token):
            self._stream.feed(token.data.decode(errors="replace"))

    def _switch(self, to_alternate: bool) -> None:
        if to_alternate == self.is_alternate:
            return
        fresh = _Screen(self._cols, self._rows, self.answers)
        self._other = fresh if to_alternate else None
        self._stream = pyte.Stream(self.screen)


def _is_for_pyte(token: Token) -> bool:
    return token.kind in ("text", "esc", "c0") or bool(_FOR_PYTE.fullmatch(token.data))
