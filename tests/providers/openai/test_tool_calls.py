"""Tool calls are told once and answered once; pictures are items of the conversation."""

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.ga_server import GaServer
from tests.providers import family_talks as talks
from tests.providers.family_checks import TALK, use_tools
from tests.providers.family_line import JPEG, dialled
from tests.providers.openai.call import Call, kinds, only
from voicechat.events import (
    Event,
    Notice,
    ReplyFinished,
    SendImage,
    SendText,
    SendToolResult,
    Tool,
    ToolCalled,
)
from voicechat.providers.base import Settings
from voicechat.providers.local import LocalDialect

TOOLS = (Tool("f", "Does it.", {"type": "object"}), Tool("g", "", {"type": "object"}))


def called(call: Call, call_id: str = "call_1", name: str = "f", **fields: Any) -> list[Event]:
    """The server reports a call in all three ways but the last."""
    ids = {"response_id": "resp_1", "item_id": f"fc_{call_id}", "call_id": call_id}
    found = {"id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": name}
    begun = {**found, "status": "in_progress", "arguments": ""}
    call.says("response.output_item.added", response_id="resp_1", item=begun)
    events = call.says("response.function_call_arguments.done", **ids, arguments="{ }")
    done = {**found, "status": "completed", "arguments": "{ }", **fields}
    return [*events, *call.says("response.output_item.done", response_id="resp_1", item=done)]


def result(call_id: str, **fields: Any) -> SendToolResult:
    return SendToolResult(call_id, "f", **{"output": "{}", **fields})


# -- with the stand-in --------------------------------------------------------------------------


async def test_two_calls_are_answered_out_of_order_and_one_reply_follows() -> None:
    await use_tools(GaServer, "openai")


async def test_a_beta_server_calls_tools_too() -> None:
    class Beta(GaServer):
        def __init__(self, script: Any) -> None:
            super().__init__(replace(script, dialect="beta"))

    await use_tools(Beta, "openai", shape="beta")


async def test_pictures_stand_in_the_conversation() -> None:
    server = GaServer(TALK)
    async with dialled(server, "openai") as line:
        line.does(talks.picture(), talks.picture("What is this?"))
        await talks.answer(line)
        assert len(line.asked("response.create")) == 1
    assert JPEG and server.violations == []


# -- tools that were offered --------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["ga", "beta"])
def test_tools_are_offered_flat_and_only_once(shape: Any) -> None:
    call = Call(tools=TOOLS, shape=shape, shapes=(shape,))
    call.says("session.created")
    [update] = call.sent()
    first = {"type": "function", "name": "f", "description": "Does it."}
    assert update["session"]["tools"][0] == {**first, "parameters": {"type": "object"}}
    assert [tool["name"] for tool in update["session"]["tools"]] == ["f", "g"]


def test_refused_tools_are_given_up_by_name() -> None:
    call = Call(tools=TOOLS)
    call.says("session.created")
    call.sent()
    [notice] = only(Notice, call.fails("invalid_value", param="session.tools[0].parameters"))
    assert "tools" in notice.message
    [update] = call.sent()
    assert "tools" not in update["session"]


def test_what_was_never_asked_for_is_not_given_up() -> None:
    call = Call(shape="ga")
    call.says("session.created")
    words = [only(Notice, call.fails("invalid_value"))[0].message for _ in range(5)]
    assert not any("tools" in each for each in words)


def test_a_call_is_told_once_however_often_it_is_reported() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    assert called(call) == [ToolCalled("resp_1", "call_1", "f", "{ }")]
    item = {"type": "function_call", "id": "fc_call_1", "call_id": "call_1", "name": "f"}
    assert only(ToolCalled, call.ends(output=[{**item, "status": "completed"}])) == []
    assert call.sent() == []


