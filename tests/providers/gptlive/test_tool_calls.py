"""Tools with GPT-Live: another model calls them, and each call is answered once."""

import json
from typing import Any

import pytest

from tests.fakes.gptlive_check import check
from tests.providers.gptlive.call import only, settings
from voicechat.events import (
    Event,
    Interrupt,
    Notice,
    ProviderFailed,
    SendToolResult,
    SessionMetered,
    Tool,
    ToolCalled,
)
from voicechat.providers.gptlive.dialect import GptLiveDialect
from voicechat.providers.gptlive.tool_calls import HELPER_MODEL, MOST_ROUNDS

CLOCK = Tool("get_time", "The time of day.", {"type": "object", "properties": {}})
ITEM, GO_ON = "response.item.create", "response.create"


class Call:
    """A session with tools that has begun; `work` says something that the helper does."""

    def __init__(self, *tools: Tool) -> None:
        self.dialect = GptLiveDialect(settings(hands_free=True, tools=tools))
        self.dialect.open(0.0)
        self.says("session.started", session={"id": "live_1"})
        [self.start, *_] = self.sent()

    def says(self, kind: str, **fields: Any) -> list[Event]:
        return self.dialect.receive(json.dumps({"type": kind, **fields}), 0.0)

    def work(self, kind: str, work: str | None = "deleg_1", **fields: Any) -> list[Event]:
        event = {"type": f"response.{kind}", **fields}
        return self.says("response.event", delegation_id=work, event=event)

    def calls(self, call_id: str = "call_1", name: str = "get_time", **fields: Any) -> list[Event]:
        item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}
        return self.work("output_item.done", item={**item, "status": "completed", **fields})

    def completes(self) -> list[Event]:
        return self.work("completed", response={"id": "resp_1"})

    def answers(self, *call_ids: str) -> list[str]:
        """Tools have answered; the types of what is sent."""
        for call_id in call_ids:
            self.dialect.send(SendToolResult(call_id, "get_time", "noon"), 0.0)
        return [message["type"] for message in self.sent()]

    def sent(self) -> list[dict[str, Any]]:
        messages = [json.loads(message.text) for message in self.dialect.data_to_send()]
        for message in messages:
            check(message)
        return messages


def test_the_helper_is_told_what_it_can_use_and_what_the_user_wants() -> None:
    dialect = GptLiveDialect(settings(tools=(CLOCK,), instructions="Be brief."))
    dialect.open(0.0)
    session = json.loads(dialect.data_to_send()[0].text)["session"]
    assert session["delegation"] == {
        "type": "responses",
        "responses": {
            "model": HELPER_MODEL,
            "instructions": "Be brief.",
            "tools": [
                {
                    "type": "function",
                    "name": "get_time",
                    "description": "The time of day.",
                    "parameters": {"type": "object", "properties": {}},
                }
            ],
        },
    }
    assert session["instructions"].startswith("Be brief.\n\n# Delegation policy\n")
    assert "get_time" in session["instructions"]


def test_a_call_counts_once_its_response_is_complete() -> None:
    call = Call(CLOCK)
    assert call.calls() == [SessionMetered(has_extras=True)], "its tokens are billed apart"
    assert call.completes() == [ToolCalled("work_deleg_1", "call_1", "get_time", "{}")]
    assert call.answers("call_1") == [ITEM, GO_ON]
    assert call.answers("call_1", "call_9") == []
    call.calls()
    assert call.completes() == [] and call.sent() == []


@pytest.mark.parametrize("end", ["created", "incomplete", "failed"])
def test_calls_of_a_response_that_came_to_nothing_are_not_made(end: str) -> None:
    call = Call(CLOCK)
    call.calls()
    call.work(end, response={"id": "resp_1", "error": {"code": "server_error", "message": "x"}})
    assert call.completes() == [] and call.sent() == []


def test_work_that_fails_is_told() -> None:
    error = {"code": "server_error", "message": "It broke."}
    _, failed = Call(CLOCK).work("failed", response={"id": "resp_1", "error": error})
    words = "Work that the model handed over failed: It broke."
    assert failed == ProviderFailed("server_error", words)


@pytest.mark.parametrize(
    "fields", [{"type": "message"}, {"status": "incomplete"}, {"call_id": ""}, {"call_id": 7}]
)
def test_what_is_no_whole_call_is_none(fields: dict[str, Any]) -> None:
    call = Call(CLOCK)
    call.calls(**fields)
    assert call.completes() == [] and call.sent() == []


