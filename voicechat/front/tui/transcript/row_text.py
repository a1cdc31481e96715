"""What a row of the transcript says: its label, its words, and the mark after them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from voicechat.conversation.conversation import Row, State
from voicechat.front.words.words import Words

Kind: TypeAlias = Literal["user", "assistant", "tool", "note", "error"]
"""How a row looks: by who says it; errors are notes of their own kind."""


@dataclass(frozen=True, slots=True)
class RowText:
    """One row in words; the mark and what leads the words stand out from them."""

    label: str
    lead: str
    body: str
    mark: str

    @property
    def text(self) -> str:
        """Everything but the label."""
        return self.lead + self.body + self.mark if self.lead or self.mark else self.body


def kind_of(row: Row) -> Kind:
    return "error" if row.code.startswith("error") else row.role


def say_row(row: Row, shown: int, words: Words) -> RowText:
    """A row in words, of which the first `shown` characters may be told already."""
    kind = kind_of(row)
    label = words("you" if kind == "user" else kind)
    lead = words("picture") + " " if row.code == "picture" else ""
    return RowText(label, lead, _body(row, shown, words).replace("\t", "    "), _mark(row, words))


def _body(row: Row, shown: int, words: Words) -> str:
    if row.state is State.CUT:
        return row.heard_text
    if row.role == "note":
        return words.told(row.text)
    if row.text:
        return row.text[:shown]
    if row.role == "user":
        return words("transcribing" if row.state is State.PENDING else _silent_say(row))
    return ""


def _silent_say(row: Row) -> str:
    return "inaudible" if row.state is State.FAILED else "spoken"


def _mark(row: Row, words: Words) -> str:
    if row.state is State.CUT and row.heard_ms:
        return " " + words("cut", seconds=row.heard_ms / 1000)
    if row.state is State.CUT and not row.spoken and row.heard_text:
        return " " + words("cut_short")
    if row.state is State.CUT:
        return (" " if row.heard_text else "") + words("cut_unheard")
    if row.state is State.FAILED and row.role == "assistant":
        return " " + words("broken_off" if row.text else "failed")
    return ""
