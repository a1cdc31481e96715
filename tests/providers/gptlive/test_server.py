"""The dialect and the stand-in talk over real sockets, and the stand-in finds nothing wrong."""

import asyncio

import pytest

from tests.fakes.ga_signal import silence, timecode
from tests.fakes.gptlive_script import SCRIPTS, Fault, Script
from tests.fakes.gptlive_server import GptLiveServer
from tests.providers.gptlive.call import KEY, calling, only, said
from voicechat.errors import RefusedError, ServiceError
from voicechat.events import (
    BeginTurn,
    EndTurn,
    Event,
    InputTranscript,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    SendImage,
    SendText,
    SendToolResult,
    SessionExpired,
    SessionMetered,
    SessionPaused,
    SessionReady,
    SessionResumed,
    Tool,
    ToolCalled,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.base import HistoryEntry

CLOCK = Tool("get_time", "The time of day.", {"type": "object", "properties": {}})
PLACE = Tool("get_place", "Where we are.", {"type": "object", "properties": {}})
WORKING = ["normal", "short", "pause", "late_words", "sparse", "odd_chunks", "noise", "delegates"]


def heard_words(events: list[Event]) -> list[str]:
    return [event.text for event in only(InputTranscript, events) if event.final]


def has_failed(events: list[Event]) -> bool:
    return any(event.fatal for event in only(ProviderFailed, events))


@pytest.mark.parametrize("script", WORKING)
async def test_a_spoken_turn_is_answered_whole(script: str) -> None:
    async with GptLiveServer(script) as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        answer = SCRIPTS[script].answers[0]
        assert [event.status for event in only(ReplyFinished, call.events)] == ["completed"]
        assert call.words() == [answer.text]
        (started,) = only(ReplyStarted, call.events)
        half = answer.audio_ms // 2 * 48
        sound = timecode(0, answer.audio_ms)
        whole = sound[:half] + silence(answer.pause_ms) + sound[half:]
        assert call.sound(started.reply_id).rstrip(b"\0") == whole.rstrip(b"\0")
        assert len(only(TurnCommitted, call.events)) == 1
        assert heard_words(call.events)[-1] == server.script.user_text
        assert only(ProviderFailed, call.events) == []
        assert server.violations == []


async def test_a_press_is_sent_at_the_pace_of_speech_between_deafness() -> None:
    async with GptLiveServer("short") as server, calling(server) as call:
        call.press(1500)
        await call.until_seen(ReplyFinished)
        marks = [kind for kind in server.kinds() if not kind.endswith(".append")]
        deaf, hears = "session.input_audio.mute", "session.input_audio.unmute"
        assert marks == ["session.start", deaf, hears, deaf]
        sound = [e for e in server.log.directions("in") if "append" in e["type"]]
        began = sound[0]["mono"]
        sent_ms = 0.0
        for entry in sound:
            assert sent_ms <= (entry["mono"] - began) * 1000 + 700
            sent_ms += entry["message"]["audio"] * 3 / 4 / 48
        assert server.violations == []


async def test_silence_between_replies_is_no_reply() -> None:
    async with GptLiveServer("two") as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        clock_ms = server.session.clock_ms
        await call.until(lambda: server.session.clock_ms >= clock_ms + 1500)
        assert len(only(ReplyStarted, call.events)) == 1
        call.press()
        await call.until_seen(ReplyFinished, 2)
        first, second = (event.reply_id for event in only(ReplyStarted, call.events))
        assert len(call.sound(first)) <= 3100 * 48
        assert call.words()[1] == "And that was the second."
        assert call.sound(second).startswith(timecode(1, 800))
        assert len(only(TurnCommitted, call.events)) == 2


async def test_hands_free_a_turn_begins_with_its_words() -> None:
    async with GptLiveServer("short") as server, calling(server, hands_free=True) as call:
        await call.until_seen(SessionReady)
        await call.talk(700)
        await call.until_seen(ReplyFinished)
        kinds = [type(event).__name__ for event in call.events]
        assert kinds.index("TurnCommitted") < kinds.index("InputTranscript")
        assert kinds.index("InputTranscript") < kinds.index("ReplyStarted")
        assert "session.input_audio.mute" not in server.kinds()
        assert heard_words(call.events)[-1] == server.script.user_text
        assert server.violations == []


async def test_a_model_that_yields_to_the_user_has_been_cut_and_answers_anew() -> None:
    async with GptLiveServer("long") as server, calling(server, hands_free=True) as call:
        await call.until_seen(SessionReady)
        await call.talk(600)
        await call.until_seen(ReplyAudio, 6)
        await call.talk(700)
        await call.until_seen(ReplyFinished, 2)
        ends = [(e.status, e.code) for e in only(ReplyFinished, call.events)]
        assert ends == [("cancelled", "turn_detected"), ("completed", "")]
        assert call.words()[-1] == "Yes."
        assert len(only(TurnCommitted, call.events)) == 2


async def test_a_model_that_talks_on_was_not_cut() -> None:
    async with GptLiveServer("stubborn") as server, calling(server, hands_free=True) as call:
        await call.until_seen(SessionReady)
        await call.talk(600)
        await call.until_seen(ReplyAudio, 6)
        await call.talk(300)
        await call.until_seen(ReplyFinished)
        assert only(ReplyFinished, call.events)[0].status == "completed"


@pytest.mark.fault("P16")
async def test_the_key_stops_a_reply_and_nothing_more_of_it_is_heard() -> None:
    async with GptLiveServer("long") as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyAudio, 5)
        call.do(Interrupt())
        await call.until_seen(ReplyFinished)
        seen = len(call.events)
        clock_ms = server.session.clock_ms
        await call.until(lambda: server.session.clock_ms >= clock_ms + 1000)
        assert only(ReplyAudio, call.events[seen:]) == []
        assert only(ReplyFinished, call.events)[0].code == "client_cancelled"
        call.press()
        await call.until_seen(ReplyFinished, 2)
        assert call.words()[-1] == "Yes."
        second = only(ReplyStarted, call.events)[1].reply_id
        assert call.sound(second).startswith(timecode(1, 400))


