"""What a row says, in every state it may be in."""

import pytest

from voicechat.conversation.conversation import Role, Row, State
from voicechat.front.tui.transcript.row_text import RowText, kind_of, say_row
from voicechat.front.words.words import Words
from voicechat.text.phrase import phrase


def say(row: Row, shown: int = 1000) -> RowText:
    return say_row(row, shown, Words("en"))


def row_of(
    role: Role, text: str, state: State, *, heard_ms: int = 0, heard: str = "", spoken: bool = True
) -> Row:
    row = Row("i", role, text, spoken, state)
    row.heard_ms, row.heard_text = heard_ms, heard
    return row


def test_words_are_told_as_far_as_they_may_be() -> None:
    said = say(row_of("assistant", "one two", State.OPEN), shown=3)
    assert (said.label, said.text) == ("AI: ", "one")
    assert say_row(Row("i", "user", "你好"), 9, Words("zh")).label == "你："


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            row_of("assistant", "one two", State.CUT, heard_ms=1500, heard="one"),
            "one [cut at 1.5 s]",
        ),
        (row_of("assistant", "one two", State.CUT, heard="one", spoken=False), "one [cut]"),
        (row_of("assistant", "one two", State.CUT), "[cut before it was heard]"),
        (row_of("assistant", "one", State.FAILED), "one [broken off]"),
        (row_of("assistant", "", State.FAILED), " [no answer]"),
        (row_of("assistant", "", State.OPEN), ""),
        (row_of("user", "", State.PENDING), "…"),
        (row_of("user", "", State.FAILED), "(not understood)"),
        (row_of("user", "", State.DONE), "(spoken)"),
        (Row("i", "user", "cat.png", state=State.DONE, code="picture"), "[picture] cat.png"),
        (row_of("tool", "a\tb", State.DONE), "a    b"),
    ],
)
def test_every_state_has_its_words(row: Row, text: str) -> None:
    assert say(row).text == text


def test_errors_are_notes_of_their_own_kind_in_the_users_language() -> None:
    told = phrase("{who} ended the session: {why}", who="OpenAI", why="x")
    row = Row("i", "note", told, state=State.DONE, code="error")
    assert kind_of(row) == "error" and say(row).label == "ERROR: "
    assert say_row(row, 0, Words("zh")).body == "OpenAI 结束了会话：x"