def test_the_reply_is_asked_for_when_the_calling_one_has_ended_and_all_is_answered() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    called(call)
    assert kinds(call.does(result("call_1"))) == ["conversation.item.create"]
    called(call, "call_2", "g")
    call.ends()
    assert call.sent() == []
    sent = call.does(result("call_2"))
    assert kinds(sent) == ["conversation.item.create", "response.create"]
    assert call.does(result("call_2"), result("call_9")) == []


def test_a_name_given_only_at_the_beginning_is_remembered() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "g"}
    call.says("response.output_item.added", response_id="resp_1", item=item)
    call.says("response.function_call_arguments.done", item_id="fc_1", arguments="{}")
    [told] = only(ToolCalled, call.ends())
    assert (told.call_id, told.name, told.arguments) == ("call_1", "g", "{}")


def test_a_tool_that_was_not_offered_is_refused_beside_one_that_was() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    called(call, "call_1", "nonsense")
    [refusal] = call.sent()
    assert "not available" in refusal["item"]["output"]
    assert only(ToolCalled, called(call, "call_2"))
    call.ends()
    assert kinds(call.does(result("call_2")))[-1] == "response.create"


def test_a_failure_is_told_as_an_error() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    called(call)
    [sent] = call.does(result("call_1", output='No "such"\x1b[2J file', is_error=True))
    assert sent["item"]["output"] == '{"error": "No \\"such\\" file"}'


def test_what_the_user_interrupted_is_answered_without_a_new_reply() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    called(call)
    call.ends()
    call.interrupts()
    assert kinds(call.does(result("call_1"))) == ["conversation.item.create"]


def test_a_call_of_an_abandoned_reply_is_answered_for_the_user() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    call.interrupts()
    assert only(ToolCalled, called(call)) == []
    [sent] = call.sent()
    assert "interrupted" in sent["item"]["output"]
    call.ends(status="cancelled")
    assert call.sent() == []


def test_a_reply_cut_by_the_server_asks_for_no_other() -> None:
    call = Call(tools=TOOLS, hands_free=True).ready()
    call.begins()
    assert only(ToolCalled, called(call))
    call.ends(status="cancelled")
    assert kinds(call.does(result("call_1"))) == ["conversation.item.create"]


def test_calls_may_follow_calls_but_not_for_ever() -> None:
    call = Call(tools=TOOLS).ready()
    rounds = 0
    for number in range(20):
        item = {"type": "function_call", "call_id": f"call_{number}", "name": "f"}
        call.begins(f"resp_{number}")
        call.ends(f"resp_{number}", output=[item])
        rounds += kinds(call.does(result(f"call_{number}"))).count("response.create")
    assert rounds == 16
    call.does(SendText("And now?", "msg_1"))
    call.begins("resp_a")
    item = {"type": "function_call", "call_id": "call_a", "name": "f"}
    assert only(ReplyFinished, call.ends("resp_a", output=[item]))
    assert kinds(call.does(result("call_a")))[-1] == "response.create"


def test_a_result_from_before_the_session_is_dropped() -> None:
    call = Call(tools=TOOLS)
    assert call.does(result("call_1")) == []
    call.ready()
    assert call.sent() == []


# -- pictures -----------------------------------------------------------------------------------


def test_a_picture_alone_belongs_to_the_next_turn() -> None:
    call = Call().ready()
    [sent] = call.does(SendImage(b"\x89PNG", "image/png", "msg_p"))
    assert sent["item"]["content"] == [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw=="}
    ]


def test_a_picture_with_words_is_one_message_and_is_answered() -> None:
    call = Call().ready()
    sent = call.does(SendImage(b"x", "image/jpeg", "msg_p", "What\x07 is this?"))
    assert kinds(sent) == ["conversation.item.create", "response.create"]
    content = sent[0]["item"]["content"]
    assert content[0] == {"type": "input_text", "text": "What is this?"}
    assert sent[0]["item"]["id"] == "msg_p"


