"""Words flowing into lines, in scripts with spaces and in scripts without.

Textual breaks lines at spaces only, which tears Chinese and Japanese apart: a whole paragraph is
one word to it.  Here lines may end between any two wide characters, but never before a closing mark
nor after an opening one (the core of Unicode's line breaking, UAX #14, classes ID, OP and CL), and
continuation lines stand under the first word, beside the speaker's name.

A text that grows at its end costs what was added: lines that are full stay what they are.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from rich.cells import cell_len

LONGEST = 50_000
"""Characters drawn of one text, the last ones, and at most twice as many while it grows."""

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
_WORD = re.compile(r"\S")


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


def break_words(text: str, width: int) -> list[int] | None:
    """`break_lines` of one paragraph of plain English, thirty times as fast.

    None: a word is wider than a line.  The text is ASCII without tabs and newlines.
    """
    offsets: list[int] = []
    start = 0
    while len(text) - start > width:
        limit = start + width
        if text[limit] == " ":
            word = _WORD.search(text, limit)
            if word is None:
                return offsets
            start = word.start()
        else:
            blank = text.rfind(" ", start, limit)
            if blank < 0:
                return None
            start = blank + 1
        offsets.append(start)
    return offsets


def find_lines(text: str, width: int, first: int = 0, at: int = 0) -> list[int]:
    """Where all lines begin, as offsets into `text`, from the one that begins `at` there.

    Args:
        width: Of a line, in cells.
        first: Cells that are taken already in that line.
    """
    lines: list[int] = []
    while True:
        end = text.find("\n", at)
        paragraph = text[at : end if end >= 0 else len(text)]
        offsets = None
        if not first and paragraph.isascii() and "\t" not in paragraph:
            offsets = break_words(paragraph, width)
        if offsets is None:
            offsets = break_lines(paragraph, width, first)
        lines.append(at)
        lines += [at + offset for offset in offsets]
        if end < 0:
            return lines
        at, first = end + 1, 0


class Fold:
    """A text in lines beside a label, which may grow.

    Args:
        width: Of the lines, in cells, label included.
        label: Width of the label, in cells.
    """

    __slots__ = ("_first", "_starts", "_width", "indent", "is_shortened", "text")

    def __init__(self, text: str, width: int, label: int) -> None:
        self.indent = label if width >= 3 * label else 0
        """Cells before every line but the first, before which the label stands."""
        self._width = max(width - self.indent, 1)
        self._first = 0 if self.indent else label
        self._starts = array("L")
        self.text = ""
        self.is_shortened = False
        """Its first lines are left out."""
        self.write(text)

    def __len__(self) -> int:
        return len(self._starts)

    def span(self, line: int) -> tuple[int, int]:
        """Where a line begins and ends in the text."""
        ends = self._starts[line + 1] if line + 1 < len(self) else len(self.text)
        start = self._starts[line]
        return start, start + len(self.text[start:ends].rstrip())

    def line_of(self, offset: int) -> int:
        """The line in which a character stands."""
        return max(bisect_right(self._starts, offset) - 1, 0)

    def write(self, text: str) -> int:
        """Be this text from now on; the first line that changed."""
        if self._starts and text.startswith(self.text):
            at = self._starts.pop()
        else:
            at = _newest(text)
            self._starts, self.is_shortened = array("L"), at > 0
        self.text, changed = text, len(self)
        self._starts.extend(
            find_lines(text, self._width, 0 if at or self._starts else self._first, at)
        )
        return 0 if self._shorten() else changed

    def _shorten(self) -> bool:
        """Leave out the oldest lines of a text that grows without end."""
        excess = len(self.text) - self._starts[0] > 2 * LONGEST
        if excess:
            del self._starts[: self.line_of(len(self.text) - LONGEST)]
            self.is_shortened = True
        return excess


def _newest(text: str) -> int:
    """Where the part of a text begins that is drawn: at a word, if there are words."""
    if len(text) <= 2 * LONGEST:
        return 0
    at = len(text) - LONGEST
    return text.find(" ", at, at + 200) + 1 or at
