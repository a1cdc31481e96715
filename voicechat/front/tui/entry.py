"""A text field that takes every character a keyboard, an input method or an emoji picker types.

Textual asks Python's tables whether a character is printable, which no-break and ideographic
blanks, joiners and characters newer than the tables are not; and it tells the terminal where the
cursor is only once something was typed, so that an input method opens its window elsewhere.
"""

import unicodedata

from textual import events
from textual.strip import Strip
from textual.widgets import Input

_NOT_TYPED = ("Cc", "Cs")
"""Controls and halves of characters."""


class Entry(Input):
    """One line of text."""

    async def _on_key(self, event: events.Key) -> None:
        text = event.character
        if text is None or event.is_printable or not is_text(text):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        self.replace(text, *self.selection)

    def render_line(self, y: int) -> Strip:
        """Draw it, and put the terminal's own cursor where the next character goes."""
        if self.has_focus and self.app.screen is self.screen:
            self.app.cursor_position = self.cursor_screen_offset
        return super().render_line(y)


def is_text(text: str) -> bool:
    """Whether that is what somebody types: one character and no control."""
    return len(text) == 1 and unicodedata.category(text) not in _NOT_TYPED