def test_who_cannot_look_is_asked_the_words_and_told_of_no_tools() -> None:
    dialect = LocalDialect(Settings("local", tools=TOOLS))
    dialect.open(0.0)
    dialect.receive('{"type":"session.created"}', 0.1)
    assert "tools" not in str(dialect.data_to_send()[0].text)
    dialect.receive('{"type":"session.updated"}', 0.2)
    dialect.send(SendImage(b"x", "image/jpeg", "msg_p", "What is this?"), 0.3)
    assert "input_image" not in repr(dialect.data_to_send())
    assert [notice.code for notice in only(Notice, dialect.tick(0.4))] == ["no_pictures"]


# -- tools, which we never offered --------------------------------------------------------------


def tool_call(call_id: str = "call_1", **item: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "fc", "call_id": call_id, "name": "f", **item}


@pytest.mark.fault("P32")
def test_a_tool_call_is_refused_once_and_the_turn_goes_on() -> None:
    call = Call().ready()
    call.begins()
    done = {"response_id": "resp_1", "call_id": "call_1", "name": "f", "arguments": "{broken"}
    call.says("response.function_call_arguments.done", **done)
    item = tool_call(status="completed", arguments="{broken")
    call.says("response.output_item.done", response_id="resp_1", output_index=0, item=item)
    [output] = call.sent()
    assert output["item"]["type"] == "function_call_output"
    assert output["item"]["call_id"] == "call_1"
    call.ends(output=[item])
    assert kinds(call.sent()) == ["response.create"]


def test_a_call_known_only_from_its_arguments_is_refused_at_the_end() -> None:
    call = Call().ready()
    call.begins()
    call.says("response.function_call_arguments.done", response_id="resp_1", call_id="call_1")
    assert call.sent() == []
    call.ends()
    assert kinds(call.sent()) == ["conversation.item.create", "response.create"]


def test_an_unfinished_call_is_not_answered() -> None:
    call = Call().ready()
    call.begins()
    call.ends("resp_1", "cancelled", output=[tool_call(status="incomplete")])
    assert call.sent() == []


def test_a_model_that_only_calls_tools_is_not_asked_for_ever() -> None:
    call = Call().ready()
    rounds = 0
    for number in range(10):
        call.begins(f"resp_{number}")
        call.ends(f"resp_{number}", output=[tool_call(f"call_{number}")])
        rounds += kinds(call.sent()).count("response.create")
    assert rounds == 3


# -- servers with calls of their own kind -------------------------------------------------------


def test_a_call_may_come_before_its_reply_is_told() -> None:
    call = Call(tools=TOOLS).ready()
    call.asks()
    call.says(
        "response.function_call_arguments.done",
        **{"response_id": "resp_1", "item_id": "fc_1", "call_id": "call_1"},
        **{"name": "f", "arguments": "{}"},
    )
    assert only(ToolCalled, call.ends()) == [ToolCalled("resp_1", "call_1", "f", "{}")]
    call.sent()
    assert kinds(call.does(result("call_1"))) == ["conversation.item.create", "response.create"]


def test_an_answered_id_may_be_used_again_in_the_next_reply() -> None:
    call = Call(tools=TOOLS).ready()
    for reply_id in ("resp_1", "resp_2", "resp_3"):
        call.begins(reply_id)
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_0", "name": "f"}
        told = call.says("response.output_item.done", response_id=reply_id, item=item)
        assert [one.reply_id for one in only(ToolCalled, told)] == [reply_id]
        assert not only(ToolCalled, call.ends(reply_id, output=[item]))
        answered = call.does(result("call_0"))
        assert kinds(answered) == ["conversation.item.create", "response.create"]


def test_a_reply_that_repeats_an_earlier_call_at_its_end_runs_nothing() -> None:
    call = Call(tools=TOOLS).ready()
    call.begins()
    called(call)
    call.ends()
    call.does(result("call_1"))
    call.begins("resp_2")
    old = {"type": "function_call", "id": "fc_call_1", "call_id": "call_1", "name": "f"}
    assert not only(ToolCalled, call.ends("resp_2", output=[{**old, "arguments": "{ }"}]))
