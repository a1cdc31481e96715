"""Gemini over its own HTTP service as a mind."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cascade.asking import PICTURE, ask, cost_of, pieces_of, words_of
from tests.fakes.http_chat import Call, HttpChatServer, Script
from tests.fakes.http_speech_vendors import tone
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm.gemini import GeminiMind
from voicechat.cascade.llm.gemini_request import UNSIGNED
from voicechat.cascade.roles import (
    CutShort,
    HistoryMessage,
    LlmRequest,
    Spent,
    ToolCall,
    ToolResult,
)
from voicechat.errors import LinkError, RefusedError, ServiceError
from voicechat.events import Tool

_MODEL = "gemini-3.8-flash"
_WEATHER = Tool("weather", "Tells.", {"type": "object", "properties": {"town": {"type": "string"}}})
_CLOCK = Tool("clock", "", {"type": "object", "properties": {}})


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


@contextlib.asynccontextmanager
async def _mind(server: HttpChatServer, model: str = _MODEL) -> AsyncIterator[GeminiMind]:
    key_header = "x-goog-api-key: {key}"
    service = HttpService(server.gemini_url, server.key, key_header=key_header)
    try:
        yield GeminiMind(service, model)
    finally:
        await service.close()


async def test_whole_conversation_is_told_with_pictures_and_instructions(
    server: HttpChatServer,
) -> None:
    said = [
        HistoryMessage("user", "One."),
        HistoryMessage("assistant", "Two."),
        HistoryMessage("user", "Three.", b"", (PICTURE,)),
    ]
    async with _mind(server) as mind:
        answer = await words_of(mind, LlmRequest(said, "Be brief.", 9))
    assert answer == "You said: Three.. I see 1. "
    (body,) = server.asked
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    config = {"maxOutputTokens": 9, "thinkingConfig": {"thinkingLevel": "low"}}
    assert body["generationConfig"] == config
    assert "authorization" not in server.requests[0].headers


async def test_spoken_turn_is_heard(server: HttpChatServer) -> None:
    said = [
        HistoryMessage("user", "Words.", pcm=tone(300)),
        HistoryMessage("assistant", "x"),
        HistoryMessage("user", pcm=tone(700)),
    ]
    async with _mind(server) as mind:
        assert mind.hears
        assert await words_of(mind, LlmRequest(said)) == "I heard 0.7 s at 440 Hz. "
    assert server.asked[0]["contents"][0]["parts"] == [{"text": "Words."}]


@pytest.mark.fault("P29")
async def test_thoughts_are_neither_said_nor_shown(server: HttpChatServer) -> None:
    server.script = Script(["Yes."], thoughts="hm")
    async with _mind(server) as mind:
        assert await words_of(mind, ask()) == "Yes."


async def test_calls_are_given_and_their_signature_goes_back_with_the_results(
    server: HttpChatServer,
) -> None:
    server.next.append(Script([], calls=[Call("weather", {"town": "Ulm"}), Call("clock")]))
    async with _mind(server) as mind:
        calls = await pieces_of(mind, ask("Weather?", tools=[_WEATHER, _CLOCK]))
        assert all(isinstance(call, ToolCall) for call in calls)
        said = [HistoryMessage("user", "Weather?")]
        said += [
            HistoryMessage("assistant", call=call) for call in calls if isinstance(call, ToolCall)
        ]
        results = zip(calls, ('{"sky": "blue"}', "noon"), strict=True)
        for call, output in results:
            assert isinstance(call, ToolCall)
            said.append(HistoryMessage("user", result=ToolResult(call.call_id, output)))
        answer = await words_of(mind, LlmRequest(said, tools=[_WEATHER, _CLOCK]))
    assert answer == 'The tool said: {"output": "noon"} '
    first, second = server.asked
    assert [tool["name"] for tool in first["tools"][0]["functionDeclarations"]] == [
        "weather",
        "clock",
    ]
    asked, answered = second["contents"][1:]
    assert asked["parts"][0]["thoughtSignature"] != UNSIGNED
    assert "thoughtSignature" not in asked["parts"][1]
    assert answered["parts"][0]["functionResponse"]["response"] == {"sky": "blue"}


async def test_calls_of_another_model_are_told_without_its_signature(
    server: HttpChatServer,
) -> None:
    call = ToolCall("call_1", "clock", "not JSON")
    said = [HistoryMessage("user", "?"), HistoryMessage("assistant", call=call)]
    said += [
        HistoryMessage("user", result=ToolResult("call_1", "noon")),
        HistoryMessage("user", "And now?"),
    ]
    async with _mind(server) as mind:
        assert await words_of(mind, LlmRequest(said)) == "You said: And now?. "
    part = server.asked[0]["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == UNSIGNED and part["functionCall"]["args"] == {}


@pytest.mark.parametrize(
    ("must_call", "config"),
    [("*", {"mode": "ANY"}), ("clock", {"mode": "ANY", "allowedFunctionNames": ["clock"]})],
)
async def test_model_can_be_made_to_call(
    server: HttpChatServer, must_call: str, config: object
) -> None:
    async with _mind(server) as mind:
        await words_of(mind, ask(tools=[_CLOCK], must_call=must_call))
    assert server.asked[0]["toolConfig"] == {"functionCallingConfig": config}


@pytest.mark.parametrize(
    ("script", "cut"),
    [
        (Script(["Half"], finish="length"), "max_output_tokens"),
        (Script(["Half"], finish="content_filter"), "content_filter"),
        (Script(blocked="PROHIBITED_CONTENT"), "content_filter"),
    ],
)
async def test_answer_that_was_cut_or_blocked_says_so(
    server: HttpChatServer, script: Script, cut: str
) -> None:
    server.script = script
    async with _mind(server) as mind:
        assert (await pieces_of(mind, ask()))[-1] == CutShort(cut)  # type: ignore[arg-type]


async def test_error_inside_the_stream_comes_after_the_words_before_it(
    server: HttpChatServer,
) -> None:
    error = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
    server.script = Script(["One. "], error=error)
    async with _mind(server) as mind, contextlib.aclosing(mind.answer(ask())) as pieces:
        assert await anext(pieces) == "One. "
        with pytest.raises(ServiceError, match="overloaded"):
            await anext(pieces)


@pytest.mark.fault("P33")
async def test_line_that_is_cut_in_the_middle_is_a_link_error(server: HttpChatServer) -> None:
    server.script = Script(["One. "], breaks_off=True)
    async with _mind(server) as mind:
        with pytest.raises(LinkError):
            await pieces_of(mind, ask())


async def test_answer_without_anything_in_it_is_a_failure(server: HttpChatServer) -> None:
    server.script = Script([], finish="MALFORMED_FUNCTION_CALL")
    async with _mind(server) as mind:
        with pytest.raises(ServiceError, match="MALFORMED_FUNCTION_CALL"):
            await pieces_of(mind, ask())


async def test_model_that_cannot_be_told_how_long_to_think_is_asked_again(
    server: HttpChatServer,
) -> None:
    text = "Thinking level is not supported for this model."
    server.fail_next(400, {"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}})
    async with _mind(server) as mind:
        assert await words_of(mind, ask()) == "You said: Hello. "
    assert "generationConfig" not in server.asked[1]


async def test_wrong_key_is_named_although_google_says_400(server: HttpChatServer) -> None:
    service = HttpService(server.gemini_url, "AIza-wrong", key_header="x-goog-api-key: {key}")
    with pytest.raises(RefusedError, match="refused the key") as caught:
        await words_of(GeminiMind(service, _MODEL), ask())
    assert "AIza" not in str(caught.value)
    await service.close()


@pytest.mark.parametrize("name", ["", f"models/{_MODEL}"])
async def test_model_is_found_or_named_as_google_does(server: HttpChatServer, name: str) -> None:
    async with _mind(server, name) as mind:
        assert await words_of(mind, ask()) == "You said: Hello. "
    assert f"/models/{_MODEL}:streamGenerateContent" in server.requests[-1].path


async def test_unknown_model_is_named(server: HttpChatServer) -> None:
    async with _mind(server, "gemini-0") as mind:
        with pytest.raises(RefusedError, match="gemini-0"):
            await words_of(mind, ask())


async def test_tokens_are_those_that_the_service_counted(server: HttpChatServer) -> None:
    async with _mind(server) as mind:
        assert (await cost_of(mind, ask()))[-1] == Spent(12, 9, 0, 5)
