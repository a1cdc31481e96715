"""What was said, by whom, in which order: a fold over events.

No clock, no widgets, no files.  Rows stand in the order of the conversation, not of arrival: the
row of a spoken turn is reserved when the turn is committed, because its words come from another
model and may arrive after the answer (the Realtime guide on input transcription).
"""

import json
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from voicechat.conversation.item import Role, Row, State
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
from voicechat.text.clean import clean_line, cut_line
from voicechat.text.visible import visible, visible_json

__all__ = ["Conversation", "KnownRow", "Role", "Row", "Said", "State"]

Said: TypeAlias = tuple[Literal["user", "assistant"], str]
"""Who, and what."""

HISTORY_ROWS = 60
HISTORY_CHARS = 12_000
"""What a new session is told of an old conversation: some 4,000 tokens."""
LONGEST_CALL = 300
"""Characters shown of a tool's arguments, and of its answer."""
ANSWERED = " \u2192 "
"""Between a call and what the tool gave back."""
NOT_WRITTEN_DOWN = "(I said this aloud. It was answered, but never written down.)"
"""What a new session is told where it is not known what the user said."""


class KnownRow(Protocol):
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
    received_ms: Callable[[str], int | None] = lambda item_id: None
    """How many milliseconds of an item have arrived; None: its words are read, not heard."""
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
                words = cut_line(f"{visible(name)} {_readable(arguments)}", LONGEST_CALL)
                return [self._append(Row(call_id, "tool", words, reply_id=f"tool-{reply_id}"))]
            case ToolAnswered():
                return self._answer_tool(event)
            case ToolsCancelled(call_ids):
                return [self._give_up_tool(row) for row in map(self._present, call_ids) if row]
            case _:
                return []

    def row(self, item_id: str) -> Row | None:
        return self._by_id.get(item_id)

    def before(self, row: Row | None = None) -> str:
        """The id of the row above `row`, or of the last; empty: there is none."""
        at = len(self.rows)
        if row is not None:
            at = next((at for at, one in enumerate(self.rows) if one is row), at)
        return self.rows[at - 1].id if at else ""

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

        Of a reply that was cut, or broke off, the heard words only; a turn that was answered and
        never written down is named.  Bounded: the newest `HISTORY_ROWS` says, and of those the
        newest `HISTORY_CHARS` characters.

        Args:
            without: Item ids of what no model has got yet.
        """
        recalled = self.recall(without)
        return tuple(
            ("user" if row.role == "user" else "assistant", text)
            for row, text in recalled
            if row.role != "tool"
        )

    def recall(self, without: Collection[str] = ()) -> list[tuple[Row, str]]:
        """The rows of `history`, and what tools answered, each with its words."""
        said: list[tuple[Row, str]] = []
        room = HISTORY_CHARS
        for row in reversed(self.rows):
            is_answered = bool(said) and said[-1][0].role != "user"
            text = _told(row, is_answered=is_answered)
            if not text or row.id in without:
                continue
            room -= len(text)
            if room < 0 or len(said) == HISTORY_ROWS:
                break
            said.append((row, text))
        return said[::-1]

    def restore(self, rows: Iterable[KnownRow]) -> None:
        """Begin with what was said in an earlier session; nothing of it changes any more."""
        for kept in rows:
            state = State.FAILED if kept.status else State.CUT if kept.cut else State.DONE
            row = Row(kept.id, kept.role, kept.text, kept.spoken, state, code=kept.code)
            is_all_heard = kept.status and not kept.cut
            row.heard_text = kept.text if is_all_heard else kept.heard_text
            row.heard_ms = kept.heard_ms
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
        if row is None or (row.state is State.CUT and heard.heard_ms >= row.heard_ms):
            return None
        is_whole = is_complete and row.state not in (State.CUT, State.FAILED)
        row.stop(State.CUT, heard.heard_ms, heard.received_ms, is_complete=is_whole)
        return row

    def forget(self, row: Row) -> None:
        """What this row stands for is said once more, in a row of its own."""
        self.rows = [one for one in self.rows if one is not row]
        self._by_id = {name: one for name, one in self._by_id.items() if one is not row}
        for one in self.rows:  # An item of an earlier line may have had its name.
            self._by_id.setdefault(one.id, one)

    def end(self, going_on: Collection[str] = ()) -> list[Row]:
        """The line is gone: nothing that is still open will grow any more.

        Args:
            going_on: Calls of tools that will be answered all the same.
        """
        left = [row for row in self.rows if not row.is_finished and not _runs(row, going_on)]
        for row in left:
            # What was said is said: only its words are missing.
            is_said = row.role == "user" and not row.text
            self._stop(row, State.DONE if is_said else State.FAILED)
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
        """The place after `previous` and its notes; at the end where it is not known."""
        at = 0 if previous == "" else self._end_of(self.row(previous) if previous else None)
        while at < len(self.rows) and self.rows[at].role == "note":
            at += 1
        return at

    def _end_of(self, before: Row | None) -> int:
        for at in range(len(self.rows), 0, -1):
            if self.rows[at - 1] is before:
                return at
        return len(self.rows)

    def _transcribe(self, item_id: str, text: str, *, final: bool, replaces: bool) -> Row:
        row = self._user_row(item_id)
        if row.state is State.DONE and not final:
            return row  # A late partial must not undo the final words.
        if replaces:
            row.text = text.strip()
        else:
            row.add(text)
        row.state = State.DONE if final else State.OPEN
        return row

    def _write(self, event: ReplyText) -> Row:
        row = self.reply_row(event.item_id, event.reply_id, spoken=event.spoken)
        if row.state in (State.CUT, State.FAILED):
            return row
        if event.final:
            row.text = event.text
        else:
            row.add(event.text)
        return row

    def _finish(self, event: ReplyFinished) -> list[Row]:
        rows = [row for row in self.rows if row.reply_id == event.reply_id and not row.is_finished]
        for row in rows:
            self._stop(row, _END[event.status])
        return rows

    def _stop(self, row: Row, state: State) -> None:
        """It ends by itself: what has come of its sound is heard; what is read is known at once."""
        row.state = state
        if state is State.DONE:
            return
        came_ms = self.received_ms(row.item_id) if row.spoken else None
        if came_ms is None:
            row.heard_text = row.text
        else:
            row.stop(state, came_ms, came_ms, is_complete=False)

    def _answer_tool(self, event: ToolAnswered) -> list[Row]:
        calls = (row for row in reversed(self.rows) if _runs(row, (event.call_id,)))
        row = next((row for row in calls if not row.is_finished), None)
        if row is None:
            return []
        row.text = f"{row.text}{ANSWERED}{clean_line(event.output, LONGEST_CALL)}"
        row.state = State.FAILED if event.is_error else State.DONE
        return [row]

    def _give_up_tool(self, row: Row) -> Row:
        row.state = State.FAILED
        return row


def _runs(row: Row, calls: Collection[str]) -> bool:
    return row.role == "tool" and row.item_id in calls


def _told(row: Row, *, is_answered: bool) -> str:
    """How a row is told to a model that was not there; empty: it is not."""
    if row.role == "tool":
        return row.text if ANSWERED in row.text else ""
    if row.role not in ("user", "assistant"):
        return ""
    is_unwritten = row.role == "user" and not row.text.strip() and is_answered
    return NOT_WRITTEN_DOWN if is_unwritten else row.said if row.said.strip() else ""


_BETWEEN_LINES = re.compile(r"[\t\n\r]+ *")
"""In valid JSON these stand between values only."""
_END = {
    "completed": State.DONE,
    "incomplete": State.DONE,
    "cancelled": State.CUT,
    "failed": State.FAILED,
}


def _readable(arguments: str) -> str:
    """JSON as a person reads it: many models write each letter that is not ASCII as an escape.

    What would hide stays an escape.
    """
    if "\\u" in arguments:
        with suppress(ValueError, RecursionError):
            return visible_json(json.loads(arguments))
    return visible(_BETWEEN_LINES.sub(" ", arguments))
