"""The conversation as a fold: order, late words, what was heard of a cut reply."""

import pytest

from voicechat.conversation import Conversation, Row, State
from voicechat.events import (
    Event,
    Heard,
    InputFailed,
    InputTranscript,
    ReplyFinished,
    ReplyText,
    TurnCommitted,
)


def fold(*events: Event) -> Conversation:
    conversation = Conversation()
    for event in events:
        conversation.apply(event)
    return conversation


def texts(conversation: Conversation) -> list[tuple[str, str]]:
    return [(row.role, row.text) for row in conversation.rows]


@pytest.mark.fault("P17")
def test_late_words_of_a_spoken_turn_stand_before_the_answer() -> None:
    conversation = fold(
        TurnCommitted("u1"),
        ReplyText("r1", "a1", "It is "),
        ReplyText("r1", "a1", "noon."),
        ReplyFinished("r1"),
        InputTranscript("u1", "What time ", final=False),
        InputTranscript("u1", "What time is it?", final=True),
    )
    assert texts(conversation) == [("user", "What time is it?"), ("assistant", "It is noon.")]


def test_a_turn_stands_after_the_item_it_follows() -> None:
    conversation = Conversation()
    conversation.typed("t1", "one")
    conversation.apply(ReplyText("r1", "a1", "first"))
    conversation.note("switch", "a note stays with what it was about")
    conversation.apply(TurnCommitted("u2", previous_item_id="a1"))
    conversation.apply(TurnCommitted("u3", previous_item_id="nobody knows"))
    assert [row.id for row in conversation.rows if row.role != "note"] == ["t1", "a1", "u2", "u3"]


@pytest.mark.fault("P17")
def test_final_words_replace_and_late_partials_do_not_undo_them() -> None:
    conversation = fold(
        InputTranscript("u1", "helo", final=False),
        InputTranscript("u1", "Hello.", final=True),
        InputTranscript("u1", " wor", final=False),
    )
    assert texts(conversation) == [("user", "Hello.")]


def test_cumulative_partials_replace_without_ending_the_row() -> None:
    conversation = fold(
        InputTranscript("u1", "hell", cumulative=True),
        InputTranscript("u1", "hello", cumulative=True),
    )
    assert conversation.rows[0].text == "hello"
    assert conversation.rows[0].state is State.OPEN


def test_final_reply_text_replaces_the_deltas() -> None:
    conversation = fold(
        ReplyText("r", "a", "Hel"),
        ReplyText("r", "a", "lo"),
        ReplyText("r", "a", "Hello!", final=True),
    )
    assert texts(conversation) == [("assistant", "Hello!")]


def test_a_turn_that_could_not_be_transcribed_stays_visible() -> None:
    conversation = fold(TurnCommitted("u1"), InputFailed("u1", "noise"))
    assert conversation.rows[0].state is State.FAILED


def test_a_turn_without_transcription_is_finished_at_once() -> None:
    assert fold(TurnCommitted("u1", transcribed=False)).rows[0].state is State.DONE


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("completed", State.DONE),
        ("incomplete", State.DONE),
        ("cancelled", State.CUT),
        ("failed", State.FAILED),
    ],
)
def test_every_end_of_a_reply_finishes_its_rows(status: str, state: State) -> None:
    conversation = fold(ReplyText("r", "a", "x"), ReplyText("r", "b", "y"))
    finished = conversation.apply(ReplyFinished("r", status))  # type: ignore[arg-type]
    assert [row.id for row in finished] == ["a", "b"]
    assert all(row.state is state for row in finished)


def test_a_cut_reply_keeps_the_words_that_were_heard() -> None:
    conversation = fold(ReplyText("r", "a", "one two three four"), ReplyFinished("r"))
    row = conversation.cut(Heard("a", heard_ms=500, received_ms=1000), is_complete=True)
    assert row is not None
    assert (row.state, row.heard_ms, row.heard_text) == (State.CUT, 500, "one two three")
    conversation.apply(ReplyText("r", "a", " five"))
    assert row.text == "one two three four", "words after the cut are not taken"


def test_a_reply_is_cut_once() -> None:
    conversation = fold(ReplyText("r", "a", "one two"), ReplyFinished("r"))
    assert conversation.cut(Heard("a", 100, 1000), is_complete=True)
    assert conversation.cut(Heard("a", 900, 1000), is_complete=True) is None


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


def test_the_end_of_the_line_finishes_what_was_open() -> None:
    conversation = fold(TurnCommitted("u1"), ReplyText("r", "a", "half an ans"))
    assert [row.id for row in conversation.end()] == ["u1", "a"]
    assert conversation.end() == []
