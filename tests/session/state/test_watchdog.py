"""What is overdue in a turn is told once, and nothing that only takes its time."""

import pytest

from voicechat.events import (
    Event,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SpeechStarted,
    SpeechStopped,
    ToolCalled,
)
from voicechat.session.state.watchdog import ANSWER_S, HUSH_DBFS, SILENCE_S, STUCK_S, Watchdog

LOUD, QUIET = HUSH_DBFS + 20, HUSH_DBFS - 20


class Told(list[Notice]):
    """A watchdog asked once a second, and what it told."""

    def __init__(self) -> None:
        super().__init__()
        self.dog, self.now = Watchdog("OpenAI"), 50.0

    def feed(self, *events: Event) -> None:
        for event in events:
            if notice := self.dog.feed(event, self.now):
                self.append(notice)

    def wait(self, seconds: float, level: float = LOUD, *, is_on_its_way: bool = False) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 1.0
            if notice := self.dog.look(self.now, level, is_on_its_way=is_on_its_way):
                self.append(notice)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self]


# -- asked, and nothing came ----------------------------------------------------------------------


def test_a_question_without_an_answer_is_told_once() -> None:
    told = Told()
    told.dog.asked(told.now)
    told.wait(ANSWER_S - 2)
    assert told.codes == []
    told.wait(120)
    assert told.codes == ["no_answer_yet"]
    assert "OpenAI" in told[0].message and "F5" in told[0].message


@pytest.mark.fault("P20")
@pytest.mark.parametrize(
    "sign",
    [
        ReplyStarted("r"),
        ReplyAudio("r", "i", b"\0\0"),
        ReplyText("r", "i", "Hm"),
        ReplyFinished("r", "failed", "x", "no money"),
        ToolCalled("r", "c", "clock", "{}"),
        ProviderFailed("no_reply", "The model did not begin to answer"),
    ],
)
def test_any_sign_of_an_answer_is_one(sign: Event) -> None:
    told = Told()
    told.dog.asked(told.now)
    told.feed(sign)
    told.wait(120)
    assert told.codes == []


def test_a_question_that_is_taken_back_or_goes_on_is_not_waited_for() -> None:
    told = Told()
    told.dog.asked(told.now)
    told.dog.drop()
    told.dog.asked(told.now)
    told.feed(SpeechStarted())
    told.wait(ANSWER_S + 5)
    assert told.codes == []


def test_a_question_that_has_not_left_has_not_been_asked() -> None:
    told = Told()
    told.dog.asked(told.now)
    told.wait(ANSWER_S + 10, is_on_its_way=True)
    assert told.codes == []
    told.wait(ANSWER_S + 2)
    assert told.codes == ["no_answer_yet"]


# -- an answer that is none -----------------------------------------------------------------------


@pytest.mark.fault("P28")
def test_an_answer_with_nothing_in_it_is_told() -> None:
    told = Told()
    told.dog.asked(told.now)
    told.feed(ReplyStarted("r"), ReplyFinished("r"))
    assert told.codes == ["empty_answer"]
    told.wait(60)
    assert told.codes == ["empty_answer"]


@pytest.mark.fault("P28")
@pytest.mark.parametrize(
    "events",
    [
        [ReplyText("r", "i", "Hm"), ReplyFinished("r")],
        [ReplyAudio("r", "i", b"\0\0"), ReplyFinished("r")],
        [ToolCalled("r", "c", "clock", "{}"), ReplyFinished("r")],
        [ReplyFinished("r", "cancelled", "turn_detected")],
        [ReplyFinished("r", "failed", "empty_reply", "The model gave no answer")],
        [ReplyFinished("r", code="text_ignored")],
    ],
)
def test_an_answer_that_says_something_or_why_not_is_not_empty(events: list[Event]) -> None:
    told = Told()
    told.dog.asked(told.now)
    told.feed(ReplyStarted("r"), *events)
    assert told.codes == []


def test_the_end_of_an_abandoned_answer_is_no_answer_to_the_next_question() -> None:
    told = Told()
    told.feed(ReplyStarted("old"))
    told.dog.drop()
    told.dog.asked(told.now)
    told.feed(ReplyFinished("old", "completed"))
    assert told.codes == []
    told.wait(ANSWER_S + 2)
    assert told.codes == ["no_answer_yet"]


# -- a server that hears what is not there --------------------------------------------------------


def test_speech_without_end_in_a_quiet_room_is_told_once() -> None:
    told = Told()
    told.feed(SpeechStarted())
    told.wait(STUCK_S - 2, QUIET)
    assert told.codes == []
    told.wait(60, QUIET)
    assert told.codes == ["speech_stuck"]


def test_somebody_who_speaks_for_long_is_not_stuck() -> None:
    told = Told()
    told.feed(SpeechStarted())
    for _ in range(60):
        told.wait(SILENCE_S - 2, QUIET)
        told.wait(1, LOUD)
    assert told.codes == []
    told.feed(SpeechStopped())
    told.wait(STUCK_S, QUIET)
    assert told.codes == []
