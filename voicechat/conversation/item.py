"""One side's say, as it grows: its words, how far it has come, and what of it was heard.

What was *received* and what was *heard* are different facts.  A reply's words run ahead of its
sound, so `Row.heard_until` says how many of them the user can have heard by now.

Quiet: no clock, no I/O.
"""

from enum import Enum
from typing import Literal, TypeAlias

from voicechat.text.pieces import Pieces

Role: TypeAlias = Literal["user", "assistant", "tool", "note"]

LATIN_CHAR_MS = 62
"""About 16 characters a second: ordinary English speech."""
WIDE_CHAR_MS = 210
"""Nearly five syllables a second: ordinary Chinese speech."""


class State(Enum):
    """How far a row has come."""

    PENDING = "pending"
    """Reserved: its words are still to come."""
    OPEN = "open"
    """Growing."""
    DONE = "done"
    CUT = "cut"
    """The user spoke over it, or stopped it."""
    FAILED = "failed"


class Row:
    """One side's say, or a note to the user (which is no part of the conversation)."""

    __slots__ = (
        "_words",
        "code",
        "heard_ms",
        "heard_text",
        "id",
        "item_id",
        "reply_id",
        "role",
        "spoken",
        "state",
    )

    def __init__(
        self,
        id: str,
        role: Role,
        text: str = "",
        spoken: bool = False,
        state: State = State.OPEN,
        reply_id: str = "",
        *,
        heard_text: str = "",
        code: str = "",
    ) -> None:
        self.id = self.item_id = id
        """Its own for good; and the provider's, which may come again on another line."""
        self.role: Role = role
        self._words = Pieces(text)
        self.spoken = spoken
        self.state = state
        self.reply_id = reply_id
        self.heard_ms = 0
        """Of a reply that was cut, or broke off: how much of its sound the user heard."""
        self.heard_text = heard_text
        """Of such a reply: the words the user can have heard, by proportion."""
        self.code = code
        """Of a note: its stable name."""

    def __repr__(self) -> str:
        return f"Row({self.id!r}, {self.role!r}, {self.text!r}, {self.state})"

    @property
    def text(self) -> str:
        """All words so far."""
        return self._words.text

    @text.setter
    def text(self, text: str) -> None:
        self._words = Pieces(text)

    def add(self, text: str) -> None:
        """More words."""
        self._words.add(text)

    @property
    def is_finished(self) -> bool:
        return self.state in (State.DONE, State.CUT, State.FAILED)

    @property
    def said(self) -> str:
        """The words that reached the user: of a reply that was cut, or broke off, those heard."""
        is_part = self.role == "assistant" and self.state in (State.CUT, State.FAILED)
        return self.heard_text if is_part else self.text

    def stop(self, state: State, heard_ms: int, received_ms: int, *, is_complete: bool) -> None:
        """It ends here; of its sound so much was, or will still be, heard."""
        until = self.heard_until(heard_ms, received_ms, is_complete=is_complete)
        self.state, self.heard_ms, self.heard_text = state, heard_ms, self.text[:until]

    def heard_until(self, heard_ms: int, received_ms: int, *, is_complete: bool) -> int:
        """How many characters of the text the user can have heard.

        By proportion of the sound once all of it is here; before that the sound's length is not
        known, so it is estimated from the words at an ordinary speaking rate.
        """
        if not self.text:
            return 0
        total_ms = received_ms if is_complete else max(received_ms, spoken_ms(self.text))
        if heard_ms >= total_ms:
            return len(self.text)
        return _word_end(self.text, len(self.text) * heard_ms // total_ms)


def spoken_ms(text: str) -> int:
    """Estimate how long it takes to say `text`, in milliseconds."""
    wide = 0 if text.isascii() else sum(1 for char in text if ord(char) > 0x2E80)
    return wide * WIDE_CHAR_MS + (len(text) - wide) * LATIN_CHAR_MS


def _word_end(text: str, at: int) -> int:
    """The end of the word that `at` falls into; wide scripts have no spaces to look for."""
    while 0 < at < len(text) and not text[at].isspace() and ord(text[at]) < 0x2E80:
        at += 1
    return at
