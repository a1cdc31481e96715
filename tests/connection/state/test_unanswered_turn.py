"""What got no answer is said again, once; what got one is not."""

import pytest

from voicechat.connection.state.unanswered_turn import (
    LEAD_MS,
    LONGEST_MS,
    UNSURE_MS,
    UnansweredTurn,
)
from voicechat.events import BeginTurn, Command, EndTurn, Interrupt, SendAudio, SendImage, SendText

RATE = 16_000
MS = 20
LOUD = SendAudio(b"\x00\x20" * (RATE * MS // 1000))
SOFT = SendAudio(b"\x01\x00" * (RATE * MS // 1000))
PICTURE = SendImage(b"x", "image/png", "msg_1")


def said(*commands: Command) -> UnansweredTurn:
    question = UnansweredTurn()
    for command in commands:
        question.say(command, RATE)
    return question


def left(question: UnansweredTurn, *, is_lost: bool = True) -> list[Command]:
    return [command for command, _ in question.left(is_lost=is_lost)]


def test_nothing_said_is_nothing_left() -> None:
    assert left(UnansweredTurn()) == [] and not UnansweredTurn().is_asked


@pytest.mark.parametrize(
    "turn",
    [
        [SendText("hi", "msg_2")],
        [PICTURE, SendText("what is it?", "msg_2")],
        [SendImage(b"x", "image/png", "msg_1", "what is it?")],
        [BeginTurn(), SOFT, LOUD, EndTurn()],
        [PICTURE, BeginTurn(), LOUD, SOFT, EndTurn()],
    ],
)
def test_a_question_is_left_as_it_was_asked(turn: list[Command]) -> None:
    question = said(*turn)
    assert question.is_asked and left(question, is_lost=False) == turn


def test_half_a_turn_is_left_and_asks_nothing_yet() -> None:
    question = said(BeginTurn(), LOUD)
    assert left(question) == [BeginTurn(), LOUD] and not question.is_asked


def test_the_rate_of_sound_goes_with_it() -> None:
    question = said(BeginTurn())
    question.say(LOUD, 24_000)
    assert question.left() == [(BeginTurn(), RATE), (LOUD, 24_000)]


def test_an_answer_leaves_nothing() -> None:
    question = said(PICTURE, BeginTurn(), LOUD, EndTurn())
    question.committed("item_1")
    question.forget()
    assert left(question) == [] and question.item_id == ""


def test_who_says_something_else_does_not_ask_the_first_again_but_shows_the_picture() -> None:
    question = said(PICTURE, BeginTurn(), LOUD, EndTurn(), SendText("no: this", "msg_2"))
    assert left(question) == [PICTURE, SendText("no: this", "msg_2")]


def test_what_is_no_saying_is_nothing() -> None:
    assert left(said(Interrupt())) == []


def test_words_that_were_written_down_are_said_instead_of_the_sound() -> None:
    question = said(PICTURE, BeginTurn(), LOUD, EndTurn())
    question.committed("item_1")
    assert question.item_id == "item_1"
    assert question.left("hello", "item_1") == [(PICTURE, RATE), (SendText("hello", "item_1"), 0)]


def test_a_typed_message_is_no_spoken_turn() -> None:
    question = said(SendText("hi", "msg_1"))
    question.committed("item_1")
    assert question.item_id == ""


def test_only_so_much_speech_is_kept() -> None:
    question = said(BeginTurn(), *[LOUD] * (LONGEST_MS // MS + 100))
    assert left(question) == [BeginTurn(), *[LOUD] * (LONGEST_MS // MS)]


def test_an_open_microphone_leaves_what_a_service_heard_from_a_moment_before_it_knew() -> None:
    question = said(*[LOUD] * 500)
    question.heard()
    question.say(SOFT, RATE)
    question.heard()
    assert left(question, is_lost=False) == [*[LOUD] * (LEAD_MS // MS), SOFT]


def test_an_open_microphone_on_a_line_that_broke_leaves_the_last_loud_moments() -> None:
    lead = LEAD_MS // MS
    question = said(*[SOFT] * 300, *[LOUD] * 10, *[SOFT] * 20)
    assert left(question) == [*[SOFT] * lead, *[LOUD] * 10, *[SOFT] * 20]
    assert len(left(said(*[LOUD] * 1500))) == UNSURE_MS // MS


def test_an_open_microphone_leaves_nothing_where_all_was_silent_or_the_line_is_whole() -> None:
    assert left(said(*[SOFT] * 300)) == []
    assert left(said(*[LOUD] * 300), is_lost=False) == []


def test_a_question_for_which_only_a_tool_ran_is_left_until_it_has_its_answer() -> None:
    question = said(SendText("what time is it?", "msg_2"))
    question.answering(400, is_going_on=True)
    question.called()
    assert not question.finished() and left(question) == [SendText("what time is it?", "msg_2")]
    question.answering(9_000, is_going_on=True)
    assert question.finished() and left(question) == []


def test_an_answer_that_broke_off_early_is_asked_for_again_and_most_of_one_not() -> None:
    turn: list[Command] = [BeginTurn(), LOUD, EndTurn()]
    question = said(*turn)
    question.answering(800, is_going_on=True)
    assert left(question) == turn
    question.answering(800, is_going_on=True)
    assert left(question) == []


def test_sound_that_comes_while_a_reply_runs_is_no_part_of_the_question() -> None:
    turn: list[Command] = [BeginTurn(), LOUD, EndTurn()]
    question = said(*turn)
    question.called()
    question.say(SOFT, RATE)
    assert left(question) == turn
    question.committed("item_1")
    question.committed("item_2")
    assert turn[0] not in left(question), "another turn was spoken into it"