async def test_typed_text_and_pictures_are_refused_once_and_never_sent() -> None:
    async with GptLiveServer("short") as server, calling(server) as call:
        await call.until_seen(SessionReady)
        call.do(SendText("hello", "msg_1"), SendText("again", "msg_2"))
        call.do(SendImage(b"\xff\xd8", "image/jpeg", "msg_3", "what is it?"))
        await call.until_seen(ReplyFinished, 3)
        (told,) = only(Notice, call.events)
        assert told.code == "no_typed_text" and "only listens and speaks" in told.message
        ends = only(ReplyFinished, call.events)
        assert {end.status for end in ends} == {"failed"}
        assert len({end.reply_id for end in ends}) == 3
        assert set(server.kinds()) <= {
            "session.start",
            "session.input_audio.append",
            "session.input_audio.mute",
        }


async def test_delegated_work_gets_its_answer_at_once() -> None:
    async with GptLiveServer("delegates") as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        (result,) = server.session.results
        assert "No tools" in result
        assert server.violations == []


async def test_a_model_without_its_kind_of_policy_hands_nothing_over() -> None:
    """The stand-in itself: what a client that says nothing of it would meet."""
    own = "# Delegation policy\nAsk the helper for the time."
    chosen = {"tools": (CLOCK,), "model": "gpt-live-1.1", "instructions": own}
    async with GptLiveServer("tool") as server, calling(server, **chosen) as call:
        await call.until_seen(SessionReady)
        server.session.settings["model"] = "gpt-live-1"  # Its policy lacks the marker.
        call.press()
        await call.until_seen(ReplyFinished)
        assert only(ToolCalled, call.events) == []


async def test_a_silent_session_is_paused_and_goes_on_when_the_user_speaks() -> None:
    async with GptLiveServer("idle") as server, calling(server) as call:
        await call.until_seen(SessionPaused)
        call.press()
        await call.until_seen(ReplyFinished)
        assert call.words() == ["Yes."]
        assert len(only(SessionResumed, call.events)) == 1
        counts = [one.standby_s for one in only(SessionMetered, call.events)]
        assert counts == sorted(count or 0.0 for count in counts)
        assert server.violations == []


@pytest.mark.fault("P40")
@pytest.mark.parametrize("model", ["gpt-live-1", "gpt-live-1.1"])
@pytest.mark.parametrize(("script", "tools"), [("tool", (CLOCK,)), ("two_tools", (CLOCK, PLACE))])
async def test_tools_are_called_and_the_answer_is_spoken(
    script: str, tools: tuple[Tool, ...], model: str
) -> None:
    chosen = {"tools": tools, "model": model, "instructions": "Be kind."}
    async with GptLiveServer(script) as server, calling(server, **chosen) as call:
        call.press()
        await call.until_seen(ToolCalled, len(tools))
        called = only(ToolCalled, call.events)
        assert [one.name for one in called] == [tool.name for tool in tools]
        for one in reversed(called):
            call.do(SendToolResult(one.call_id, one.name, f"answer of {one.name}"))
        await call.until_seen(ReplyFinished)
        expected = [f"answer of {tool.name}" for tool in reversed(tools)]
        assert server.session.results == expected
        assert call.words() == [server.script.answers[0].text]
        assert server.violations == [] and not only(ProviderFailed, call.events)


async def test_a_service_that_refuses_the_helper_is_talked_to_without_tools() -> None:
    async with GptLiveServer("no_helper") as server, calling(server, tools=(CLOCK,)) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        [notice] = only(Notice, call.events)
        assert notice.code == "update_refused" and "the tools" in notice.message
        assert server.session.settings["delegation"] == {"type": "client"}


