"""What the model says and wants: words, answers to typed text, tools, pictures."""

import base64

import pytest

from tests.providers.glm.call import SECOND, TOOL, Call, kinds, only
from voicechat.events import (
    BeginTurn,
    EndTurn,
    InputFailed,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SendImage,
    SendText,
    SendToolResult,
    SetHandsFree,
    ToolCalled,
    ToolsCancelled,
    Unknown,
)
from voicechat.providers.glm.transcripts import IGNORED, IGNORED_WORDS
from voicechat.providers.glm.video_frame import LARGEST_BYTES

JPEG = b"\xff\xd8\xff" + bytes(100)
PICTURE = SendImage(JPEG, "image/jpeg", "msg_p")
VIDEO = {"beta_fields": {"chat_mode": "video_passive"}}


# -- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["audio_transcript", "text"])
def test_words_that_come_in_two_streams_are_told_once(first: str) -> None:
    call = Call().ready()
    call.begins()
    both = sorted(("audio_transcript", "text"), key=lambda kind: kind != first)
    told = [call.writes(word, kind) for word in ("One ", "two.") for kind in both]
    assert [e.text for events in told for e in only(ReplyText, events)] == ["One ", "two."]


def test_text_of_a_session_with_sound_is_spoken() -> None:
    call = Call().ready()
    call.begins()
    [event] = call.writes("Hello", "text")
    assert isinstance(event, ReplyText) and event.spoken


def test_text_of_a_text_session_is_not() -> None:
    call = Call(text_only=True).ready()
    call.begins()
    [event] = call.writes("Hello", "text")
    assert isinstance(event, ReplyText) and not event.spoken


def test_words_that_come_only_whole_are_told() -> None:
    call = Call().ready()
    call.begins()
    place = {"response_id": "resp_1", "item_id": "item_A"}
    whole = call.says("response.audio_transcript.done", transcript="Hello", **place)
    assert [(e.text, e.final) for e in only(ReplyText, whole)] == [("Hello", True)]
    assert call.says("response.text.done", text="Hello", **place) == []


def test_the_models_own_search_says_nothing() -> None:
    call = Call().ready()
    call.begins()
    assert call.says("response.function_call.simple_browser", name="simple_brower") == []


def test_sound_is_whole_samples_of_24_khz() -> None:
    call = Call().ready()
    call.begins()
    [sound] = only(ReplyAudio, call.speaks(800))
    assert len(sound.pcm) == 38_400


@pytest.mark.fault("P10")
def test_unknown_events_are_unknown() -> None:
    assert Call().ready().says("response.hologram") == [Unknown("response.hologram")]


# -- typed text ---------------------------------------------------------------------------------


@pytest.mark.fault("P28")
def test_an_empty_answer_to_typed_text_is_a_failure_that_says_what_to_do() -> None:
    call = Call().ready()
    call.types()
    call.begins()
    ignored, notice, finished = call.ends()
    assert isinstance(ignored, InputFailed) and ignored.item_id == "msg_1"
    assert isinstance(notice, Notice) and notice.code == "text_ignored"
    assert isinstance(finished, ReplyFinished)
    assert (finished.status, finished.code) == ("failed", "text_ignored")
    assert "speak" in finished.message


def test_every_ignored_message_is_named_and_the_user_told_once() -> None:
    call = Call().ready()
    call.types()
    call.begins()
    call.ends()
    call.does(SendText("One", "msg_2"), SendText("Two", "msg_3"))
    call.begins("resp_2")
    first, second, finished = call.ends("resp_2")
    ids = ("msg_2", "msg_3")
    assert [first, second] == [InputFailed(one, IGNORED_WORDS, IGNORED) for one in ids]
    assert finished == ReplyFinished("resp_2", "failed", "text_ignored", IGNORED_WORDS)


def test_no_answer_at_all_to_typed_text_says_so_too() -> None:
    call = Call(hands_free=True).ready(turn_detection={"type": "server_vad"})
    call.types()
    ignored, notice, finished = call.passes(10.1)
    assert ignored == InputFailed("msg_1", IGNORED_WORDS, IGNORED)
    assert notice == Notice("text_ignored", IGNORED_WORDS)
    assert finished == ReplyFinished("unanswered_msg_1", "failed", "text_ignored", IGNORED_WORDS)


def test_typed_text_that_is_answered_is_no_failure() -> None:
    call = Call().ready()
    call.types()
    call.begins()
    call.writes("Hi.")
    assert [e.status for e in only(ReplyFinished, call.ends())] == ["completed"]
    call.begins("resp_2")
    assert [e.status for e in only(ReplyFinished, call.ends("resp_2"))] == ["completed"]


@pytest.mark.parametrize("status", ["incomplete", "cancelled"])
def test_an_answer_to_typed_text_that_was_cut_off_was_not_ignored(status: str) -> None:
    call = Call().ready()
    call.types()
    call.begins()
    [ended] = call.ends(status=status)
    assert isinstance(ended, ReplyFinished) and ended.status == status
    call.begins("resp_2")
    assert [e.status for e in only(ReplyFinished, call.ends("resp_2"))] == ["completed"]


