"""Words flowing into lines, in scripts with spaces and in scripts without.

Textual breaks lines at spaces only, which tears Chinese and Japanese apart: a whole paragraph is
one word to it.  Here lines may end between any two wide characters, but never before a closing mark
nor after an opening one (the core of Unicode's line breaking, UAX #14, classes ID, OP and CL), and
continuation lines stand under the first word, beside the speaker's name.
"""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_WIDE = (
    "\u2e80-\u303f\u3040-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U00020000-\U0003ffff"
)
_OPENING = "（「『【《〈〔［｛"
_CLOSING = "，。！？；：、）」』】》〉〕］｝～…”’"
_UNIT = re.compile(
    rf"\n|(?=[^\n])[{_OPENING}]*(?:[{_WIDE}](?<![{_CLOSING}])|[^\s{_WIDE}]+)?[{_CLOSING}]*[^\S\n]*"
)
"""What must stay on one line: a word or a wide character, its marks, and the blanks after it."""


def break_lines(text: str, width: int, first: int = 0) -> list[int]:
    """Where new lines begin, as offsets into `text`; those after a newline are not among them.

    Args:
        width: Of a line, in cells.
        first: Cells that are taken already in the first line.
    """
    offsets: list[int] = []
    used = first
    for unit in _UNIT.finditer(text):
        if unit[0] == "\n":
            used = 0
            continue
        for start, piece in _pieces(unit, width):
            needed = cell_len(piece.rstrip())
            if used and used + needed > width:
                offsets.append(start)
                used = 0
            used += cell_len(piece)
    return offsets


def _pieces(unit: re.Match[str], width: int) -> Iterator[tuple[int, str]]:
    """A unit, in pieces if it is wider than a line."""
    text, start = unit[0], unit.start()
    if cell_len(text.rstrip()) <= width:
        yield start, text
        return
    piece = ""
    for char in text:
        if piece and cell_len(piece + char) > width:
            yield start, piece
            start += len(piece)
            piece = ""
        piece += char
    yield start, piece


class Flow(Visual):
    """A label, and text that flows beside it."""

    def __init__(self, label: Content, body: Content) -> None:
        self._label = label
        self._body = body
        self._indent = label.cell_length
        self._folded: tuple[int, Content] = (-1, body)

    def fold(self, width: int) -> Content:
        """Label and body, broken into lines of `width` cells."""
        if self._folded[0] != width:
            self._folded = (width, self._fold(width))
        return self._folded[1]

    def _fold(self, width: int) -> Content:
        indent = self._indent if width >= 3 * self._indent else 0
        room = max(width - indent, 1)
        first = 0 if indent else self._indent
        lines: list[Content] = []
        for paragraph in self._body.split("\n", allow_blank=True):
            offsets = break_lines(paragraph.plain, room, first)
            lines += [line.rstrip() for line in paragraph.divide(offsets)]
            first = 0
        pad = Content("\n" + " " * indent)
        return self._label + pad.join(lines)

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        return self.fold(width).render_strips(width, height, style, options)

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self.fold(width).plain.count("\n") + 1

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        lines = (self._label + self._body).split("\n")
        return max((line.cell_length for line in lines), default=0)
