"""A chat service as a mind: what it is asked, what becomes of its answers, and of its refusals."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.cascade.asking import PICTURE, ask, cost_of, happens, pieces_of, until, words_of
from tests.fakes.http_chat import Call, HttpChatServer, Script
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm.audio_chat import SoundVoice
from voicechat.cascade.llm.chat import ChatMind
from voicechat.cascade.llm.chat_stream import ChatReader
from voicechat.cascade.llm.gemini import GeminiReader
from voicechat.cascade.roles import (
    CutShort,
    HistoryMessage,
    LlmRequest,
    NotHeardError,
    Spent,
    ToolCall,
    ToolResult,
)
from voicechat.errors import LinkError, RefusedError, ServiceError, VoiceChatError
from voicechat.events import Tool

_WEATHER = Tool(
    "weather",
    "Tells the weather.",
    {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
)
_CLOCK = Tool("clock", "", {})


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


@contextlib.asynccontextmanager
async def _mind(server: HttpChatServer, model: str = "chat-1") -> AsyncIterator[ChatMind]:
    service = HttpService(server.url, server.key)
    try:
        yield ChatMind(service, model)
    finally:
        await service.close()


async def test_whole_conversation_is_told_each_time(server: HttpChatServer) -> None:
    said = [
        HistoryMessage("user", "One."),
        HistoryMessage("assistant", "Two."),
        HistoryMessage("system", "A note."),
    ]
    question = LlmRequest(
        [*said, HistoryMessage("user", "Three."), HistoryMessage("user", "Four.")], "Be brief.", 9
    )
    async with _mind(server) as mind:
        assert await words_of(mind, question) == "You said: Three. Four.. ".replace(" F", "\nF")
    (body,) = server.asked
    assert body["max_tokens"] == 9 and "tools" not in body and body["stream"] is True
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "Two."},
        {"role": "system", "content": "A note."},
        {"role": "user", "content": "Three.\nFour."},
    ]


async def test_picture_is_shown_beside_the_words(server: HttpChatServer) -> None:
    async with _mind(server) as mind:
        assert (
            await words_of(mind, ask("What is it?", PICTURE)) == "You said: What is it?. I see 1. "
        )
    assert server.asked[0]["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PICTURE}},
    ]


async def test_model_that_does_not_see_says_so_once_and_the_talk_goes_on(
    server: HttpChatServer,
) -> None:
    async with _mind(server, "chat-blind") as mind:
        with pytest.raises(RefusedError, match="does not look at pictures"):
            await words_of(mind, ask("What is it?", PICTURE))
        assert "which you cannot see" in await words_of(mind, ask("What is it?", PICTURE))


async def test_model_without_tools_is_asked_again_without_them(server: HttpChatServer) -> None:
    async with _mind(server, "chat-small") as mind:
        assert await words_of(mind, ask(tools=[_CLOCK])) == "You said: Hello. "
        assert await words_of(mind, ask(tools=[_CLOCK])) == "You said: Hello. "
    assert ["tools" in body for body in server.asked] == [True, False, False]


async def test_limit_goes_by_the_name_that_the_service_knows(server: HttpChatServer) -> None:
    async with _mind(server, "chat-strict") as mind:
        await words_of(mind, ask(max_tokens=5))
        await words_of(mind, ask(max_tokens=5))
    names = [set(body) & {"max_tokens", "max_completion_tokens"} for body in server.asked]
    assert names == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


@pytest.mark.parametrize(
    "oddity", ["crlf", "comments", "no_done", "no_blank", "usage", "parts", "whole", "bytes"]
)
async def test_freedoms_of_services_make_no_difference(server: HttpChatServer, oddity: str) -> None:
    words, call = ["Good ", "morning ", "to ", "you."], Call("clock", {"zone": "é"})
    server.script = Script(words, calls=[call], oddities=frozenset({oddity}))  # type: ignore[arg-type]
    async with _mind(server) as mind:
        *said, called = await pieces_of(mind, ask(tools=[_CLOCK]))
    assert "".join(map(str, said)) == "Good morning to you."
    assert isinstance(called, ToolCall) and called.name == "clock"
    assert called.arguments in ('{"zone": "\\u00e9"}', '{"zone": "é"}')


async def test_thoughts_are_neither_said_nor_shown(server: HttpChatServer) -> None:
    server.script = Script(["Yes."], thoughts="hm, 1 < 2", reasoning="well, well")
    async with _mind(server) as mind:
        assert await words_of(mind, ask()) == "Yes."


async def test_words_come_while_the_rest_is_still_being_written(server: HttpChatServer) -> None:
    server.script = Script(["One. ", "Two."], pause_before=1)
    async with _mind(server) as mind, contextlib.aclosing(mind.answer(ask())) as pieces:
        assert await anext(pieces) == "One. "
        server.go_on.set()
        assert await anext(pieces) == "Two."


@pytest.mark.parametrize("tls", [False, True])
async def test_answer_that_nobody_wants_any_more_is_hung_up_at_once(tls: bool) -> None:
    with HttpChatServer(tls=tls) as server:
        server.script = Script(["One. ", "Two."], pause_before=1)
        service = HttpService(server.url, server.key, ca_file=server.ca_file)
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(words_of(ChatMind(service, "chat-1"), ask()))
            await until(lambda: bool(server.requests))
            asking.cancel()
        assert await happens(server.requests[0].hung_up)
        await service.close()


async def test_calls_of_tools_are_given_whole_and_under_ids_of_their_own(
    server: HttpChatServer,
) -> None:
    calls = [Call("weather", {"town": "Ulm"}), Call("clock")]
    server.script = Script(["Let me see. "], calls=calls)
    async with _mind(server) as mind:
        first = await pieces_of(mind, ask(tools=[_WEATHER, _CLOCK]))
        again = await pieces_of(mind, ask(tools=[_WEATHER, _CLOCK]))
    called = [piece for piece in first + again if isinstance(piece, ToolCall)]
    assert [(one.name, one.arguments) for one in called[:2]] == [
        ("weather", '{"town": "Ulm"}'),
        ("clock", "{}"),
    ]
    assert len({one.call_id for one in called}) == 4 and len(called[0].call_id) <= 32
    assert server.asked[0]["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Tells the weather.",
                "parameters": _WEATHER.parameters,
            },
        },
        {
            "type": "function",
            "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}},
        },
    ]


async def test_results_of_tools_are_told_and_the_model_goes_on(server: HttpChatServer) -> None:
    calls = [ToolCall("call_1", "weather", '{"town": "Ulm"}'), ToolCall("call_2", "clock")]
    said = [HistoryMessage("user", "Weather?"), HistoryMessage("assistant", "Wait. ")]
    said += [HistoryMessage("assistant", call=call) for call in calls]
    said += [HistoryMessage("user", result=ToolResult(call.call_id, "rain")) for call in calls]
    async with _mind(server) as mind:
        answer = await words_of(mind, LlmRequest(said, tools=[_WEATHER, _CLOCK]))
    assert answer == "The tool said: rain "
    roles = [message["role"] for message in server.asked[0]["messages"]]
    assert roles == ["user", "assistant", "tool", "tool"]
    assert server.asked[0]["messages"][1]["content"] == "Wait. "


@pytest.mark.parametrize(
    ("must_call", "choice"),
    [("*", "required"), ("clock", {"type": "function", "function": {"name": "clock"}})],
)
async def test_model_can_be_made_to_call(
    server: HttpChatServer, must_call: str, choice: object
) -> None:
    async with _mind(server) as mind:
        await words_of(mind, ask(tools=[_CLOCK], must_call=must_call))
    assert server.asked[0]["tool_choice"] == choice


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("length", "max_output_tokens"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
    ],
)
async def test_answer_that_was_cut_says_by_what(
    server: HttpChatServer, finish: str, reason: str
) -> None:
    server.script = Script(["Half a"], finish=finish)
    async with _mind(server) as mind:
        assert await pieces_of(mind, ask()) == ["Half a", CutShort(reason)]  # type: ignore[arg-type]


async def test_error_inside_the_stream_comes_after_the_words_before_it(
    server: HttpChatServer,
) -> None:
    server.script = Script(["One. "], error={"code": "1113", "message": "no money"})
    async with _mind(server) as mind, contextlib.aclosing(mind.answer(ask())) as pieces:
        assert await anext(pieces) == "One. "
        with pytest.raises(RefusedError, match="no credit left"):
            await anext(pieces)


async def test_answer_without_anything_in_it_is_a_failure(server: HttpChatServer) -> None:
    server.script = Script([], reasoning="only thoughts")
    async with _mind(server) as mind:
        with pytest.raises(ServiceError, match="empty answer"):
            await pieces_of(mind, ask())


async def test_line_that_is_cut_in_the_middle_is_a_link_error(server: HttpChatServer) -> None:
    server.script = Script(["One. "], breaks_off=True)
    async with _mind(server) as mind:
        with pytest.raises(LinkError):
            await pieces_of(mind, ask())


@pytest.mark.parametrize(
    ("model", "key", "words"), [("chat-1", "wrong", "refused the key"), ("none", "", "this model")]
)
async def test_wrong_key_and_unknown_model_are_named(
    server: HttpChatServer, model: str, key: str, words: str
) -> None:
    service = HttpService(server.url, key or server.key)
    with pytest.raises(RefusedError, match=words):
        await words_of(ChatMind(service, model), ask())
    await service.close()


async def test_spoken_turn_without_words_was_not_heard(server: HttpChatServer) -> None:
    async with _mind(server) as mind:
        with pytest.raises(NotHeardError, match="cannot hear yet"):
            await words_of(mind, LlmRequest([HistoryMessage("user", pcm=bytes(4800))]))
    assert not server.requests


async def test_glm_is_told_not_to_think_and_openai_gets_its_own_limit() -> None:
    for url, fields in [
        ("https://open.bigmodel.cn/api/paas/v4", {"thinking", "max_tokens"}),
        ("https://api.z.ai/api/paas/v4", {"thinking", "max_tokens"}),
        ("https://api.openai.com/v1", {"max_completion_tokens"}),
        ("https://mine.openai.azure.com/openai/v1", {"max_completion_tokens"}),
        ("https://api.example.org/v1", {"max_tokens"}),
    ]:
        body = ChatMind(HttpService(url), "m")._body(ask(max_tokens=3))
        assert set(body) - {"model", "messages", "stream", "stream_options"} == fields


async def test_tokens_are_those_that_the_service_counted(server: HttpChatServer) -> None:
    async with _mind(server) as mind:
        assert await cost_of(mind, ask()) == [Spent(12, 7, 3)]


async def test_service_that_does_not_count_is_not_asked_to(server: HttpChatServer) -> None:
    server.fail_next(400, {"error": {"message": "Unknown parameter: stream_options"}})
    async with _mind(server) as mind:
        assert await words_of(mind, ask()) == "You said: Hello. "
    assert "stream_options" not in server.asked[1]


_EVENTS: list[dict[str, Any]] = [
    {"choices": [{"delta": {"content": "a", "audio": {"data": "AAAA", "transcript": "b"}}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "{}"}}]}}]},
    {"choices": [{"message": {"content": [{"type": "text", "text": "d"}]}}]},
    {"choices": [{"delta": {}, "finish_reason": "length"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"audio_tokens": 1}}},
    {"error": {"message": "e", "code": "1113"}},
    {"candidates": [{"content": {"parts": [{"text": "g", "thought": True}, {"text": "h"}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}}]},
    {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": {"promptTokensDetails": [{}]}},
    {"promptFeedback": {"blockReason": "OTHER"}},
]
_ODD: list[Any] = [None, True, -1, 1e308, "", "\ud83d", "x" * 99, [], {}, [[]], [{}], [None]]


def _spoil(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.15:
        return chance.choice(_ODD)
    if isinstance(value, list):
        return [_spoil(entry, chance) for entry in value]
    if isinstance(value, dict):
        return {key: _spoil(entry, chance) for key, entry in value.items()}
    return value


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_service_sends_only_errors_of_ours_come_of_it(seed: int) -> None:
    chance = random.Random(seed)
    service = HttpService("https://service.invalid/v1")
    for _ in range(200):
        readers: list[ChatReader | GeminiReader] = [
            ChatReader(service.failure),
            ChatReader(service.failure, SoundVoice(service.failure)),
            GeminiReader(service.failure, {}),
        ]
        for reader in readers:
            with contextlib.suppress(VoiceChatError):
                for _ in range(5):
                    event = _spoil(chance.choice(_EVENTS), chance)
                    list(reader.read(event if isinstance(event, dict) else {}))
                list(reader.finish())


async def test_halves_of_surrogate_pairs_do_no_harm(server: HttpChatServer) -> None:
    question = LlmRequest([HistoryMessage("user", "\ud83d" + "\ude00 and \ud83d alone")])
    async with _mind(server) as mind:
        assert await words_of(mind, question) == "You said: \U0001f600 and \ufffd alone. "
