"""The transcript: words in step with the sound, the newest in sight.

It fills from the bottom, as a chat does: the newest words stand beside the box one types in.  When
the user has scrolled up nothing moves under their eyes until they come back.

It is one widget, which draws the lines in sight (Textual's line API) and paints only those anew
that changed: a widget a row would cost 80 kB each, and the layout of all of them for every word.
Foreign words are never read as markup, and arrive here already cleaned.
"""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.selection import SELECT_ALL, Selection
from textual.strip import Strip

from voicechat.conversation.conversation import Row
from voicechat.front.pictures import Picture, Sketch, fetch_sketch
from voicechat.front.tui.terminal.kitty_graphics import CELL
from voicechat.front.tui.terminal.placements import Gallery
from voicechat.front.tui.transcript.layout import Anchor, Roll
from voicechat.front.tui.transcript.paint import EDGE, Ink, paint_line, read_line
from voicechat.front.tui.transcript.row_text import Kind, kind_of
from voicechat.front.tui.transcript.row_view import DrawContext, RowView
from voicechat.front.tui.transcript.thumbnail import Drawing, room_for_picture
from voicechat.front.words.words import Words

KEPT_ROWS = 1000
"""Rows on the screen; older ones stay in the journal."""
WIDEST = 120
"""Cells of a row: longer lines are hard to read."""
ALL_EVERY = 10
"""Each so many times all rows are looked at: an old one changes rarely."""


