"""What was said, by whom, in which order: a fold over events.

No clock, no widgets, no files.  Rows stand in the order of the conversation, not of arrival: the
row of a spoken turn is reserved when the turn is committed, because its words come from another
model and may arrive after the answer (the Realtime guide on input transcription).

What was *received* and what was *heard* are different facts.  A reply's words run ahead of its
sound, so `Row.heard_until` says how many of them the user can have heard by now.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol, TypeAlias

from voicechat.events import (
    Event,
    Heard,
    InputFailed,
    InputTranscript,
    ReplyFinished,
    ReplyText,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
)
from voicechat.text import clean_line

Role: TypeAlias = Literal["user", "assistant", "tool", "note"]
Said: TypeAlias = tuple[Literal["user", "assistant"], str]
"""Who, and what."""

LATIN_CHAR_MS = 62
"""About 16 characters a second: ordinary English speech."""
WIDE_CHAR_MS = 210
"""Nearly five syllables a second: ordinary Chinese speech."""
HISTORY_ROWS = 60
HISTORY_CHARS = 12_000
"""What a new session is told of an old conversation: some 4,000 tokens."""
LONGEST_CALL = 300
"""Characters shown of a tool's arguments, and of its answer."""


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


@dataclass(slots=True)
class Row:
    """One side's say, or a note to the user (which is no part of the conversation)."""

    id: str
    role: Role
    text: str = ""
    spoken: bool = False
    state: State = State.OPEN
    reply_id: str = ""
    heard_ms: int = 0
    """Of a cut reply: how much of its sound the user heard."""
    heard_text: str = ""
    """Of a cut reply: the words the user can have heard, by proportion."""
    code: str = ""
    """Of a note: its stable name."""

    @property
    def is_finished(self) -> bool:
        return self.state in (State.DONE, State.CUT, State.FAILED)

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
    wide = sum(1 for char in text if ord(char) > 0x2E80)
    return wide * WIDE_CHAR_MS + (len(text) - wide) * LATIN_CHAR_MS


def _word_end(text: str, at: int) -> int:
    """The end of the word that `at` falls into; wide scripts have no spaces to look for."""
    while 0 < at < len(text) and not text[at].isspace() and ord(text[at]) < 0x2E80:
        at += 1
    return at


