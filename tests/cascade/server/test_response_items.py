"""Calls of tools on the wire: told in the real service's order, answered, and gone on from."""

import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.cascade.peer import Event, Peer, kinds, meet, sound_of, words_of
from tests.fakes.http_chat import Call, HttpChatServer, Script
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import running

_WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
}
_CALL = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
]


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


@asynccontextmanager
async def _talk(server: HttpChatServer, kind: str = "openai", mouth: str = "none") -> Any:
    gemini = kind == "gemini"
    options = LocalOptions(
        mind=server.gemini_url if gemini else server.url,
        mind_kind=kind,
        mind_key=server.key,
        mind_model="gemini-3.8-flash" if gemini else "chat-1",
        mouth=mouth,
    )
    async with running(options) as endpoint, meet(endpoint) as peer:
        yield peer


async def _answer(peer: Peer, call_id: str, output: str) -> list[Event]:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    await peer.send("conversation.item.create", item=item)
    await peer.send("response.create")
    return await peer.until("response.done")


@pytest.mark.parametrize("kind", ["openai", "gemini"])
async def test_tool_is_called_answered_and_gone_on_from(server: HttpChatServer, kind: str) -> None:
    server.next.append(Script([], calls=[Call("weather", {"town": "Ulm"})]))
    async with _talk(server, kind) as peer:
        session = (await peer.update(tools=[_WEATHER], tool_choice="required"))["session"]
        assert session["tools"] == [_WEATHER] and session["tool_choice"] == "required"
        events = await peer.type("Weather?")
        assert kinds(events)[2:] == ["response.created", *_CALL, "response.done"]
        (item,) = events[-1]["response"]["output"]
        assert item["type"] == "function_call" and item["status"] == "completed"
        assert (item["name"], json.loads(item["arguments"])) == ("weather", {"town": "Ulm"})
        usage = events[-1]["response"]["usage"]
        assert usage["input_tokens"] == 12 and usage["output_tokens"] in (7, 9)
        done = await _answer(peer, item["call_id"], '{"sky": "blue"}')
        assert words_of(done) == 'The tool said: {"sky": "blue"} '
        assert done[-1]["response"]["status"] == "completed"


async def test_words_before_a_call_are_said_first_and_words_after_it_are_another_item(
    server: HttpChatServer,
) -> None:
    calls = [Call("weather", {"town": "Ulm"}), Call("weather", {"town": "Bern"})]
    server.next.append(Script(["One moment. "], calls=calls))
    async with _talk(server, mouth="espeak-ng") as peer:
        await peer.update(tools=[_WEATHER])
        events = await peer.type("Weather?")
        output = events[-1]["response"]["output"]
        types = [item["type"] for item in output]
        assert types == ["message", "function_call", "function_call"]
        assert output[0]["content"][0]["transcript"] == "One moment. " and sound_of(events)
        order = [event for event in events if event["type"] == "response.output_item.done"]
        assert [event["output_index"] for event in order] == [0, 1, 2]
        assert [event["item"]["id"] for event in order] == [item["id"] for item in output]
        previous = [e["previous_item_id"] for e in events if e["type"] == "conversation.item.done"]
        assert previous[1:] == [events[1]["item"]["id"], output[0]["id"], output[1]["id"]]
        for item in output[1:]:
            answer = {"type": "function_call_output", "call_id": item["call_id"], "output": "fog"}
            await peer.send("conversation.item.create", item=answer)
        await peer.send("response.create")
        assert words_of(await peer.until("response.done")) == "The tool said: fog "
    asked = server.asked[-1]["messages"][2:]
    assert [message["role"] for message in asked] == ["assistant", "tool", "tool"]


async def test_one_response_may_do_without_tools_or_with_its_own(server: HttpChatServer) -> None:
    async with _talk(server) as peer:
        await peer.update(tools=[_WEATHER])
        await peer.type("One", tool_choice="none")
        await peer.type("Two", tools=[])
        only = {"type": "function", "name": "weather"}
        await peer.type("Three", tool_choice=only)
    first, second, third = server.asked
    assert "tools" not in first and "tools" not in second
    assert third["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


async def test_tools_of_other_kinds_are_left_out(server: HttpChatServer) -> None:
    foreign = {"type": "mcp", "server_label": "x", "server_url": "https://example.org"}
    async with _talk(server) as peer:
        session = (await peer.update(tools=[foreign, _WEATHER]))["session"]
        assert session["tools"] == [_WEATHER]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"tools": [{"name": "f"}]}, "missing_required_parameter", "session.tools[0].type"),
        (
            {"tools": [{"type": "function"}]},
            "missing_required_parameter",
            "session.tools[0].name",
        ),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": 7}]},
            "invalid_type",
            "session.tools[0].parameters",
        ),
        ({"tool_choice": "perhaps"}, "invalid_value", "session.tool_choice"),
    ],
)
async def test_tool_that_is_none_is_refused(
    peer: Peer, session: dict[str, Any], code: str, param: str
) -> None:
    error = await peer.ask("session.update", session={"type": "realtime", **session})
    assert (error["error"]["code"], error["error"]["param"]) == (code, param)


@pytest.mark.parametrize("kind", ["openai", "gemini"])
async def test_history_of_another_model_reaches_this_one(server: HttpChatServer, kind: str) -> None:
    def text(role: str, words: str) -> Event:
        part = {"type": "output_text" if role == "assistant" else "input_text", "text": words}
        return {"type": "message", "role": role, "content": [part]}

    call = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "fog"}
    past = [text("user", "Weather?"), call, result, text("assistant", "Fog.")]
    async with _talk(server, kind) as peer:
        for item in past:
            await peer.ask("conversation.item.create", "conversation.item.done", item=item)
        assert words_of(await peer.type("Thanks")) == "You said: Thanks. "
    told = json.dumps(server.asked[0])
    assert "Weather?" in told and "fog" in told and "Fog." in told and "weather" in told
