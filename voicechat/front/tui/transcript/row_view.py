"""One row of the transcript as it is drawn: how many lines it takes, and what stands in them.

There may be thousands: one that rests keeps nothing but a few numbers.  Its lines are found again
when it comes in sight.
"""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment

from voicechat.conversation.conversation import Row, State
from voicechat.front.tui.transcript.row_text import RowText, say_row
from voicechat.front.tui.transcript.thumbnail import Cells, Drawing, draw_cells, place_cells
from voicechat.front.tui.transcript.wrap import Fold
from voicechat.front.words.words import Words


@dataclass(frozen=True, slots=True)
class DrawContext:
    """What all rows are drawn for."""

    words: Words
    width: int
    """Of a row's words with their label, in cells."""


@dataclass(slots=True)
class RowLines:
    """What stands in the lines of a row."""

    said: RowText
    fold: Fold
    cells: Cells
    """Of the picture under the words, line by line."""
    width: int

    def picture(self, number: int) -> list[Segment]:
        """What stands in a line of the picture; nothing in a line of words."""
        if number < len(self.fold):
            return []
        return place_cells(self.cells[number - len(self.fold)], self.fold.indent, self.width)


class RowView:
    """A row, as far as it may be shown."""

    __slots__ = (
        *("_drawn", "_lines", "_shown", "_state", "_text"),
        *("drawing", "height", "is_settled", "row"),
    )

    def __init__(self, row: Row, drawing: Drawing | None = None) -> None:
        self.row = row
        self.drawing = self._drawn = drawing
        """The picture under the words; another one shows the next time it is drawn."""
        self.height = 0
        """In lines, since it was drawn."""
        self.is_settled = False
        """It is drawn whole, and grows no more."""
        self._shown = -1
        self._state: State | None = None
        self._text = ""
        self._lines: RowLines | None = None

    @property
    def may_have_changed(self) -> bool:
        row = self.row
        is_same = row.state is self._state and row.text is self._text
        return not (self.is_settled and is_same and self.drawing is self._drawn)

    def draw(self, shown: int, page: DrawContext) -> int | None:
        """Show the first `shown` characters; the first line that changed.  None: none did."""
        row, text = self.row, self.row.text
        is_new_drawing = self.drawing is not self._drawn
        is_same = shown == self._shown and row.state is self._state and text is self._text
        if is_same and not is_new_drawing:
            return None
        self._shown, self._state, self._text = shown, row.state, text
        self.is_settled = row.is_finished and shown >= len(text)
        if self._lines is None or is_new_drawing:
            return self.draw_anew(page)
        said = say_row(row, shown, page.words)
        self._lines.said, changed = said, self._lines.fold.write(said.text)
        self._measure(self._lines)
        return changed

    def draw_anew(self, page: DrawContext) -> int:
        """Draw all of it, as after a change of the width."""
        self._lines, self._drawn = None, self.drawing
        self._measure(self.lines(page))
        return 0

    def lines(self, page: DrawContext) -> RowLines:
        """What stands in its lines; kept until it `rests`."""
        if self._lines is None:
            said = say_row(self.row, self._shown, page.words)
            fold = Fold(said.text, page.width, cell_len(said.label))
            cells = draw_cells(self._drawn) if self._drawn else []
            self._lines = RowLines(said, fold, cells, page.width)
        return self._lines

    def rest(self) -> None:
        """It is out of sight."""
        if self.is_settled:
            self._lines = None

    def _measure(self, lines: RowLines) -> None:
        self.height = len(lines.fold) + len(lines.cells)