class Kept(Protocol):
    """What is known of a row of an earlier session."""

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def text(self) -> str: ...
    @property
    def spoken(self) -> bool: ...
    @property
    def cut(self) -> bool: ...
    @property
    def heard_text(self) -> str: ...
    @property
    def heard_ms(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def code(self) -> str: ...


@dataclass(slots=True)
class Conversation:
    """All rows so far, oldest first."""

    rows: list[Row] = field(default_factory=list)
    _by_id: dict[str, Row] = field(default_factory=dict)
    """By the provider's id of the item; the newest where several lines have used it."""
    _past: set[str] = field(default_factory=set)
    """Ids of the rows of lines that have ended: some servers begin to count anew on each."""

    def apply(self, event: Event) -> list[Row]:
        """Fold one event in; return the rows it changed, new ones included."""
        match event:
            case TurnCommitted(item_id, previous, transcribed):
                return [self._commit(item_id, previous, transcribed=transcribed)]
            case InputTranscript(item_id, text, final, cumulative):
                return [self._transcribe(item_id, text, final=final, replaces=final or cumulative)]
            case InputFailed(item_id, _):
                row = self._user_row(item_id)
                row.state = State.FAILED
                return [row]
            case ReplyText():
                return [self._write(event)]
            case ReplyFinished():
                return self._finish(event)
            case ToolCalled(reply_id, call_id, name, arguments):
                words = clean_line(f"{name} {arguments}", LONGEST_CALL)
                return [self._append(Row(call_id, "tool", words, reply_id=f"tool-{reply_id}"))]
            case ToolAnswered():
                return self._answer_tool(event)
            case ToolsCancelled(call_ids):
                return [self._give_up_tool(row) for row in map(self._present, call_ids) if row]
            case _:
                return []

    def row(self, item_id: str) -> Row | None:
        return self._by_id.get(item_id)

    def typed(self, item_id: str, text: str) -> Row:
        """The user typed a message: it is whole at once."""
        return self._append(Row(item_id, "user", text, state=State.DONE))

    def note(self, code: str, text: str) -> Row:
        """Tell the user something, in its place among what was said."""
        return self._append(
            Row(f"note-{len(self.rows)}", "note", text, state=State.DONE, code=code)
        )

    def shown(self, item_id: str, picture: str, text: str) -> Row:
        """The user showed a picture, with or without words."""
        words = f"{picture}  {text}".rstrip()
        return self._append(Row(item_id, "user", words, state=State.DONE, code="picture"))

    def history(self, without: Collection[str] = ()) -> tuple[Said, ...]:
        """Who said what so far, as a model should know it that was not there; oldest first.

        Of a cut reply the heard words only.  Bounded: the newest `HISTORY_ROWS` says, and of those
        the newest `HISTORY_CHARS` characters.

        Args:
            without: Item ids of what no model has got yet.
        """
        recalled = self.recall(without)
        return tuple(
            ("user" if row.role == "user" else "assistant", text) for row, text in recalled
        )

    def recall(self, without: Collection[str] = ()) -> list[tuple[Row, str]]:
        """The rows of `history`, each with its words."""
        said: list[tuple[Row, str]] = []
        room = HISTORY_CHARS
        for row in reversed(self.rows):
            text = row.heard_text if row.state is State.CUT else row.text
            if row.role not in ("user", "assistant") or not text.strip() or row.id in without:
                continue
            room -= len(text)
            if room < 0 or len(said) == HISTORY_ROWS:
                break
            said.append((row, text))
        return said[::-1]

    def restore(self, rows: Iterable[Kept]) -> None:
        """Begin with what was said in an earlier session; nothing of it changes any more."""
        for kept in rows:
            state = State.CUT if kept.cut else State.FAILED if kept.status else State.DONE
            row = Row(kept.id, kept.role, kept.text, kept.spoken, state, code=kept.code)
            row.heard_ms, row.heard_text = kept.heard_ms, kept.heard_text
            self._append(row)
        self._past.update(row.id for row in self.rows)

    def reply_row(self, item_id: str, reply_id: str, *, spoken: bool) -> Row:
        """The row of a reply's item, made at its first sound or word."""
        row = self._present(item_id)
        if row is None:
            row = Row(item_id, "assistant", spoken=spoken, reply_id=reply_id)
            self._append(row)
        return row

    def cut(self, heard: Heard, *, is_complete: bool) -> Row | None:
        """The user stopped a reply that had got as far as `heard`."""
        row = self.row(heard.item_id)
        if row is None or row.state is State.CUT:
            return None
        until = row.heard_until(heard.heard_ms, heard.received_ms, is_complete=is_complete)
        row.state, row.heard_ms, row.heard_text = State.CUT, heard.heard_ms, row.text[:until]
        return row

    def forget(self, row: Row) -> None:
        """What this row stands for is said once more, in a row of its own."""
        self.rows = [one for one in self.rows if one is not row]
        self._by_id = {name: one for name, one in self._by_id.items() if one is not row}
        for one in self.rows:  # An item of an earlier line may have had its name.
            self._by_id.setdefault(one.id, one)

    def end(self) -> list[Row]:
        """The line is gone: nothing that is still open will grow any more."""
        left = [row for row in self.rows if not row.is_finished]
        for row in left:
            row.state = State.FAILED
        self._past.update(row.id for row in self.rows)
        return left

    def _present(self, item_id: str) -> Row | None:
        """The row of an item of the present line."""
        row = self.row(item_id)
        return None if row is None or row.id in self._past else row

    def _append(self, row: Row) -> Row:
        self._name(row)
        self.rows.append(row)
        return row

    def _name(self, row: Row) -> None:
        """Let the row be found by its item; its own id is unique for good."""
        item_id, number = row.id, len(self.rows)
        while row.id in self._by_id:  # Rows of an earlier session bring such names with them.
            row.id, number = f"{item_id}~{number}", number + 1
        self._by_id[item_id] = self._by_id[row.id] = row

    def _user_row(self, item_id: str) -> Row:
        return self._present(item_id) or self._append(
            Row(item_id, "user", spoken=True, state=State.PENDING)
        )

    def _commit(self, item_id: str, previous: str | None, *, transcribed: bool) -> Row:
        row = self._present(item_id)
        if row is None:
            row = Row(item_id, "user", spoken=True)
            row.state = State.PENDING if transcribed else State.DONE
            self._name(row)
            self.rows.insert(self._place_after(previous), row)
        return row

    def _place_after(self, previous: str | None) -> int:
        """The place after `previous`; at the end where it is not known (or stands before notes)."""
        before = self.row(previous) if previous else None
        for at in range(len(self.rows) - 1, -1, -1):
            if self.rows[at] is before:
                notes = at + 1
                while notes < len(self.rows) and self.rows[notes].role == "note":
                    notes += 1
                return notes
        return len(self.rows)

    def _transcribe(self, item_id: str, text: str, *, final: bool, replaces: bool) -> Row:
        row = self._user_row(item_id)
        if row.state is State.DONE and not final:
            return row  # A late partial must not undo the final words.
        row.text = text.strip() if replaces else row.text + text
        row.state = State.DONE if final else State.OPEN
        return row

    def _write(self, event: ReplyText) -> Row:
        row = self.reply_row(event.item_id, event.reply_id, spoken=event.spoken)
        if row.state in (State.CUT, State.FAILED):
            return row
        row.text = event.text if event.final else row.text + event.text
        return row

    def _finish(self, event: ReplyFinished) -> list[Row]:
        rows = [row for row in self.rows if row.reply_id == event.reply_id and not row.is_finished]
        for row in rows:
            row.state = _END[event.status]
            if row.state is State.CUT:
                row.heard_text = row.text
        return rows

    def _answer_tool(self, event: ToolAnswered) -> list[Row]:
        row = self._present(event.call_id)
        if row is None or row.is_finished:
            return []
        row.text = f"{row.text} \u2192 {clean_line(event.output, LONGEST_CALL)}"
        row.state = State.FAILED if event.is_error else State.DONE
        return [row]

    def _give_up_tool(self, row: Row) -> Row:
        row.state = State.FAILED
        return row


_END = {
    "completed": State.DONE,
    "incomplete": State.DONE,
    "cancelled": State.CUT,
    "failed": State.FAILED,
}
