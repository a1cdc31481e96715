"""Turns that the server's VAD finds and leaves to us: `Vad.by_words`."""

from typing import Any

import pytest

from tests.providers.openai.call import Call
from voicechat.events import EndTurn
from voicechat.providers.base import Vad
from voicechat.providers.openai.dialect import OpenAIDialect

BY_WORDS = Vad(by_words=True)
LEFT_TO_US = {"type": "server_vad", "create_response": False, "interrupt_response": False}


def agreed(turns: dict[str, Any], *, vad: Vad = BY_WORDS) -> tuple[Call, dict[str, Any]]:
    """A hands-free call whose server answered our settings with `turns`; and what we asked for."""
    call = Call(hands_free=True, vad=vad)
    call.says("session.created")
    asked = call.sent()[0]["session"]["audio"]["input"]["turn_detection"]
    call.says("session.updated", session={"audio": {"input": {"turn_detection": turns}}})
    call.sent()
    return call, asked


def test_the_server_is_asked_neither_to_answer_nor_to_interrupt() -> None:
    call, asked = agreed(LEFT_TO_US)
    assert asked["create_response"] is asked["interrupt_response"] is False
    assert call.dialect.waits
    assert [each["type"] for each in call.does(EndTurn())] == ["response.create"]


@pytest.mark.parametrize("vad", [Vad(), Vad(interrupt=False)])
def test_otherwise_it_answers_and_the_key_says_nothing(vad: Vad) -> None:
    call, asked = agreed(LEFT_TO_US | {"create_response": True}, vad=vad)
    assert asked["create_response"] is True and asked["interrupt_response"] is vad.interrupt
    assert not call.dialect.waits and not call.does(EndTurn())


def test_a_server_that_answers_all_the_same_is_believed() -> None:
    call, _ = agreed(LEFT_TO_US | {"create_response": True})
    assert not call.dialect.waits and not call.does(EndTurn())


def test_with_the_key_nothing_waits() -> None:
    assert not OpenAIDialect(Call(vad=BY_WORDS).dialect.settings).waits
