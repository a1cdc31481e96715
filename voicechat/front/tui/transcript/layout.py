"""All rows of the transcript, one under the other: which line belongs to which.

Lines are numbered once for all: a line keeps its number while older rows leave at the top and newer
ones come at the end.  Above what the user says stands a gap.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from voicechat.conversation.conversation import Row
from voicechat.front.tui.transcript.row_view import DrawContext, RowLines, RowView

NEWEST = 40
"""So many rows are looked at each time; the older ones only when all are."""
AWAKE = 80
"""So many rows keep their lines: more than a window shows."""


class Anchor(NamedTuple):
    """A place in the conversation that stays where it is, however it is drawn."""

    view: RowView
    offset: int
    """Of the first character in the line; -1 in the gap above the row."""


class Roll:
    """The rows, and where each of them begins.

    Args:
        gap: Lines above what the user says.
    """

    def __init__(self, page: DrawContext, gap: int = 0) -> None:
        self.page = page
        self.gap = gap
        self._views: list[RowView] = []
        self._tops: list[int] = []
        self._end = 0
        self._awake: dict[RowView, None] = {}
        """Those that keep their lines, the one looked at last at the end."""

    @property
    def first(self) -> int:
        """Number of the first line."""
        return self._tops[0] if self._tops else self._end

    @property
    def end(self) -> int:
        """Number of the line after the last one."""
        return self._end

    @property
    def height(self) -> int:
        return self._end - self.first

    def __iter__(self) -> Iterator[RowView]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    # -- bringing it in line with the conversation ------------------------------------------------

    def align(
        self, rows: list[Row], begin: Callable[[Row], RowView], *, all_rows: bool
    ) -> int | None:
        """Have a view of each of these rows and of no other; the first line that changed.

        Args:
            begin: Makes the view of a new row.
            all_rows: Look at all of them, not only how many there are, and which is the last.
        """
        self._drop_before(rows)
        views = self._views
        is_same = len(rows) == len(views) and (not rows or rows[-1] is views[-1].row)
        if is_same and not all_rows:
            return None
        if self._is_beginning_of(rows):
            changed = len(views)
        else:
            known = {view.row.id: view for view in views}
            self._views = [_known(known.get(row.id), row) or begin(row) for row in rows]
            changed = _first_difference(views, self._views)
        self._views += [begin(row) for row in rows[len(self._views) :]]
        if changed == len(self._tops) == len(self._views):
            return None
        return self._settle(changed)

    def _drop_before(self, rows: list[Row]) -> None:
        """Let go of the rows before the first of these."""
        first = rows[0] if rows else None
        at = next((at for at, view in enumerate(self._views) if view.row is first), 0)
        del self._views[:at], self._tops[:at]

    def _is_beginning_of(self, rows: list[Row]) -> bool:
        """Whether all that is here stands at the beginning there, in the same order."""
        pairs = zip(self._views, rows, strict=False)
        return len(self._views) <= len(rows) and all(view.row is row for view, row in pairs)

    def draw(self, shown: Callable[[Row], int], *, all_rows: bool) -> tuple[int, int] | None:
        """Draw what may have changed; the first line that did, and the one after the last.

        Args:
            all_rows: Look at the old ones, too.
        """
        changed: tuple[int, int] | None = None
        moved: int | None = None
        for at in range(0 if all_rows else max(len(self) - NEWEST, 0), len(self)):
            view = self._views[at]
            if not view.may_have_changed:
                continue
            before = view.height
            line = view.draw(shown(view.row), self.page)
            self._wake(view)
            if line is not None and moved is None:
                top = self._tops[at] + self._gap_of(view)
                changed = _both(changed, (top + line, top + view.height))
                moved = at if view.height != before else None
        if changed is None or moved is None:
            return changed
        self._settle(moved)
        return changed[0], self._end

    def draw_anew(self, page: DrawContext, gap: int) -> None:
        """Draw all of it for another page."""
        self.page, self.gap = page, gap
        self._awake.clear()
        for view in self._views:
            view.draw_anew(page)
            view.rest()
        self._settle(0)

    def lines(self, view: RowView) -> RowLines:
        """What stands in the lines of a row that is looked at."""
        self._wake(view)
        return view.lines(self.page)

    def _wake(self, view: RowView) -> None:
        """This one is looked at: the one that was not for the longest time may rest."""
        self._awake.pop(view, None)
        self._awake[view] = None
        if len(self._awake) > AWAKE:
            oldest = next(iter(self._awake))
            del self._awake[oldest]
            oldest.rest()

    def _settle(self, at: int) -> int:
        """Reckon where the rows from this one on begin; the line where it does."""
        line = self._tops[at] if at < len(self._tops) else self._end
        del self._tops[at:]
        for view in self._views[at:]:
            self._tops.append(line)
            line += self._gap_of(view) + view.height
        self._end = line
        return self._tops[at] if at < len(self._tops) else line

    def _gap_of(self, view: RowView) -> int:
        return self.gap if view.row.role == "user" else 0

    # -- finding one's way ------------------------------------------------------------------------

    def find(self, line: int) -> tuple[RowView, int] | None:
        """The row a line belongs to, and which of its lines it is: -1 in the gap above it."""
        if not self.first <= line < self._end:
            return None
        at = bisect_right(self._tops, line) - 1
        view = self._views[at]
        return view, max(line - self._tops[at] - self._gap_of(view), -1)

    def extent(self, line: int) -> tuple[int, int]:
        """First and last line of the row that this line belongs to."""
        at = bisect_right(self._tops, line) - 1
        top = self._tops[at] + self._gap_of(self._views[at])
        return top, top + self._views[at].height - 1

    def place(self, line: int) -> Anchor | None:
        """What stands in a line."""
        found = self.find(line)
        if found is None:
            return None
        view, number = found
        fold = self.lines(view).fold
        return Anchor(view, fold.span(min(number, len(fold) - 1))[0] if number >= 0 else -1)

    def line_of(self, place: Anchor) -> int:
        """Where it stands now; the first line if it is gone."""
        for at, view in enumerate(self._views):
            if view is place.view:
                top = self._tops[at]
                if place.offset < 0:
                    return top
                return top + self._gap_of(view) + self.lines(view).fold.line_of(place.offset)
        return self.first


def _both(one: tuple[int, int] | None, other: tuple[int, int]) -> tuple[int, int]:
    return other if one is None else (min(one[0], other[0]), max(one[1], other[1]))


def _known(view: RowView | None, row: Row) -> RowView | None:
    return view if view is not None and view.row is row else None


def _first_difference(before: list[RowView], now: list[RowView]) -> int:
    pairs = zip(before, now, strict=False)
    same = min(len(before), len(now))
    return next((at for at, (was, is_) in enumerate(pairs) if was is not is_), same)
