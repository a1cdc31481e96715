"""The dialect and the stand-in talk over real sockets, and the stand-in finds nothing wrong."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.fakes.ga_signal import decode_position, timecode
from tests.fakes.gemini_script import SCRIPTS, Answer
from tests.fakes.gemini_server import GeminiServer
from tests.providers.gemini.call import CLOCK, KEY, calling, loud, only, settings, sound
from voicechat.errors import RefusedError, ServiceError
from voicechat.events import (
    BeginTurn,
    EndTurn,
    InputTranscript,
    Interrupt,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    Resumable,
    SendImage,
    SendText,
    SendToolResult,
    SessionEnding,
    SessionReady,
    SpeechStarted,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.gemini.dialect import GeminiDialect

WORKING = [
    "normal", "burst", "short", "pieces", "late_words", "odd_chunks", "marks", "noise",
    "no_details", "silent_cuts", "thoughts", "unknown_fields", "written",
]  # fmt: skip


@pytest.mark.parametrize("script", WORKING)
async def test_a_typed_and_a_spoken_question_are_answered_whole(script: str) -> None:
    async with GeminiServer(script) as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ReplyFinished)
        call.speak()
        await call.until_seen(ReplyFinished, 2)
        answer = SCRIPTS[script].answers[0]
        assert [event.status for event in only(ReplyFinished, call.events)] == ["completed"] * 2
        assert call.words() == [answer.text or answer.written] * 2
        first = only(ReplyStarted, call.events)[0].reply_id
        assert call.sound(first) == timecode(0, answer.audio_ms)
        heard = [event.text for event in only(InputTranscript, call.events) if event.final]
        assert heard[-1] == server.script.user_text
        assert server.violations == []
        assert "Pondering" not in repr(call.events)


async def test_what_is_sent_is_what_the_protocol_wants() -> None:
    async with GeminiServer("short") as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ReplyFinished)
        call.speak()
        await call.until_seen(ReplyFinished, 2)
        assert server.kinds() == [
            "setup",
            "clientContent",
            "realtimeInput.activityStart",
            "realtimeInput.audio",
            "realtimeInput.activityEnd",
        ]
        assert server.session.texts == ["Hello"]
        assert len(server.session.received) == 600 * 32


async def test_usage_is_that_of_the_turn() -> None:
    async with GeminiServer() as server, calling(server) as call:
        call.speak()
        await call.until_seen(ReplyFinished)
        usage = only(ReplyFinished, call.events)[0].usage
        assert usage is not None
        assert (usage.input_tokens, usage.input_text, usage.input_audio) == (55, 40, 15)
        assert (usage.output_tokens, usage.output_audio) == (50, 50)


@pytest.mark.fault("P16")
async def test_the_key_cuts_an_answer_and_nothing_late_of_it_is_heard() -> None:
    async with GeminiServer("stale") as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ReplyAudio)
        call.do(Interrupt())
        before = len(call.events)
        call.speak()
        await call.until_seen(ReplyFinished, 2)
        first, second = (event.reply_id for event in only(ReplyStarted, call.events))
        late = only(ReplyAudio, call.events[before:])
        assert late and all(event.reply_id == second for event in late)
        assert only(ReplyFinished, call.events)[0].reply_id == first
        assert [e.status for e in only(ReplyFinished, call.events)] == ["cancelled", "completed"]
        assert server.violations == []


@pytest.mark.parametrize("script", ["normal", "silent_cuts", "stale", "burst"])
async def test_of_two_quick_questions_the_second_is_answered(script: str) -> None:
    async with GeminiServer(script) as server, calling(server) as call:
        call.do(SendText("One", "msg_1"), Interrupt(), SendText("Two", "msg_2"))
        await call.until(
            lambda: [e for e in only(ReplyFinished, call.events) if e.status == "completed"]
        )
        assert call.words()[-1] == SCRIPTS[script].answers[0].text
        assert server.violations == []


async def test_hands_free_speech_is_answered_and_may_cut_the_answer() -> None:
    async with GeminiServer("real_time") as server, calling(server, hands_free=True) as call:
        call.do(*loud(300), *sound(800))
        await call.until_seen(ReplyAudio)
        call.do(*loud(300), *sound(800))
        await call.until_seen(SpeechStarted)
        call.do(Interrupt(by_server=True))
        await call.until_seen(ReplyStarted, 2)
        first = only(ReplyFinished, call.events)[0]
        assert (first.status, first.code) == ("cancelled", "turn_detected")
        assert len(only(TurnCommitted, call.events)) == 2
        assert server.violations == []


async def test_a_stream_that_stops_is_ended_so_that_the_speech_is_answered() -> None:
    async with GeminiServer("short") as server, calling(server, hands_free=True) as call:
        call.do(*loud(300))
        await call.until_seen(ReplyFinished)
        assert server.kinds()[-1] == "realtimeInput.audioStreamEnd"
        call.do(SendText("Typed", "msg_1"))
        await call.until_seen(ReplyFinished, 2)
        assert server.session.texts == ["Typed"]
        assert server.violations == []


async def test_pictures_go_with_typed_and_spoken_turns() -> None:
    async with GeminiServer("short") as server, calling(server) as call:
        call.do(SendImage(b"first", "image/jpeg", "msg_1", "What is this?"))
        await call.until_seen(ReplyFinished)
        call.do(SendImage(b"second", "image/png", "msg_2"))
        call.speak()
        await call.until_seen(ReplyFinished, 2)
        assert server.session.pictures == [b"first", b"second"]
        assert "realtimeInput.video" in server.kinds()
        assert server.violations == []


@pytest.mark.parametrize("script", ["tool_call", "tool_without_id"])
@pytest.mark.parametrize("model", ["gemini-3.8-live", "gemini-3.1-flash-live-preview"])
async def test_a_tool_is_called_and_answered(script: str, model: str) -> None:
    async with GeminiServer(script) as server, calling(server, tools=(CLOCK,), model=model) as call:
        call.do(SendText("What time is it?", "msg_1"))
        await call.until_seen(ToolCalled)
        asked = only(ToolCalled, call.events)[0]
        assert (asked.name, json.loads(asked.arguments)) == ("get_time", {"zone": "UTC"})
        call.do(SendToolResult(asked.call_id, asked.name, '{"time": "12:00"}'))
        await call.until_seen(ReplyFinished)
        (answer,) = server.session.answers_of_tools
        assert answer["response"] == {"output": {"time": "12:00"}}
        assert answer.get("scheduling") == ("WHEN_IDLE" if "3.8" in model else None)
        assert server.violations == []


@pytest.mark.fault("P32")
async def test_a_tool_that_was_never_offered_is_refused_for_the_user() -> None:
    async with GeminiServer("tool_call") as server, calling(server) as call:
        call.do(SendText("What time is it?", "msg_1"))
        await call.until_seen(ReplyFinished)
        assert "error" in server.session.answers_of_tools[0]["response"]
        assert only(ToolCalled, call.events) == []


async def test_a_call_is_called_off_with_its_turn() -> None:
    async with GeminiServer("tool_call") as server, calling(server, tools=(CLOCK,)) as call:
        call.do(SendText("What time is it?", "msg_1"))
        await call.until_seen(ToolCalled)
        asked = only(ToolCalled, call.events)[0]
        call.do(Interrupt(), SendText("Never mind", "msg_2"))
        await call.until_seen(ToolsCancelled)
        call.do(SendToolResult(asked.call_id, asked.name, "late"))
        await call.until(lambda: call.words())
        assert server.session.answers_of_tools == []
        assert server.violations == []


async def test_a_model_that_thinks_long_speaks_twice_in_one_reply() -> None:
    model = "gemini-3.8-live-extended-thinking"
    async with GeminiServer("several_turns") as server, calling(server, model=model) as call:
        call.do(SendText("Prove it.", "msg_1"))
        await call.until_seen(ReplyFinished)
        assert call.words() == ["Let me think.", "It is four."]
        assert len(only(ReplyStarted, call.events)) == 1
        assert len({event.item_id for event in only(ReplyAudio, call.events)}) == 2


@pytest.mark.parametrize("script", ["empty", "rejected"])
async def test_a_question_without_an_answer_is_a_failed_reply(script: str) -> None:
    async with GeminiServer(script) as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ReplyFinished)
        failed = only(ReplyFinished, call.events)[0]
        assert failed.status == "failed" and "no answer" in failed.message
        call.do(SendText("Hello?", "msg_2"))
        await call.until_seen(ReplyFinished, 2)
        assert only(ReplyFinished, call.events)[1].status == "completed"


@pytest.mark.fault("P27")
async def test_another_rate_is_told_before_the_first_sound() -> None:
    async with GeminiServer("other_rate") as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ReplyFinished)
        kinds = [type(event) for event in call.events]
        assert call.dialect.output_rate == 16_000
        assert kinds.count(SessionReady) == 2
        assert kinds.index(ReplyAudio) > len(kinds) - kinds[::-1].index(SessionReady) - 1
        pcm = call.sound(only(ReplyStarted, call.events)[0].reply_id)
        position = decode_position(pcm[: 16_000 // 2 * 2], rate=16_000)
        assert position is not None and position.index == 0


@pytest.mark.fault("P01", "P09", "P10")
async def test_noise_is_unknown_and_nothing_else() -> None:
    async with GeminiServer("noise") as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ReplyFinished)
        assert only(Unknown, call.events)
        assert only(ProviderFailed, call.events) == []


# -- ends and new beginnings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words", "hint"),
    [
        ("bad_key", "API key not valid", "GEMINI_API_KEY"),
        ("region", "location is not supported", "proxy"),
        ("quota", "exceeded your current quota", "plan"),
    ],
)
async def test_a_refusal_says_why_and_what_to_do(script: str, words: str, hint: str) -> None:
    async with GeminiServer(script) as server, calling(server) as call:
        await call.until(lambda: call.has_ended)
        assert isinstance(call.end, RefusedError)
        assert words in call.end.message and hint in call.end.hint
        assert only(SessionReady, call.events) == []


async def test_a_wrong_key_opens_the_socket_and_is_refused_there() -> None:
    async with GeminiServer(api_key="AIzaTheOnlyGoodKey01") as server, calling(server) as call:
        await call.until(lambda: call.has_ended)
        assert isinstance(call.end, RefusedError) and KEY not in str(call.end)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"model": "gemini-9-live"}, "not found for API version"),
        ({"voice": "Nobody"}, "not available"),
    ],
)
async def test_a_wrong_choice_is_refused_by_the_server(chosen: dict[str, str], words: str) -> None:
    async with GeminiServer() as server, calling(server, **chosen) as call:
        await call.until(lambda: call.has_ended)
        assert isinstance(call.end, RefusedError) and words in call.end.message


@pytest.mark.fault("N29")
async def test_the_server_says_when_it_leaves_and_is_met_again_with_the_handle() -> None:
    script = replace(SCRIPTS["go_away"], answers=(Answer("Yes.", audio_ms=200),))
    async with GeminiServer(script) as server:
        async with calling(server) as call:
            call.do(SendText("Hello", "msg_1"))
            await call.until(lambda: call.has_ended)
            assert only(SessionEnding, call.events) == [SessionEnding(1.0)]
            assert isinstance(call.end, ServiceError) and call.end.retry_after_s == 0.0
            handle = only(Resumable, call.events)[-1].handle
        async with calling(server, resume=handle) as again:
            again.do(SendText("Still there?", "msg_2"))
            await again.until_seen(ReplyFinished)
            assert server.violations == []


@pytest.mark.fault("N29")
async def test_a_dead_handle_is_forgotten() -> None:
    async with GeminiServer() as server, calling(server, resume="handle-of-old") as call:
        await call.until(lambda: call.has_ended)
        assert isinstance(call.end, ServiceError) and call.end.retryable
        assert call.dialect.settings.resume == ""


async def test_a_session_whose_line_lives_cannot_be_taken_up() -> None:
    async with GeminiServer("short") as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(Resumable)
        async with calling(server, resume=only(Resumable, call.events)[-1].handle) as again:
            await again.until(lambda: again.has_ended)
            assert isinstance(again.end, ServiceError)
            assert again.dialect.settings.resume != ""


@pytest.mark.parametrize(("script", "retryable"), [("internal", True), ("aborted", True)])
async def test_a_close_in_the_middle_of_an_answer_can_be_mended(
    script: str, retryable: bool
) -> None:
    async with GeminiServer(script) as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until(lambda: call.has_ended)
        assert call.end is not None and call.end.retryable is retryable


async def test_an_error_as_a_message_leaves_the_session_open() -> None:
    async with GeminiServer("error") as server, calling(server) as call:
        call.do(SendText("Hello", "msg_1"))
        await call.until_seen(ProviderFailed)
        assert not call.has_ended and not only(ProviderFailed, call.events)[0].fatal


# -- the stand-in itself --------------------------------------------------------------------------


GOOD_SETUP = {
    "model": "models/gemini-3.8-live",
    "generationConfig": {"responseModalities": ["AUDIO"]},
    "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}},
}
THINKING = {"responseModalities": ["AUDIO"], "thinkingConfig": {"thinkingLevel": "LOW"}}


@pytest.mark.parametrize(
    ("messages", "code", "words"),
    [
        (['{"clientContent": {"turnComplete": true}}'], 1007, "must be a setup"),
        ([{"setup": {**GOOD_SETUP, "colour": "red"}}], 1007, 'Unknown name "colour"'),
        ([{"setup": {**GOOD_SETUP, "session_resumption": {}}}], 1007, "session_resumption"),
        ([{"setup": GOOD_SETUP}, {"setup": GOOD_SETUP}], 1007, "only the first"),
        ([{"setup": GOOD_SETUP, "clientContent": {}}], 1007, "invalid argument"),
        ([{"setup": {**GOOD_SETUP, "generationConfig": {}}}], 1007, "modalities"),
        ([{"setup": {**GOOD_SETUP, "generationConfig": THINKING}}], 1007, "Thinking level"),
        ([{"setup": {**GOOD_SETUP, "proactivity": {}}}], 1007, "invalid argument"),
        ([{"setup": {**GOOD_SETUP, "sessionResumption": {"handle": None}}}], 1008, "not found"),
        (
            [{"setup": GOOD_SETUP}, {"realtimeInput": {"audioStreamEnd": True}}],
            1007,
            "does not fit",
        ),
        ([{"setup": GOOD_SETUP}, {"realtimeInput": {"activityEnd": {}}}], 1007, "without"),
        (
            [{"setup": GOOD_SETUP}, {"clientContent": {"turns": [{"parts": [{"text": "x"}]}]}}],
            1007,
            "valid role",
        ),
        (
            [{"setup": GOOD_SETUP}, {"toolResponse": {"functionResponses": [{"name": "x"}]}}],
            1008,
            "not implemented",
        ),
    ],
)
async def test_the_stand_in_refuses_what_the_service_refuses(
    messages: list[object], code: int, words: str
) -> None:
    async with GeminiServer() as server:
        headers = {"x-goog-api-key": KEY}
        async with connect(server.url, additional_headers=headers, proxy=None) as connection:
            with suppress(ConnectionClosed):
                for message in messages:
                    text = message if isinstance(message, str) else json.dumps(message)
                    await connection.send(text)
                async for _ in connection:
                    pass
        assert connection.close_code == code
        assert words in (connection.close_reason or "")
        assert server.violations


async def test_the_stand_in_notes_sound_outside_a_turn() -> None:
    chunk = {"mimeType": "audio/pcm;rate=16000", "data": "AAA="}
    async with GeminiServer() as server:
        headers = {"x-goog-api-key": KEY}
        async with connect(server.url, additional_headers=headers, proxy=None) as connection:
            await connection.send(json.dumps({"setup": GOOD_SETUP}))
            await connection.recv()
            await connection.send(json.dumps({"realtimeInput": {"audio": chunk}}))
            await server.wait_for(lambda: server.violations)
        assert server.violations[0]["type"] == "sound outside a turn"


async def test_a_turn_may_be_spoken_in_steps() -> None:
    async with GeminiServer("short") as server, calling(server) as call:
        call.do(BeginTurn(), *sound(300))
        await call.until(lambda: "realtimeInput.activityStart" in server.kinds())
        call.do(*sound(400), EndTurn())
        await call.until_seen(ReplyFinished)
        assert len(server.session.received) == 700 * 32


async def test_a_short_lived_token_has_a_header_and_a_method_of_its_own() -> None:
    dialect = GeminiDialect(settings(api_key="auth_tokens/abcdef0123456789"))
    assert dialect.url().endswith("BidiGenerateContentConstrained")
    async with (
        GeminiServer("short") as server,
        calling(server, api_key="auth_tokens/abcdef0123456789") as call,
    ):
        await call.until_seen(SessionReady)
        assert server.violations == []
        assert only(ReplyText, call.events) == []