def test_words_of_an_earlier_reply_are_no_answer() -> None:
    call = Call().ready()
    call.asks()
    call.begins("resp_1")
    call.types()
    call.writes("As I said", reply_id="resp_1")
    call.ends("resp_1")
    call.begins("resp_2")
    assert only(InputFailed, call.ends("resp_2"))


def test_an_answer_that_failed_was_not_ignored() -> None:
    call = Call().ready()
    call.types()
    call.begins()
    error = {"type": "failed", "error": {"code": "1261", "message": "太长"}}
    events = call.ends(status="failed", status_details=error)
    assert [event.code for event in only(ReplyFinished, events)] == ["1261"]
    assert not only(InputFailed, events) and not only(Notice, events)


def test_an_empty_answer_to_speech_is_left_as_it_is() -> None:
    call = Call().ready()
    call.asks()
    call.begins()
    assert [e.status for e in only(ReplyFinished, call.ends())] == ["completed"]


def test_the_end_of_an_earlier_reply_is_not_the_answer() -> None:
    call = Call().ready()
    call.asks()
    call.begins()
    call.speaks()
    call.does(Interrupt())
    call.types()
    assert [e.status for e in only(ReplyFinished, call.ends(status="cancelled"))] == ["cancelled"]
    call.begins("resp_2")
    assert [e.code for e in only(ReplyFinished, call.ends("resp_2"))] == ["text_ignored"]


def test_after_speech_nobody_waits_for_the_typed_answer() -> None:
    call = Call().ready()
    call.types()
    call.does(Interrupt())
    call.passes(10.1)
    call.asks()
    call.begins("resp_2")
    assert [e.status for e in only(ReplyFinished, call.ends("resp_2"))] == ["completed"]


# -- tools --------------------------------------------------------------------------------------


def calling(**chosen: object) -> Call:
    call = Call(tools=(TOOL,), **chosen).ready()
    call.asks()
    call.begins()
    return call


def test_a_call_is_told_at_once_and_answered_when_its_reply_is_over() -> None:
    call = calling()
    [called] = call.calls(call_id="call_a")
    assert called == ToolCalled("resp_1", "call_a", "get_time", "{}")
    assert call.does(SendToolResult("call_a", "get_time", '"noon"')) == []
    call.ends()
    item, create = call.sent()
    assert item["item"] == {
        "type": "function_call_output",
        "call_id": "call_a",
        "output": '"noon"',
    }
    assert create["type"] == "response.create"


def test_copies_of_a_call_are_not_told() -> None:
    call = calling()
    call.calls(call_id="call_a")
    copy = {"type": "function_call", "name": "get_time", "call_id": "call_a", "arguments": "{}"}
    assert call.calls(call_id="call_a") == []
    assert call.says("response.output_item.done", response_id="resp_1", item=copy) == []
    assert only(ToolCalled, call.ends(output=[copy])) == []
    assert call.sent() == []


def test_calls_without_ids_are_answered_in_their_order() -> None:
    call = calling()
    first, second = [*call.calls(), *call.calls()]
    assert isinstance(first, ToolCalled) and isinstance(second, ToolCalled)
    assert first.call_id != second.call_id
    call.ends()
    assert call.does(SendToolResult(second.call_id, "get_time", "2")) == []
    messages = call.does(SendToolResult(first.call_id, "get_time", "1"))
    assert [m.get("item") for m in messages] == [
        {"type": "function_call_output", "output": "1"},
        {"type": "function_call_output", "output": "2"},
        None,
    ]
    assert kinds(messages)[-1] == "response.create"


def test_a_result_counts_once_and_only_for_a_known_call() -> None:
    call = calling()
    call.calls(call_id="call_a")
    call.ends()
    assert call.does(SendToolResult("call_x", "get_time", "0")) == []
    assert len(call.does(SendToolResult("call_a", "get_time", "1"))) == 2
    assert call.does(SendToolResult("call_a", "get_time", "2")) == []


def test_an_error_of_a_tool_is_told_as_one() -> None:
    call = calling()
    call.calls(call_id="call_a")
    call.ends()
    item, _ = call.does(SendToolResult("call_a", "get_time", "broken", is_error=True))
    assert item["item"]["output"] == '{"error": "broken"}'


def test_what_the_user_interrupts_is_not_answered() -> None:
    call = calling()
    call.calls(call_id="call_a")
    call.ends()
    call.does(Interrupt())
    assert call.passes(0.1) == [ToolsCancelled(("call_a",))]
    assert call.does(SendToolResult("call_a", "get_time", "1")) == []


@pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
def test_calls_of_a_reply_that_does_not_complete_are_off(status: str) -> None:
    call = calling()
    call.calls(call_id="call_a")
    call.ends(status=status)
    assert only(ToolsCancelled, call.passes(0.1)) == [ToolsCancelled(("call_a",))]
    assert call.sent() == []


def test_calls_of_an_abandoned_reply_are_not_told() -> None:
    call = calling()
    call.does(Interrupt())
    assert call.calls(call_id="call_a") == []


