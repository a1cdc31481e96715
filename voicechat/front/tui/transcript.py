"""The transcript: one widget a row, words in step with the sound, the newest in sight.

It fills from the bottom, as a chat does: the newest words stand beside the box one types in.  When
the user has scrolled up nothing moves under their eyes until they come back.

Foreign words are never read as markup (`Content` is built from plain text), and arrive here
already cleaned.
"""

from collections.abc import Callable

from textual.containers import VerticalScroll
from textual.content import Content
from textual.selection import Selection
from textual.widgets import Static

from voicechat.conversation import Row, State
from voicechat.front.tui.flow import Flow
from voicechat.front.tui.illustrated import Illustrated, room_for_sketch
from voicechat.front.words import Words
from voicechat.pictures import Picture, Sketch, fetch_sketch

KEPT_ROWS = 400
"""Rows on the screen; older ones stay in the journal."""
LONGEST = 20_000
"""Characters drawn of one row, the last ones: wrapping a book twelve times a second takes long."""


class RowView(Static):
    """One side's say."""

    def __init__(self, row: Row, words: Words) -> None:
        super().__init__(markup=False, classes=f"row {row.role}")
        self.row = row
        self.is_settled = False
        """It is drawn whole, and nothing but a cut can change it."""
        self.sketch: Sketch | None = None
        """Of the picture that was shown."""
        self._words = words
        self._drawn: tuple[int, State, int] | None = None
        if row.code.startswith("error"):
            self.add_class("error")

    @property
    def may_have_changed(self) -> bool:
        return not self.is_settled or self._drawn is None or self._drawn[1] is not self.row.state

    def draw(self, shown: int) -> None:
        """Show the first `shown` characters, if that is anything new."""
        row = self.row
        state = (shown, row.state, len(row.text) if row.is_finished else 0)
        self.is_settled = row.is_finished and shown >= len(row.text)
        if state != self._drawn:
            self._drawn = state
            self.update(self._content(shown))

    def illustrate(self, sketch: Sketch) -> None:
        """Draw a picture under the words."""
        self.sketch, self._drawn = sketch, None

    def _content(self, shown: int) -> Flow:
        label = Content.styled(f"{self._words(self._who)} ", "bold")
        body = self._body(shown)
        if len(body) > LONGEST:
            body = "… " + body[-LONGEST:]
        mark = Content.styled(self._words("picture") + " " if self._is_picture else "", "italic")
        text = Content.assemble(mark, body, Content.styled(self._mark(), "italic"))
        return Illustrated(label, text, self.sketch) if self.sketch else Flow(label, text)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What was selected with the mouse, as it stands on the screen."""
        flow = self.visual
        if not isinstance(flow, Flow):
            return None
        return selection.extract(flow.fold(self.content_region.width).plain), "\n"

    @property
    def _is_picture(self) -> bool:
        return self.row.code == "picture"

    @property
    def _who(self) -> str:
        if "error" in self.classes:
            return "error"
        return "you" if self.row.role == "user" else self.row.role

    def _body(self, shown: int) -> str:
        row = self.row
        if row.state is State.CUT:
            return row.heard_text
        if row.role == "note":
            return self._words.told(row.text)
        if row.text:
            return row.text[:shown]
        if row.role == "user":
            return self._words("transcribing" if row.state is State.PENDING else self._silent_say)
        return ""

    @property
    def _silent_say(self) -> str:
        return "inaudible" if self.row.state is State.FAILED else "spoken"

    def _mark(self) -> str:
        row = self.row
        if row.state is State.CUT and row.heard_ms:
            return " " + self._words("cut", seconds=row.heard_ms / 1000)
        if row.state is State.CUT and not row.spoken and row.heard_text:
            return " " + self._words("cut_short")
        if row.state is State.CUT:
            return (" " if row.heard_text else "") + self._words("cut_unheard")
        if row.state is State.FAILED and row.role == "assistant":
            return " " + self._words("broken_off" if row.text else "failed")
        return ""


class Transcript(VerticalScroll, can_focus=False):
    """All rows, in the conversation's order."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="transcript")
        self._words = words
        self._views: dict[str, RowView] = {}
        self._sketches: dict[str, Sketch] = {}
        """By row; a row may be told of its picture before it is on the screen."""

    def on_mount(self) -> None:
        self.anchor()

    @property
    def is_scrolled(self) -> bool:
        """Whether the user looks at older rows."""
        return self.scroll_offset.y < self.max_scroll_y and self._anchor_released

    def show_newest(self) -> None:
        if self.is_scrolled:
            self.anchor()

    def show(self, rows: list[Row], shown: Callable[[Row], int]) -> None:
        """Bring the screen in line with the rows; cheap when little has changed."""
        kept = KEPT_ROWS * 2 if self.is_scrolled else KEPT_ROWS
        rows = rows[-max(kept, 1) :]
        for at, row in enumerate(rows):
            view = self._views.get(row.id)
            if view is None:
                view = self._insert(row, rows, at)
            if view.may_have_changed:
                view.draw(shown(row))
        if len(self._views) > len(rows):
            self._drop({row.id for row in rows})

    async def illustrate(self, row: Row, picture: Picture) -> None:
        """Draw a picture under its row, if there is room for both."""
        room = room_for_sketch(self.size.width, self.size.height)
        if room is None:
            return
        sketch = self._sketches[row.id] = await fetch_sketch(picture, *room)
        if row.id in self._views:
            self._views[row.id].illustrate(sketch)

    def _insert(self, row: Row, rows: list[Row], at: int) -> RowView:
        view = self._views[row.id] = RowView(row, self._words)
        view.sketch = self._sketches.get(row.id)
        later = next((self._views[r.id] for r in rows[at + 1 :] if r.id in self._views), None)
        self.mount(view, before=later)
        return view

    def _drop(self, kept: set[str]) -> None:
        for row_id in [row_id for row_id in self._views if row_id not in kept]:
            self._views.pop(row_id).remove()
            self._sketches.pop(row_id, None)