async def test_what_was_said_before_opens_the_session() -> None:
    past = (
        HistoryEntry("user", "My name is Ada."),
        HistoryEntry("assistant", "Good to meet you, Ada."),
    )
    async with GptLiveServer("short") as server, calling(server, history=past) as call:
        await call.until_seen(SessionReady)
        said_before = server.session.settings["input"]
        assert [(one["role"], one["content"][0]["text"]) for one in said_before] == [
            ("user", "My name is Ada."),
            ("assistant", "Good to meet you, Ada."),
        ]


async def test_a_long_history_is_shortened_to_what_the_service_takes() -> None:
    past = tuple(HistoryEntry("user", f"Line {at}") for at in range(400))
    async with GptLiveServer("short") as server, calling(server, history=past) as call:
        await call.until_seen(SessionReady)
        assert len(server.session.settings["input"]) == 128
        assert server.session.settings["input"][-1]["content"][0]["text"] == "Line 399"


async def test_a_voice_that_is_refused_is_given_up() -> None:
    async with GptLiveServer("no_voice") as server, calling(server, voice="marin") as call:
        call.press()
        await call.until_seen(ReplyFinished)
        (told,) = only(Notice, call.events)
        assert told.code == "update_refused" and "the chosen voice" in told.message
        assert server.kinds()[:2] == ["session.start", "session.start"]


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("bad_key", RefusedError, "Check the key in OPENAI_API_KEY"),
        ("no_credit", RefusedError, "plan and credit"),
        ("no_model", RefusedError, "Choose another model"),
        ("crowded", ServiceError, "has no session for us now"),
        ("lost", ServiceError, "lost the session on its side"),
        ("filtered", RefusedError, "safety filter"),
    ],
)
async def test_an_end_says_whose_fault_it_is(script: str, kind: type, words: str) -> None:
    async with GptLiveServer(script) as server, calling(server) as call:
        call.press()
        await call.until(lambda: call.has_ended or has_failed(call.events))
        error = call.end or call.dialect.closed(0, "")
        assert isinstance(error, kind) and words in str(error)
        assert KEY not in str(error)


async def test_a_wrong_key_is_refused_by_its_close() -> None:
    async with GptLiveServer(api_key="another") as server, calling(server) as call:
        await call.until(lambda: call.has_ended)
        assert isinstance(call.end, RefusedError)
        assert only(ProviderFailed, call.events)[0].fatal
        assert server.sessions == []


async def test_an_old_session_ends_as_expired() -> None:
    async with GptLiveServer("expired") as server, calling(server) as call:
        call.press()
        await call.until_seen(SessionExpired)
        assert only(ReplyFinished, call.events)[0].status == "incomplete"
        assert server.violations == []


async def test_an_error_in_a_reply_is_told_and_the_session_goes_on() -> None:
    async with GptLiveServer("fault") as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        (failed,) = only(ProviderFailed, call.events)
        assert (failed.code, failed.fatal) == ("internal_error", False)
        assert only(ReplyFinished, call.events)[0].status == "completed"


async def test_information_of_the_service_is_told_once() -> None:
    async with GptLiveServer("info") as server, calling(server) as call:
        await call.until_seen(Notice)
        assert only(Notice, call.events) == [Notice("recording", "The session is recorded")]


async def test_a_press_without_sound_is_too_short() -> None:
    async with GptLiveServer() as server, calling(server) as call:
        await call.until_seen(SessionReady)
        call.do(BeginTurn(), EndTurn())
        await call.until_seen(Notice)
        assert only(Notice, call.events)[0].code == "turn_too_short"
        assert "session.input_audio.unmute" not in server.kinds()


async def test_a_press_that_is_given_up_is_not_sent() -> None:
    async with GptLiveServer("short") as server, calling(server) as call:
        await call.until_seen(SessionReady)
        call.do(BeginTurn(), *said(3000), BeginTurn())
        await asyncio.sleep(1.0)
        heard = bytes(server.session.heard)
        assert len(heard.strip(b"\0")) <= 800 * 48
        assert server.session.is_deaf


@pytest.mark.fault("P01", "P09")
async def test_noise_is_counted_and_nothing_more() -> None:
    async with GptLiveServer("noise") as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        kinds = {event.kind for event in only(Unknown, call.events)}
        assert {"not JSON", "not an object", "no type"} <= kinds


async def test_a_refusal_after_the_session_began_is_no_refusal_of_the_session() -> None:
    fault = Fault("invalid_value", "That was wrong.")
    script = Script("odd", fault_in_answer=fault)
    async with GptLiveServer(script) as server, calling(server) as call:
        call.press()
        await call.until_seen(ReplyFinished)
        assert [e.fatal for e in only(ProviderFailed, call.events)] == [False]