@pytest.mark.fault("P32")
def test_an_unknown_tool_is_refused_politely_three_times() -> None:
    call = calling()
    for number in range(1, 6):
        assert call.calls("fly", reply_id=f"resp_{number}", call_id=f"call_{number}") in (
            [],
            [ReplyStarted(f"resp_{number}")],
        )
        call.ends(f"resp_{number}")
        messages = call.sent()
        assert "not available" in messages[0]["item"]["output"]
        asks_on = number <= 3
        assert kinds(messages)[1:] == (["response.create"] if asks_on else [])
        if asks_on:
            call.begins(f"resp_{number + 1}")


# -- pictures -----------------------------------------------------------------------------------


def seeing(**chosen: object) -> Call:
    call = Call(**chosen).ready()
    assert kinds(call.does(PICTURE)) == ["session.update"]
    assert call.updates[-1]["beta_fields"]["chat_mode"] == "video_passive"
    call.says("session.updated", session=VIDEO)
    [frame] = call.sent()
    assert base64.b64decode(frame["video_frame"]) == JPEG
    return call


def test_a_picture_is_a_frame_of_a_video_call_and_of_every_turn_after_it() -> None:
    call = seeing()
    for _ in range(2):
        messages = call.does(BeginTurn(), SECOND, EndTurn())
        assert kinds(messages)[:2] == [
            "input_audio_buffer.clear",
            "input_audio_buffer.append_video_frame",
        ]
        call.begins("resp_1")
        call.ends("resp_1")


def test_hands_free_the_frame_goes_with_the_speech() -> None:
    call = seeing(hands_free=True)
    call.says("input_audio_buffer.speech_started", item_id="item_U")
    assert kinds(call.sent()) == ["input_audio_buffer.append_video_frame"]


def test_the_call_stays_a_video_call_or_the_conversation_would_be_forgotten() -> None:
    call = seeing()
    call.does(SetHandsFree(True))
    assert call.updates[-1]["beta_fields"]["chat_mode"] == "video_passive"


def test_what_is_asked_about_a_picture_follows_it() -> None:
    call = seeing()
    messages = call.does(SendImage(JPEG, "image/jpeg", "msg_q", "What is it?"))
    assert kinds(messages)[-2:] == ["conversation.item.create", "response.create"]
    assert messages[-2]["item"]["content"] == [{"type": "input_text", "text": "What is it?"}]


def test_what_follows_a_picture_waits_until_it_can_be_seen() -> None:
    call = Call().ready()
    call.does(PICTURE)
    assert call.does(SendText("What is it?", "msg_q")) == []
    call.passes(4.9)
    assert call.sent() == []
    call.passes(0.2)
    assert kinds(call.sent())[-1] == "response.create"


def test_an_interruption_does_not_wait() -> None:
    call = Call().ready()
    call.begins()
    call.speaks()
    call.does(PICTURE)
    assert kinds(call.does(Interrupt())) == ["response.cancel"]


def test_a_second_picture_takes_the_place_of_the_first() -> None:
    call = seeing()
    other = JPEG + b"other"
    call.does(SendImage(other, "image/jpeg", "msg_2"))
    frames = [m["video_frame"] for m in call.does(BeginTurn()) if "video_frame" in m]
    assert [base64.b64decode(frame) for frame in frames] == [other]


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (JPEG, "image/png"),
        (b"\x89PNG", "image/jpeg"),
        (JPEG + bytes(LARGEST_BYTES), "image/jpeg"),
        (b"", "image/jpeg"),
    ],
)
def test_what_is_no_small_jpeg_is_told_and_not_sent(data: bytes, mime: str) -> None:
    call = Call().ready()
    assert call.does(SendImage(data, mime, "msg_p", "What is it?")) == []
    assert [e.code for e in only(ProviderFailed, call.passes(0.1))] == ["picture_refused"]


def test_a_refused_video_call_stays_a_voice_call() -> None:
    call = Call().ready()
    call.does(PICTURE, SendText("And?", "msg_2"))
    events = call.fails("invalid_value", "chat_mode")
    assert [e.code for e in only(ProviderFailed, events)] == ["picture_refused"]
    assert kinds(call.sent()) == ["conversation.item.create", "response.create"]
    call.does(SetHandsFree(True))
    assert call.updates[-1]["beta_fields"]["chat_mode"] == "audio"


def test_a_race_meanwhile_is_no_refusal() -> None:
    call = Call().ready()
    call.does(PICTURE)
    [event] = call.fails("response_cancel_not_active")
    assert isinstance(event, Unknown)
    call.says("session.updated", session=VIDEO)
    assert kinds(call.sent()) == ["input_audio_buffer.append_video_frame"]


def test_tools_are_off_while_there_is_a_picture_and_the_user_is_told() -> None:
    call = Call(tools=(TOOL,)).ready()
    call.does(PICTURE)
    assert call.updates[-1]["tools"] == []
    assert [n.code for n in only(Notice, call.passes(0.1))] == ["tools_off"]
