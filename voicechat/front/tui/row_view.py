"""One row of the transcript as it is drawn: how many lines it takes, and what stands in them.

There may be thousands: one that rests keeps nothing but a few numbers.  Its lines are found again
when it comes in sight.
"""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment

from voicechat.conversation import Row, State
from voicechat.front.tui.flow import Fold
from voicechat.front.tui.illustrated import Cells, draw_cells, place_cells
from voicechat.front.tui.said import Said, say_row
from voicechat.front.words import Words
from voicechat.pictures import Sketch


@dataclass(frozen=True, slots=True)
class Page:
    """What all rows are drawn for."""

    words: Words
    width: int
    """Of a row's words with their label, in cells."""


@dataclass(slots=True)
class Lines:
    """What stands in the lines of a row."""

    said: Said
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

    __slots__ = ("_lines", "_shown", "_state", "_text", "height", "is_settled", "row", "sketch")

    def __init__(self, row: Row, sketch: Sketch | None = None) -> None:
        self.row = row
        self.sketch = sketch
        """Of the picture that was shown."""
        self.height = 0
        """In lines, since it was drawn."""
        self.is_settled = False
        """It is drawn whole, and grows no more."""
        self._shown = -1
        self._state: State | None = None
        self._text = ""
        self._lines: Lines | None = None

    @property
    def may_have_changed(self) -> bool:
        row = self.row
        return not (self.is_settled and row.state is self._state and row.text is self._text)

    def draw(self, shown: int, page: Page) -> int | None:
        """Show the first `shown` characters; the first line that changed.  None: none did."""
        row, text = self.row, self.row.text
        if shown == self._shown and row.state is self._state and text is self._text:
            return None
        self._shown, self._state, self._text = shown, row.state, text
        self.is_settled = row.is_finished and shown >= len(text)
        if self._lines is None:
            return self.draw_anew(page)
        said = say_row(row, shown, page.words)
        self._lines.said, changed = said, self._lines.fold.write(said.text)
        self._measure(self._lines)
        return changed

    def draw_anew(self, page: Page) -> int:
        """Draw all of it, as after a change of the width."""
        self._lines = None
        self._measure(self.lines(page))
        return 0

    def illustrate(self, sketch: Sketch) -> None:
        """Draw a picture under the words, the next time it is drawn."""
        self.sketch, self._lines, self._shown = sketch, None, -1
        self.is_settled = False

    def lines(self, page: Page) -> Lines:
        """What stands in its lines; kept until it `rests`."""
        if self._lines is None:
            said = say_row(self.row, self._shown, page.words)
            fold = Fold(said.text, page.width, cell_len(said.label))
            cells = draw_cells(self.sketch) if self.sketch else []
            self._lines = Lines(said, fold, cells, page.width)
        return self._lines

    def rest(self) -> None:
        """It is out of sight."""
        if self.is_settled:
            self._lines = None

    def _measure(self, lines: Lines) -> None:
        self.height = len(lines.fold) + len(lines.cells)
