"""When a question counts as answered, and when nobody waits for it any more."""

import asyncio

import pytest

from voicechat.errors import LinkError
from voicechat.events import (
    Event,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyStatus,
    ReplyText,
    SpeechStarted,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
)
from voicechat.front.plain.exchange import MARGIN_S, Questions

STARTED, WORD, DONE = ReplyStarted("r"), ReplyText("r", "i", "Yes."), ReplyFinished("r")
CALLED = ToolCalled("r", "call", "get_time", "{}")
LONG_S = 60.0


def asked(patience_s: float = LONG_S) -> Questions:
    questions = Questions(patience_s - MARGIN_S)
    questions.open()
    return questions


def follow(questions: Questions, *events: Event) -> bool:
    """Whether the question is closed after these events."""
    for event in events:
        questions.count(event)
    return not questions.is_open


async def give_up(questions: Questions, *events: Event) -> list[str]:
    """Why it is given up in the end; it must be open before."""
    assert not follow(questions, *events)
    await asyncio.wait_for(questions.wait_closed(), 20)
    assert questions.unanswered == 1
    return questions.problems


async def test_nothing_is_open_before_anything_is_asked() -> None:
    assert not Questions().is_open


@pytest.mark.parametrize("said", [WORD, ReplyAudio("r", "i", b"\0\0")])
async def test_a_reply_that_says_something_is_an_answer(said: Event) -> None:
    questions = asked()
    assert not follow(questions, STARTED, said)
    assert follow(questions, DONE)
    assert (questions.unanswered, questions.problems) == (0, [])


async def test_a_reply_of_nothing_is_waited_for_a_little_longer() -> None:
    assert await give_up(asked(0.05), STARTED, DONE) == ["the model answered with nothing"]
    questions = asked(0.05)
    assert not follow(questions, STARTED, DONE, ReplyStarted("r2"))
    await asyncio.sleep(0.2)
    assert questions.is_open, "another reply has begun"
    assert follow(questions, WORD, ReplyFinished("r2")) and questions.unanswered == 0


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (ReplyFinished("r", "failed", "rate_limit", "too many"), "too many"),
        (ReplyFinished("r", "failed", "rate_limit"), "rate_limit"),
        (ReplyFinished("r", "failed"), "the model failed to answer"),
        (ProviderFailed("no_reply", "it says nothing"), "it says nothing"),
        (Notice("turn_too_short", "too short"), "too short"),
    ],
)
async def test_these_end_a_question_without_an_answer(event: Event, why: str) -> None:
    questions = asked()
    assert follow(questions, event)
    assert (questions.unanswered, questions.problems) == (1, [why])


@pytest.mark.parametrize(
    ("status", "code", "problems"),
    [("incomplete", "", ["cut"]), ("cancelled", "client_cancelled", [])],
)
async def test_a_part_of_an_answer_is_an_answer(
    status: ReplyStatus, code: str, problems: list[str]
) -> None:
    questions = asked()
    assert follow(questions, STARTED, WORD, ReplyFinished("r", status, code, "cut"))
    assert (questions.unanswered, questions.problems) == (0, problems)


async def test_who_went_on_speaking_is_answered_by_the_next_reply() -> None:
    cut = ReplyFinished("r", "cancelled", "turn_detected")
    questions = asked()
    assert not follow(questions, STARTED, WORD, cut)
    assert follow(questions, ReplyStarted("r2"), ReplyText("r2", "j", "No."), DONE)


@pytest.mark.parametrize("turn", [SpeechStarted(), TurnCommitted("i")])
async def test_a_turn_of_its_own_opens_a_question(turn: Event) -> None:
    assert not follow(Questions(), turn)


async def test_an_error_of_one_message_leaves_time_for_the_answer() -> None:
    error = ProviderFailed("odd", "one message was wrong")
    problems = await give_up(asked(0.05), error)
    assert problems == ["one message was wrong", "a message was not answered"]
    questions = asked(0.05)
    assert follow(questions, STARTED, error, WORD, DONE)
    assert (questions.unanswered, questions.problems) == (0, ["one message was wrong"])


async def test_a_tool_may_take_longer_than_a_reply() -> None:
    questions = asked(0.05)
    assert not follow(questions, STARTED, WORD, CALLED, DONE)
    await asyncio.sleep(0.2)
    assert questions.is_open
    assert not follow(questions, ToolAnswered("call", "get_time", "noon"))
    assert follow(questions, ReplyStarted("r2"), WORD, ReplyFinished("r2"))
    assert questions.unanswered == 0


@pytest.mark.parametrize(
    "end", [ToolAnswered("call", "get_time", "noon"), ToolsCancelled(("call",))]
)
async def test_after_its_tools_the_model_must_go_on(end: Event) -> None:
    why = await give_up(asked(0.05), STARTED, CALLED, DONE, end)
    assert why == ["the model said nothing after its tools had answered"]


async def test_nobody_waits_for_a_tool_after_another_failed_reply() -> None:
    assert follow(asked(), STARTED, CALLED, ReplyFinished("r", "failed"))


async def test_the_end_of_the_line_tells_what_it_failed_only_once() -> None:
    questions = asked()
    follow(questions, ReplyFinished("r", "failed", message="The line was lost"))
    questions.end(LinkError("The line was lost", "Connect again"))
    assert questions.problems == ["The line was lost. Connect again"]
    assert questions.unanswered == 2
