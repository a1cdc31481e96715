"""Whose turn it is, and how long the model takes."""

import pytest

from voicechat.session.state.turn import Turn

QUIET = {
    "is_ready": True,
    "has_problem": False,
    "is_playing": False,
    "is_talking": False,
    "is_live": False,
}


@pytest.mark.parametrize(
    ("facts", "phase"),
    [
        ({}, "ready"),
        ({"is_live": True}, "listening"),
        ({"is_talking": True, "is_live": True}, "listening"),
        ({"is_playing": True, "is_live": True}, "speaking"),
        ({"is_working": True, "is_live": True}, "thinking"),
        ({"is_working": True, "is_playing": True}, "speaking"),
    ],
)
def test_phase_of_an_agreed_session(facts: dict[str, bool], phase: str) -> None:
    assert Turn().phase(**{**QUIET, **facts}) == phase


def test_phase_before_a_session_is_agreed() -> None:
    assert Turn().phase(**{**QUIET, "is_ready": False}) == "connecting"
    assert Turn().phase(**{**QUIET, "is_ready": False, "has_problem": True}) == "offline"


def test_asked_and_not_answered_is_thinking() -> None:
    turn = Turn()
    turn.asked(1.0)
    assert turn.is_waiting
    assert turn.phase(**QUIET) == "thinking"
    assert turn.phase(**{**QUIET, "is_live": True}) == "thinking"


def test_latency_is_to_the_first_answer_only() -> None:
    turn = Turn()
    turn.asked(1.0)
    turn.answered(1.42)
    turn.answered(9.0)
    assert turn.latency_ms == 420
    assert not turn.is_waiting


def test_an_answer_nobody_asked_for_has_no_latency() -> None:
    turn = Turn()
    turn.answered(5.0)
    assert turn.latency_ms is None


def test_the_end_of_an_unwanted_reply_leaves_a_newer_question_open() -> None:
    turn = Turn()
    turn.replying = "r2"
    turn.asked(1.0)
    turn.finished("r1", failed=False)
    assert turn.is_waiting
    assert turn.replying == "r2"
    turn.finished("r2", failed=False)
    assert not turn.is_thinking


def test_a_reply_that_failed_at_once_ends_the_waiting() -> None:
    turn = Turn()
    turn.asked(1.0)
    turn.finished("never started", failed=True)
    assert not turn.is_thinking


def test_a_question_that_was_none_is_forgotten() -> None:
    turn = Turn()
    turn.asked(1.0)
    turn.forget_question()
    assert turn.phase(**QUIET) == "ready"


def test_hanging_up_keeps_the_last_latency_on_show() -> None:
    turn = Turn()
    turn.asked(1.0)
    turn.answered(1.1)
    turn.replying = "r"
    turn.hang_up()
    assert (turn.replying, turn.is_heard, turn.latency_ms) == ("", False, 100)
