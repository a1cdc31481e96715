"""What was said before the session was agreed is one question, and gets one answer."""

import pytest

from tests.providers.openai.call import Call
from voicechat.events import BeginTurn, Command, EndTurn, SendAudio, SendText

SPEECH = SendAudio(bytes(48 * 200))
ITEM, ASK = "conversation.item.create", "response.create"


def agreed(*early: Command) -> tuple[Call, list[str]]:
    """A call whose user was early; and what was sent of that, as types."""
    call = Call()
    call.does(*early)
    call.says("session.created")
    call.says("session.updated", session={})
    return call, [one["type"] for one in call.sent() if one["type"] != "session.update"]


@pytest.mark.fault("N21")
def test_two_early_questions_get_one_answer() -> None:
    call, sent = agreed(SendText("one", "msg_1"), SendText("two", "msg_2"))
    assert sent == [ITEM, ITEM, ASK]
    call.says("response.created", response={"id": "resp_1"})
    call.says("response.done", response={"id": "resp_1", "status": "completed"})
    assert call.sent() == []


@pytest.mark.fault("N21")
def test_who_speaks_after_an_early_question_is_not_answered_meanwhile() -> None:
    call, sent = agreed(SendText("one", "msg_1"), BeginTurn(), SPEECH)
    assert sent[0] == ITEM and ASK not in sent
    ended = [one["type"] for one in call.does(SPEECH, EndTurn())]
    assert ended[-2:] == ["input_audio_buffer.commit", ASK] and ended.count(ASK) == 1


def test_one_early_question_is_asked_at_once() -> None:
    assert agreed(SendText("one", "msg_1"))[1] == [ITEM, ASK]
    assert agreed(BeginTurn(), SPEECH, EndTurn())[1][-1] == ASK
