"""What comes from the terminal: keys as `kitty` reads them, pastes by ourselves.

Textual's parser looks for keys inside a pasted text, so that an escape sequence in it can press
Enter, and takes some 7 µs a character.  A paste (xterm's bracketed paste mode) is data: here it is
taken as a whole, up to a bound, and its inside is never read as keys.
"""

from collections.abc import Generator, Iterator

from textual import events
from textual.message import Message

from voicechat.front.tui.terminal.kitty_keys import KeyReader

LONGEST_PASTE = 200_000
"""Characters kept of one paste; the rest is read and dropped."""
_START, _END = "\x1b[200~", "\x1b[201~"
_NOTHING = "\x1b[0n"
"""A whole sequence that is no key."""
_SURELY = 3
"""Characters of a marker at the end of what was read so far that make it worth waiting for more."""


class KeyboardParser:
    """Feed it what was read; it yields the messages for the application."""

    def __init__(self) -> None:
        self._keys = KeyReader()
        self._held = ""
        """The beginning of a marker, perhaps: seen at the end of what was read."""
        self._begun = ""
        """Its first one or two characters, which the keys have already."""
        self._paste: list[str] | None = None
        self._pasted = 0

    def feed(self, text: str) -> Iterator[Message]:
        """Messages in what was read; nothing is lost between two calls."""
        text, self._held = self._held + text, ""
        if self._begun:
            text = yield from self._go_on(text)
        while text:
            if self._paste is None:
                before, marker, text = text.partition(_START)
                if marker:
                    self._paste, self._pasted = [], 0
                else:
                    before = self._hold_back(before, _START, _SURELY)
                if before:
                    self._begun = _beginning(before)
                    yield from self._keys.feed(before)
            else:
                inside, marker, text = text.partition(_END)
                self._keep(inside if marker else self._hold_back(inside, _END, 1))
                if marker:
                    yield events.Paste("".join(self._paste).replace("\0", ""))
                    self._paste = None

    def _go_on(self, text: str) -> Generator[Message, None, str]:
        """After one or two characters of a marker, given away as the Escape key perhaps; the rest
        of what was read.  If it was a marker, what was given away comes to nothing."""
        begun, whole = self._begun, self._begun + text
        if whole.startswith(_START):
            self._begun, self._paste, self._pasted = "", [], 0
            yield from self._keys.feed(_NOTHING[len(begun) :])
            return whole[len(_START) :]
        if len(whole) >= _SURELY and _START.startswith(whole):
            self._held = text
            return ""
        self._begun = whole if _START.startswith(whole) else ""
        if self._begun:
            yield from self._keys.feed(text)
            return ""
        return text

    @property
    def is_waiting(self) -> bool:
        """Whether a `tick` may tell something that `feed` has not."""
        return self._keys.is_waiting or (self._paste is None and bool(self._held))

    def tick(self) -> Iterator[Message]:
        """To be called when nothing came for a while: what looked like a beginning was none."""
        if self._paste is None and self._held:
            text, self._held, self._begun = self._held, "", ""
            yield from self._keys.feed(text)
        for message in self._keys.tick():
            self._begun = ""  # It was the Escape key.
            yield message

    def _keep(self, text: str) -> None:
        assert self._paste is not None
        text = text[: LONGEST_PASTE - self._pasted]
        self._paste.append(text)
        self._pasted += len(text)

    def _hold_back(self, text: str, marker: str, least: int) -> str:
        for length in range(len(marker) - 1, least - 1, -1):
            if text.endswith(marker[:length]):
                self._held = marker[:length]
                return text[:-length]
        return text


def _beginning(text: str) -> str:
    """What of a marker stands at the end, of so little that it may be a key as well."""
    return next((_START[:n] for n in range(_SURELY - 1, 0, -1) if text.endswith(_START[:n])), "")
