"""The input box: typed messages with history, and Space to talk while it is empty.

A picture dropped on the window arrives as the paste of its path: it becomes an order to show it,
ready for words about it.
"""

from pathlib import Path

from textual import events
from textual.binding import Binding
from textual.message import Message

from voicechat.front.pictures import fetch_dropped
from voicechat.front.pictures.paths import looks_dropped, quote_path
from voicechat.front.tui.entry import Entry
from voicechat.text.clean import clean

LONGEST = 20_000
"""Characters of one typed message; a pasted book is cut, not sent line by line."""
LONGEST_DROP = 8_000
"""Characters of a paste that may be paths."""
SHOW = "/image "


class Prompt(Entry):
    """One line; Enter sends, Up and Down walk through what was sent before."""

    BINDINGS = [
        Binding("up", "earlier", show=False),
        Binding("down", "later", show=False),
        Binding("end", "end_or_newest", show=False),
    ]

    class Talk(Message):
        """Space was pressed in an empty box."""

        def __init__(self, at: float) -> None:
            super().__init__()
            self.at = at
            """When, as the time of events."""

    class Newest(Message):
        """End was pressed: back to the newest rows."""

    def __init__(self) -> None:
        super().__init__(id="prompt", max_length=LONGEST)
        self.cursor_blink = False  # A blinking cursor redraws the screen twice a second for ever.
        self._sent: list[str] = []
        self._at = 0
        self._draft = ""

    def remember(self, text: str) -> None:
        """Put a sent message into the history."""
        if not self._sent or self._sent[-1] != text:
            self._sent.append(text)
        self._at, self._draft = len(self._sent), ""

    def give_back(self, line: str) -> None:
        """Put a line that could not be carried out back, unless something new is being written."""
        if not self.value:
            self.value = line
            self.cursor_position = len(line)

    def action_earlier(self) -> None:
        self._show(max(self._at - 1, 0))

    def action_later(self) -> None:
        self._show(min(self._at + 1, len(self._sent)))

    def action_end_or_newest(self) -> None:
        self.action_end()
        self.post_message(self.Newest())

    def _show(self, at: int) -> None:
        """One of the messages sent, or after the last of them what was being written."""
        if at == self._at:
            return
        if self._at == len(self._sent):
            self._draft = self.value
        self._at = at
        self.value = self._sent[at] if at < len(self._sent) else self._draft
        self.cursor_position = len(self.value)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "space" and not self.value:
            event.stop()
            event.prevent_default()
            self.post_message(self.Talk(event.time))
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Take the whole paste as one message: its lines joined, its escapes removed.

        Textual waits for a handler before it hands over the next key, and for nothing else.
        """
        event.prevent_default()
        event.stop()
        paths = await _dropped(event.text)
        if paths:
            self._order_to_show(" ".join(map(quote_path, paths)) + " ")
            return
        text = " ".join(clean(event.text[: LONGEST * 2]).split())
        self.insert_text_at_cursor(text[: max(0, LONGEST - len(self.value))])

    def _order_to_show(self, paths: str) -> None:
        """Put paths into the order that is being written, or make one of the words there."""
        if self.value.startswith(SHOW):
            self.insert_text_at_cursor(paths)
        else:
            self.value = SHOW + paths + self.value
            self.cursor_position = len(self.value)


async def _dropped(text: str) -> list[Path]:
    """The pictures a paste consists of; none where it is anything else."""
    if len(text) > LONGEST_DROP or not looks_dropped(text := text.strip()):
        return []
    paths, rest = await fetch_dropped(text)
    can_be_typed = all(clean(str(path)) == str(path) and "\n" not in str(path) for path in paths)
    return paths if can_be_typed and not rest else []
