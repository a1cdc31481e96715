"""The transcript: one widget a row, words in step with the sound, the newest in sight.

Foreign words are never read as markup (`Content` is built from plain text), and arrive here
already cleaned.
"""

from collections.abc import Callable

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from voicechat.conversation import Row, State
from voicechat.front.words import Words

KEPT_ROWS = 400
"""Rows on the screen; older ones stay in the journal."""


class RowView(Static):
    """One side's say."""

    def __init__(self, row: Row, words: Words) -> None:
        super().__init__(markup=False, classes=f"row {row.role}")
        self.row = row
        self._words = words
        self._drawn: tuple[int, State, int] | None = None
        if row.code.startswith("error"):
            self.add_class("error")

    def draw(self, shown: int) -> bool:
        """Show the first `shown` characters; tell whether anything changed."""
        state = (shown, self.row.state, len(self.row.text) if self.row.is_finished else 0)
        if state == self._drawn:
            return False
        self._drawn = state
        self.update(self._content(shown))
        return True

    def _content(self, shown: int) -> Content:
        name = "error" if "error" in self.classes else self._who
        label = Content.styled(f"{self._words(name)} ", "bold")
        return Content.assemble(label, self._body(shown), Content.styled(self._mark(), "italic"))

    @property
    def _who(self) -> str:
        return {"user": "you", "assistant": "assistant", "note": "note"}[self.row.role]

    def _body(self, shown: int) -> str:
        row = self.row
        if row.state is State.CUT:
            return row.heard_text
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
        if row.state is State.CUT:
            return (" " if row.heard_text else "") + self._words("cut_unheard")
        if row.state is State.FAILED and row.role == "assistant":
            return " " + self._words("failed")
        return ""


class Transcript(VerticalScroll):
    """All rows, in the conversation's order."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="transcript")
        self._words = words
        self._views: dict[str, RowView] = {}

    def on_mount(self) -> None:
        self.anchor()

    def show(self, rows: list[Row], shown: Callable[[Row], int]) -> None:
        """Bring the screen in line with the rows; cheap when little has changed."""
        rows = rows[-KEPT_ROWS:]
        for at, row in enumerate(rows):
            view = self._views.get(row.id)
            if view is None:
                view = self._insert(row, rows, at)
            view.draw(shown(row))
        if len(self._views) > len(rows):
            self._drop({row.id for row in rows})

    def _insert(self, row: Row, rows: list[Row], at: int) -> RowView:
        view = self._views[row.id] = RowView(row, self._words)
        later = next((self._views[r.id] for r in rows[at + 1 :] if r.id in self._views), None)
        self.mount(view, before=later)
        return view

    def _drop(self, kept: set[str]) -> None:
        for row_id in [row_id for row_id in self._views if row_id not in kept]:
            self._views.pop(row_id).remove()