def test_a_tool_that_was_never_offered_is_answered_here() -> None:
    call = Call(CLOCK)
    call.calls("call_1", "rm")
    assert call.completes() == []
    refused, going_on = call.sent()
    assert "not available" in refused["item"]["output"] and going_on["type"] == GO_ON
    call.calls("call_2", "rm")
    call.calls("call_3")
    assert len(call.completes()) == 1
    assert [message["type"] for message in call.sent()] == [ITEM]
    assert call.answers("call_3") == [ITEM, GO_ON]


def test_the_work_goes_on_when_the_last_call_is_answered() -> None:
    call = Call(CLOCK)
    call.calls("call_1")
    call.calls("call_2")
    assert len(call.completes()) == 2
    assert call.answers("call_2") == [ITEM]
    assert call.answers("call_1") == [ITEM, GO_ON]


def test_two_works_at_a_time_go_on_apart() -> None:
    call = Call(CLOCK)
    item = {"type": "function_call", "name": "get_time", "arguments": "{}"}
    for work in ("deleg_1", None):
        call.work("output_item.done", work, item={**item, "call_id": f"call_{work}"})
    assert [event.call_id for event in only(ToolCalled, call.work("completed", None))] == [
        "call_None"
    ]
    assert len(call.completes()) == 1
    assert call.answers("call_deleg_1") == [ITEM, GO_ON]


def test_who_interrupts_does_not_stop_the_work() -> None:
    call = Call(CLOCK)
    call.calls()
    call.completes()
    call.dialect.send(Interrupt(), 0.0)
    assert call.answers("call_1") == [ITEM, GO_ON]


def test_a_helper_that_calls_for_ever_is_stopped_until_the_user_says_something() -> None:
    call = Call(CLOCK)
    for at in range(MOST_ROUNDS + 1):
        call.calls(f"call_{at}")
        call.completes()
        assert call.answers(f"call_{at}") == [ITEM, GO_ON][: 2 if at < MOST_ROUNDS else 1]
    call.says("session.input_transcript.delta", delta="And?", start_ms=0, end_ms=100)
    call.calls("call_more")
    call.completes()
    assert call.answers("call_more") == [ITEM, GO_ON]


def test_calls_that_nobody_answers_are_forgotten_one_by_one() -> None:
    call = Call(CLOCK)
    for at in range(200):
        call.work("output_item.done", f"lost_{at}", item={"type": "function_call", "call_id": "x"})
        call.calls(f"call_{at}")
        call.completes()
    helper = call.dialect._helper
    assert max(len(helper._begun), len(helper._open)) <= 64
    assert call.answers("call_0", "call_199") == [ITEM, GO_ON]


def test_without_tools_nobody_calls_any() -> None:
    call = Call()
    assert call.start["session"]["delegation"] == {"type": "client"}
    call.calls()
    assert call.completes() == [] and call.sent() == []


def test_with_tools_work_is_never_answered_by_us() -> None:
    call = Call(CLOCK)
    for target in ("responses", "client"):
        call.says("session.delegation.created", delegation={"id": "deleg_1", "target": target})
    assert call.sent() == []


def test_an_account_without_the_helpers_model_is_talked_to_without_tools() -> None:
    dialect = GptLiveDialect(settings(tools=(CLOCK,)))
    dialect.open(0.0)
    error = {"code": "model_not_found", "message": f"The model '{HELPER_MODEL}' does not exist."}
    [notice] = dialect.receive(json.dumps({"type": "error", "error": error}), 0.1)
    assert isinstance(notice, Notice) and "the tools" in notice.message
    first, second = (json.loads(message.text)["session"] for message in dialect.data_to_send())
    assert "Delegation policy" in first.pop("instructions")
    assert second == {**first, "delegation": {"type": "client"}}
    [failed] = dialect.receive(json.dumps({"type": "error", "error": error}), 0.2)
    assert isinstance(failed, ProviderFailed) and failed.fatal


def test_an_answered_id_is_free_for_the_next_response() -> None:
    call = Call(CLOCK)
    call.calls()
    call.completes()
    call.answers("call_1")
    call.work("created", response={"id": "resp_2"})
    call.calls()
    assert call.completes() == [ToolCalled("work_deleg_1", "call_1", "get_time", "{}")]
    assert call.answers("call_1") == [ITEM, GO_ON]