class Transcript(ScrollView, can_focus=False):
    """All rows, in the conversation's order."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"row--{kind}" for kind in ("user", "assistant", "tool", "note", "error")
    }

    def __init__(self, words: Words) -> None:
        super().__init__(id="transcript")
        self._roll = Roll(DrawContext(words, WIDEST))
        self._inks: dict[Kind, Ink] = {}
        self._sketches: dict[str, Sketch] = {}
        """By row; a row may be told of its picture before it is on the screen."""
        self._gallery: Gallery | None = None
        self._times = 0
        self._window = Size()
        self._base = Style()
        self._is_restyled = True
        self._is_painting = False

    def on_mount(self) -> None:
        self.anchor()

    @property
    def is_scrolled(self) -> bool:
        """Whether the user looks at older rows."""
        return self.scroll_offset.y < self.max_scroll_y and self._anchor_released

    @property
    def rows(self) -> list[RowView]:
        """Those on the screen, oldest first."""
        return list(self._roll)

    def show_newest(self) -> None:
        if self.is_scrolled:
            self.anchor()

    def show(self, rows: list[Row], shown: Callable[[Row], int]) -> bool:
        """Bring the screen in line with the rows; whether anything changed."""
        if not self._window:
            return False
        place, height, top = self._place(), self._roll.height, self._top
        self._times += 1
        all_rows = self._times % ALL_EVERY == 0
        is_anew = self._is_restyled and self._fit()
        moved = self._roll.align(rows[-KEPT_ROWS:], self._begin, all_rows=all_rows)
        if moved is not None and self._sketches:
            self._forget_pictures(rows[-KEPT_ROWS:])
        drawn = self._roll.draw(shown, all_rows=all_rows or moved is not None)
        if is_anew or moved is not None or self._roll.height != height:
            self._settle(place)
        if is_anew or self._top != top:
            self.refresh()
            return True
        if moved is not None:
            self._refresh_lines(moved, self._top + self._window.height)
        if drawn is not None:
            self._refresh_lines(*drawn)
        return moved is not None or drawn is not None

    # -- pictures ---------------------------------------------------------------------------------

    async def illustrate(self, row: Row, picture: Picture, gallery: Gallery | None = None) -> None:
        """Draw a picture under its row, if there is room for both.

        Args:
            gallery: Where the terminal itself draws pictures.
        """
        room = room_for_picture(*self._window)
        if room is None:
            return
        columns, lines = room
        self._sketches[row.id] = await fetch_sketch(picture, columns, lines * 2)
        if gallery is not None:
            self._gallery = gallery
            sketch = await fetch_sketch(picture, columns * CELL[0], lines * CELL[1])
            gallery.hang(row.id, sketch, columns, lines)
        self._illustrate_all()

    def _illustrate_all(self) -> None:
        for view in self._roll:
            view.drawing = self._drawing(view.row)

    def _drawing(self, row: Row) -> Drawing | None:
        placement = self._gallery.placement(row.id) if self._gallery is not None else None
        return placement or self._sketches.get(row.id)

    def _fit_pictures(self) -> None:
        """Have those that the terminal draws take half of the window at most."""
        room = room_for_picture(*self._window)
        if self._gallery is not None and room is not None:
            self._gallery.fit(*room)
            self._illustrate_all()

    def _forget_pictures(self, rows: list[Row]) -> None:
        """Of all but these rows."""
        for gone in self._sketches.keys() - {row.id for row in rows}:
            del self._sketches[gone]
            if self._gallery is not None:
                self._gallery.take_down(gone)

    def _begin(self, row: Row) -> RowView:
        return RowView(row, self._drawing(row))

    # -- what is in sight -------------------------------------------------------------------------

    def _fit(self) -> bool:
        """Draw everything anew if the window or the style asks for it; whether it did.

        The scrollbar's column is left free while there is none: nothing is wrapped anew when it
        comes.
        """
        self._is_restyled = False
        width = min(self._window.width - self.styles.scrollbar_size_vertical, WIDEST)
        page = DrawContext(self._roll.page.words, max(width - EDGE - 1, 1))
        gap = self.get_component_styles("row--user").margin.top
        if page == self._roll.page and gap == self._roll.gap:
            return False
        self._fit_pictures()
        self._roll.draw_anew(page, gap)
        self._forget_selection()
        return True

    def _place(self) -> Anchor | None:
        """What the user looks at; None: the newest."""
        if not self.is_scrolled:
            return None
        return self._roll.place(self._roll.first + self.scroll_offset.y)

    def _settle(self, place: Anchor | None) -> None:
        """Have the scrollbar know how much there is; look at this place, or at the newest."""
        size = Size(self._window.width, self._roll.height)
        self.set_reactive(ScrollView.virtual_size, size)
        self._scroll_update(self.virtual_size)
        if place is None:
            self._anchor_released = False
            line = self.max_scroll_y
        else:
            line = self._roll.line_of(place) - self._roll.first
        self.scroll_y = self.scroll_target_y = line

    def _refresh_lines(self, first: int, after: int) -> None:
        """Paint these lines, as far as they are in sight."""
        top = max(first - self._top, 0)
        bottom = min(after - self._top, self._window.height)
        if top < bottom:
            self.refresh(Region(0, top, self._window.width, bottom - top))

    @property
    def _top(self) -> int:
        """Number of the line at the upper edge; few rows stand at the lower one."""
        blank = max(self._window.height - self._roll.height, 0)
        return self._roll.first + self.scroll_offset.y - blank

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._check_anchor()

    def on_resize(self) -> None:
        place = self._place()
        self._window = self.size
        self._fit()
        self._settle(place)
        self.refresh()

    # -- painting ---------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks.clear()
        self._is_restyled, self._base = True, self.rich_style
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._is_painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._is_painting = False

    def render_line(self, y: int) -> Strip:
        """One line; where it is not painted but pointed at, each character knows its place."""
        line = self._top + y
        strip = self._paint(line).adjust_cell_length(self._window.width, self._base)
        return strip if self._is_painting else strip.apply_offsets(0, line)

    def _paint(self, line: int) -> Strip:
        found = self._roll.find(line)
        if found is None or found[1] < 0:
            return Strip([Segment(" ", self._base)])
        view, number = found
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        chosen = self._chosen if span is not None else self._base
        return paint_line(self._roll.lines(view), number, self._ink(view), span, chosen)

    def _ink(self, view: RowView) -> Ink:
        kind = kind_of(view.row)
        if kind not in self._inks:
            words = self.get_visual_style(f"row--{kind}")
            _, colour = self.get_component_styles(f"row--{kind}").border_left
            _, ground = self.background_colors
            bar = Style(color=(ground + colour).rich_color, bgcolor=ground.rich_color)
            self._inks[kind] = Ink(bar, words.rich_style)
        return self._inks[kind]

    @property
    def _chosen(self) -> Style:
        """What is selected: its ground is another one, its letters keep their colour."""
        _, ground = self.background_colors
        chosen = self.screen.get_component_styles("screen--selection").background
        return Style(bgcolor=(ground + chosen).rich_color)

    # -- selecting and copying --------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What was selected with the mouse, as it stands on the screen."""
        lines = []
        for line in self._selected(selection):
            found = self._roll.find(line)
            if found is not None and found[1] >= 0:
                text = read_line(self._roll.lines(found[0]), found[1])
                start, end = selection.get_span(line) or (0, -1)
                lines.append(text[max(start - EDGE, 0) : max(end - EDGE, 0) if end >= 0 else None])
        return "\n".join(lines), "\n"

    def _selected(self, selection: Selection) -> range:
        """The numbers of the lines; where the selection leaves the transcript, those in sight."""
        if selection == SELECT_ALL:
            return range(self._roll.first, self._roll.end)
        start, end = selection
        first = start.y if start is not None else self._top
        last = end.y if end is not None else self._top + self._window.height - 1
        return range(first, last + 1)

    def _forget_selection(self) -> None:
        if self.text_selection is not None:
            self.screen.clear_selection()

    def on_click(self, event: events.Click) -> None:
        """Twice selects a row, three times everything."""
        event.prevent_default()
        line = self._top + event.y
        if event.chain == 2 and self._roll.find(line) is not None:
            first, last = self._roll.extent(line)
            self.screen.selections = {self: Selection(Offset(0, first), Offset(WIDEST, last))}
        elif event.chain == 3:
            self.text_select_all()
