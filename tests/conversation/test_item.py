"""One side's say: how much of its words the user can have heard, and how it grows."""

from voicechat.conversation.item import Row, State


def test_words_are_shown_in_step_with_the_sound() -> None:
    row = Row("a", "assistant", "alpha beta gamma delta", spoken=True)
    shown = [row.heard_until(ms, 1000, is_complete=True) for ms in range(0, 1001, 50)]
    assert shown[0] == 0
    assert shown[-1] == len(row.text)
    assert shown == sorted(shown)
    assert all(at == len(row.text) or row.text[at].isspace() for at in shown if at)


def test_chinese_words_are_shown_character_by_character() -> None:
    row = Row("a", "assistant", "今天天气很好我们出去走走吧", spoken=True)
    assert row.heard_until(500, 1000, is_complete=True) == len(row.text) // 2


def test_before_all_sound_is_here_its_length_is_estimated_from_the_words() -> None:
    row = Row("a", "assistant", "abc " * 40, spoken=True)
    assert row.heard_until(1000, 1000, is_complete=False) < 160
    assert row.heard_until(1000, 1000, is_complete=True) == 160


def test_words_come_in_pieces_and_are_one_text() -> None:
    row = Row("a", "assistant", "one")
    for piece in (" two", "", " three"):
        row.add(piece)
    assert row.text == "one two three"
    assert row.text is row.text, "it is put together once"
    row.text = "all else"
    row.add(".")
    assert row.text == "all else."


def test_a_say_without_words_was_not_heard() -> None:
    assert Row("a", "assistant", spoken=True).heard_until(500, 500, is_complete=True) == 0


def test_only_of_a_reply_that_ended_early_less_was_said_than_there_is() -> None:
    for state in State:
        reply = Row("a", "assistant", "one two", state=state, heard_text="one")
        is_part = state in (State.CUT, State.FAILED)
        assert reply.said == ("one" if is_part else "one two")
        assert Row("u", "user", "one two", state=state).said == "one two"


def test_a_row_can_be_told_from_others_when_a_test_fails() -> None:
    assert repr(Row("a", "note", "hello")) == "Row('a', 'note', 'hello', State.OPEN)"
