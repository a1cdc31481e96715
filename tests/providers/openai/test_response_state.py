"""Whose turn it is: one reply at a time, one cancel each, nothing late."""

import base64
from typing import Any

import pytest

from tests.providers.openai.call import HANDS_FREE, Call, heard_bytes, kinds, only
from voicechat.events import (
    Event,
    Heard,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SendText,
    Unknown,
)

BUSY = "conversation_already_has_active_response"


def finished(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.reply_id, event.status) for event in only(ReplyFinished, events)]


# -- asking -------------------------------------------------------------------------------------


def test_a_request_carries_a_mark() -> None:
    [_, create] = Call().ready().asks()
    assert create["response"]["metadata"] == {"client_event_id": create["event_id"]}


def test_requests_wait_for_the_running_reply_and_become_one() -> None:
    call = Call().ready()
    call.asks()
    call.begins(tag="reply_1")
    assert (
        kinds(call.does(SendText("b", "msg_2"), SendText("c", "msg_3")))
        == ["conversation.item.create"] * 2
    )
    call.ends()
    assert kinds(call.sent()) == ["response.create"]


def test_a_request_counts_as_running() -> None:
    call = Call().ready()
    call.asks()
    assert kinds(call.asks()) == ["conversation.item.create"]


def test_end_of_another_reply_frees_nothing() -> None:
    call = Call().ready()
    call.asks()
    call.begins("resp_1", "reply_1")
    call.asks()
    call.ends("resp_0", "cancelled")
    assert call.sent() == []
    call.ends("resp_1")
    assert kinds(call.sent()) == ["response.create"]


def test_unanswered_request_is_given_up_after_ten_seconds() -> None:
    call = Call().ready()
    call.asks()
    assert call.passes(9.9) == []
    assert [e.code for e in only(ProviderFailed, call.passes(0.2))] == ["no_reply"]
    assert kinds(call.asks())[-1] == "response.create"


@pytest.mark.fault("P21")
def test_busy_server_is_asked_again_when_its_reply_ends() -> None:
    call = Call().ready()
    call.asks()
    call.begins("resp_V")
    assert only(Unknown, call.fails(BUSY))
    assert call.sent() == []
    call.ends("resp_V")
    assert kinds(call.sent()) == ["response.create"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (BUSY, "Conversation already has an active response in progress: resp_9."),
        ("", "Conversation already has an active response"),
        ("invalid_request_error", "another response is in progress"),
    ],
)
def test_busy_with_a_reply_we_never_saw_is_waited_out(code: str, message: str) -> None:
    call = Call().ready()
    call.asks()
    call.fails(code, message)
    assert call.sent() == []
    call.passes(9)
    assert call.sent() == []
    call.passes(1.1)
    assert kinds(call.sent()) == ["response.create"]


def test_always_busy_server_is_an_error_after_three_refusals() -> None:
    call = Call().ready()
    call.asks()
    for _ in range(3):
        assert only(Unknown, call.fails(BUSY))
        call.passes(10.1)
        assert kinds(call.sent()) == ["response.create"]
    [ended] = only(ReplyFinished, call.fails(BUSY))
    assert (ended.status, ended.code, ended.message) == ("failed", BUSY, "It went wrong.")
    call.passes(30)
    assert call.sent() == []


def test_refused_request_is_a_reply_that_failed() -> None:
    call = Call().ready()
    create = call.asks()[-1]
    [first] = call.fails("server_error", "Too hot.", event_id=create["event_id"])
    assert first == ReplyFinished("refused_reply_1", "failed", "server_error", "Too hot.")
    assert kinds(call.asks())[-1] == "response.create"
    [second] = call.fails("bad_response_create")
    assert second == ReplyFinished(
        "refused_reply_2", "failed", "bad_response_create", "It went wrong."
    )
    assert kinds(call.asks())[-1] == "response.create"


def test_refused_request_that_nobody_wants_says_nothing() -> None:
    call = Call().ready()
    create = call.asks()[-1]
    call.interrupts()
    refused = call.fails("server_error", event_id=create["event_id"])
    assert refused == [Unknown("benign: server_error")]


def test_error_about_something_else_is_no_end_of_the_reply() -> None:
    call = Call().ready()
    call.asks()
    assert only(ProviderFailed, call.fails("server_error", event_id="c77"))
    call.begins()
    assert only(ReplyFinished, call.ends())


def test_server_without_metadata_is_asked_without() -> None:
    call = Call().ready()
    call.asks()
    call.fails("unknown_parameter", param="response.metadata")
    [again] = call.sent()
    assert again["type"] == "response.create"
    assert "response" not in again


# -- beginning and ending -----------------------------------------------------------------------


def test_a_reply_starts_once_and_ends_once() -> None:
    call = Call(**HANDS_FREE).ready()
    assert call.begins() == [ReplyStarted("resp_1")]
    assert call.begins() == []
    assert finished(call.ends()) == [("resp_1", "completed")]
    assert call.ends() == []
    assert call.begins() == []


@pytest.mark.fault("P20")
def test_a_reply_that_is_not_announced_starts_with_its_first_sound() -> None:
    call = Call().ready()
    call.asks()
    assert [type(e) for e in call.speaks()] == [ReplyStarted, ReplyAudio]
    assert [type(e) for e in call.writes("x")] == [ReplyText]
    assert finished(call.ends()) == [("resp_1", "completed")]


@pytest.mark.fault("P20")
def test_a_server_without_any_ids_has_one_reply_after_the_other() -> None:
    call = Call().ready()
    seen = []
    for _ in range(2):
        call.asks()
        seen += only(ReplyStarted, call.says("response.output_text.delta", delta="x"))
        events = call.says("response.done", response={})
        assert finished(events) == [(seen[-1].reply_id, "completed")]
    assert len({event.reply_id for event in seen}) == 2


@pytest.mark.fault("P15")
def test_sound_after_the_end_of_a_reply_is_dropped() -> None:
    call = Call().ready()
    call.begins()
    call.ends()
    assert call.speaks() == []
    assert call.writes("late") == []


@pytest.mark.fault("P19")
def test_interleaved_replies_keep_their_own_sound() -> None:
    call = Call(**HANDS_FREE).ready()
    call.begins("resp_1")
    call.begins("resp_2")
    [first] = only(ReplyAudio, call.speaks(reply_id="resp_1", item_id="item_1"))
    [second] = only(ReplyAudio, call.speaks(reply_id="resp_2", item_id="item_2"))
    assert (first.reply_id, second.reply_id) == ("resp_1", "resp_2")
    assert finished(call.ends("resp_1")) == [("resp_1", "completed")]
    assert finished(call.ends("resp_2")) == [("resp_2", "completed")]


@pytest.mark.fault("P15")
def test_out_of_band_replies_are_nobodys() -> None:
    call = Call().ready()
    call.begins("resp_1", conversation_id="conv_1")
    call.asks()
    assert call.begins("resp_X", conversation_id=None) == []
    assert call.speaks(reply_id="resp_X") == []
    assert call.ends("resp_X") == []
    assert call.sent() == []


def test_an_out_of_band_reply_without_a_name_takes_no_other_away() -> None:
    call = Call().ready()
    assert call.begins("", conversation="none") == []
    assert call.begins("resp_1") == [ReplyStarted("resp_1")]
    assert only(ReplyAudio, call.speaks())


def test_server_that_never_names_a_conversation_is_heard() -> None:
    call = Call().ready()
    assert call.begins("resp_1", conversation_id=None) == [ReplyStarted("resp_1")]


@pytest.mark.fault("P26")
def test_a_reply_that_falls_silent_is_ended_for_it() -> None:
    call = Call().ready()
    call.begins()
    call.passes(29)
    call.speaks()
    assert call.passes(29.9) == []
    [end] = only(ReplyFinished, call.passes(0.2))
    assert (end.status, end.code) == ("failed", "no_answer")
    assert kinds(call.sent()) == ["response.cancel"]
    assert call.speaks() == []


def test_unannounced_failure_is_a_whole_reply() -> None:
    call = Call().ready()
    call.asks()
    details = {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}
    events = call.ends("resp_1", "failed", status_details=details)
    assert [type(event) for event in events] == [ReplyStarted, ReplyFinished]


# -- interrupting -------------------------------------------------------------------------------


@pytest.mark.fault("P16")
def test_interrupt_cancels_once_and_drops_what_comes_late() -> None:
    call = Call().ready()
    call.begins()
    call.speaks()
    assert call.interrupts() == [{"type": "response.cancel", "response_id": "resp_1"}]
    assert call.interrupts() == []
    assert call.speaks() == []
    assert call.writes("late") == []
    content = [{"type": "output_audio", "transcript": "late"}]
    output = [{"id": "item_A", "type": "message", "role": "assistant", "content": content}]
    assert [type(e) for e in call.ends("resp_1", "cancelled", output=output)] == [ReplyFinished]


def test_nothing_to_interrupt_sends_nothing() -> None:
    assert Call().ready().interrupts() == []


def test_server_that_cancels_itself_needs_no_cancel() -> None:
    call = Call(**HANDS_FREE).ready()
    call.begins()
    call.speaks()
    assert call.interrupts(by_server=True) == []
    assert call.speaks() == []


@pytest.mark.parametrize(
    ("chosen", "session"),
    [
        ({"hands_free": False}, {}),
        (HANDS_FREE, {"turn_detection": {"type": "server_vad", "interrupt_response": False}}),
    ],
)
def test_server_that_does_not_cancel_is_told_to(
    chosen: dict[str, Any], session: dict[str, Any]
) -> None:
    call = Call(**chosen).ready(**session)
    call.begins()
    assert kinds(call.interrupts(by_server=True)) == ["response.cancel"]


def test_interrupted_request_is_cancelled_by_id_when_it_appears() -> None:
    call = Call().ready()
    call.asks()
    assert call.interrupts() == []
    assert call.begins("resp_7", "reply_1") == []
    assert call.sent() == [{"type": "response.cancel", "response_id": "resp_7"}]
    assert call.speaks(reply_id="resp_7") == []
    assert finished(call.ends("resp_7", "cancelled")) == [("resp_7", "cancelled")]


def test_interrupted_request_is_recognised_even_after_its_time() -> None:
    call = Call().ready()
    call.asks()
    call.interrupts()
    assert call.passes(11) == []
    assert call.begins("resp_7", "reply_1") == []
    assert kinds(call.sent()) == ["response.cancel"]


def test_interrupted_request_does_not_take_a_reply_of_the_vad_with_it() -> None:
    call = Call(**HANDS_FREE).ready()
    call.asks()
    call.begins("resp_1", "reply_1")
    call.ends()
    call.asks()
    call.interrupts()
    assert call.begins("resp_V") == [ReplyStarted("resp_V")]
    assert call.sent() == []


def test_interrupt_forgets_a_request_that_still_waits() -> None:
    call = Call().ready()
    call.begins()
    call.asks()
    call.interrupts()
    call.ends("resp_1", "cancelled")
    assert call.sent() == []


def test_cancelled_reply_that_never_ends_is_ended_for_it() -> None:
    call = Call().ready()
    call.begins()
    call.interrupts()
    call.asks()
    assert finished(call.passes(5.1)) == [("resp_1", "cancelled")]
    assert kinds(call.sent()) == ["response.create"]


@pytest.mark.fault("P21")
def test_reply_we_never_saw_is_cancelled_without_its_name() -> None:
    call = Call().ready()
    call.asks()
    call.fails(BUSY)
    assert call.interrupts() == [{"type": "response.cancel"}]


# -- forgetting what was not heard --------------------------------------------------------------


def test_truncation_follows_the_cancel_and_counts_what_was_heard() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(500, content_index=1)
    assert call.interrupts(Heard("item_A", 210, 500)) == [
        {"type": "response.cancel", "response_id": "resp_1"},
        {
            "type": "conversation.item.truncate",
            "item_id": "item_A",
            "content_index": 1,
            "audio_end_ms": 210,
        },
    ]


def test_truncation_never_goes_beyond_what_was_received() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(500)
    assert call.interrupts(Heard("item_A", 585, 585))[-1]["audio_end_ms"] == 500


def test_unheard_item_is_deleted() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(500)
    assert call.interrupts(Heard("item_A", 0, 500))[-1] == {
        "type": "conversation.item.delete",
        "item_id": "item_A",
    }


def test_reply_heard_to_its_end_is_left_alone() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(500)
    call.ends()
    assert call.interrupts(Heard("item_A", 500, 500)) == []


def test_finished_reply_is_truncated_without_a_cancel() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(500)
    call.ends()
    assert kinds(call.interrupts(Heard("item_A", 100, 500))) == ["conversation.item.truncate"]


def test_nothing_is_truncated_twice() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(500)
    call.ends()
    assert call.interrupts(Heard("item_A", 100, 500))
    assert call.interrupts(Heard("item_A", 50, 500)) == []


def test_items_without_sound_or_unknown_are_not_truncated() -> None:
    call = Call().ready()
    call.begins()
    call.says("response.output_text.delta", response_id="resp_1", item_id="item_T", delta="x")
    sent = call.interrupts(Heard("item_T", 100, 500), Heard("item_?", 100, 500))
    assert kinds(sent) == ["response.cancel"]


def test_item_that_only_we_named_cannot_be_truncated() -> None:
    call = Call().ready()
    call.begins()
    [sound] = only(ReplyAudio, call.speaks(500, item_id=""))
    assert kinds(call.interrupts(Heard(sound.item_id, 100, 500))) == ["response.cancel"]


def test_item_named_late_is_truncated_by_the_servers_name() -> None:
    call = Call().ready()
    call.begins()
    [sound] = only(ReplyAudio, call.speaks(500, item_id=""))
    [words] = only(ReplyText, call.writes("Hello", item_id="item_late", output_index=0))
    assert words.item_id == sound.item_id
    assert call.interrupts(Heard(sound.item_id, 100, 500))[-1]["item_id"] == "item_late"


@pytest.mark.fault("P19")
def test_two_items_of_a_reply_are_counted_apart() -> None:
    call = Call().ready()
    call.begins()
    call.speaks(300, item_id="item_A")
    call.speaks(700, item_id="item_B", output_index=1)
    sent = call.interrupts(Heard("item_A", 400, 300), Heard("item_B", 900, 700))
    assert [m["audio_end_ms"] for m in sent[1:]] == [300, 700]


# -- sound at the edge --------------------------------------------------------------------------


@pytest.mark.fault("P13")
@pytest.mark.parametrize("delta", ["@@@@", "A", "AAA\ud800", "ÄÖÜß", 5, None, [], {}])
def test_bad_base64_is_dropped_and_counted(delta: object) -> None:
    call = Call().ready()
    call.begins()
    events = call.says("response.output_audio.delta", response_id="resp_1", delta=delta)
    assert events == [Unknown("bad audio")]


@pytest.mark.fault("P13")
@pytest.mark.parametrize("delta", ["-_-_", "+/+/", "+/\n+/"])
def test_url_safe_and_broken_lines_are_understood(delta: str) -> None:
    call = Call().ready()
    events = call.says("response.output_audio.delta", item_id="i", delta=delta)
    assert [e.pcm for e in only(ReplyAudio, events)] == [b"\xfb\xff"]


@pytest.mark.fault("P14")
def test_half_samples_wait_for_their_other_half_by_item() -> None:
    call = Call().ready()
    first = call.says("response.output_audio.delta", item_id="a", delta="AQID", output_index=0)
    other = call.says("response.output_audio.delta", item_id="b", delta="CQk=", output_index=1)
    rest = call.says("response.output_audio.delta", item_id="a", delta="BA==", output_index=0)
    pcm = [e.pcm for e in only(ReplyAudio, [*first, *other, *rest])]
    assert pcm == [b"\x01\x02", b"\x09\x09", b"\x03\x04"]


@pytest.mark.fault("P14")
def test_half_a_sample_at_the_end_of_a_part_is_dropped() -> None:
    call = Call().ready()
    call.begins()
    ids = {"response_id": "resp_1", "item_id": "a", "output_index": 0}
    call.says("response.output_audio.delta", delta="AQID", **ids)
    call.says("response.output_audio.done", **ids)
    [sound] = only(ReplyAudio, call.says("response.output_audio.delta", delta="BQY=", **ids))
    assert sound.pcm == b"\x05\x06"


@pytest.mark.fault("P27")
def test_header_of_a_sound_file_is_not_played() -> None:
    riff = b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(20) + b"data\x04\x00\x00\x00" + b"\x01\x02" * 2
    call = Call().ready()
    delta = base64.b64encode(riff).decode()
    events = call.says("response.output_audio.delta", item_id="i", delta=delta)
    assert heard_bytes(events) == 4


# -- words --------------------------------------------------------------------------------------


def words_of(events: list[Event]) -> list[tuple[str, bool]]:
    return [(event.text, event.final) for event in only(ReplyText, events)]


@pytest.mark.fault("P18")
def test_words_are_told_once_however_often_they_are_repeated() -> None:
    call = Call().ready()
    call.begins()
    ids = {"response_id": "resp_1", "item_id": "item_A", "output_index": 0, "content_index": 0}
    content = [{"type": "output_audio", "transcript": "Hello."}]
    item = {"id": "item_A", "type": "message", "role": "assistant", "content": content}
    events = call.writes("Hel")
    events += call.writes("lo")
    events += call.says("response.output_audio_transcript.done", transcript="Hello.", **ids)
    part = {"type": "audio", "transcript": "Hello."}
    events += call.says("response.content_part.done", part=part, **ids)
    events += call.says("response.output_item.done", response_id="resp_1", item=item)
    events += call.ends(output=[item])
    assert words_of(events) == [("Hel", False), ("lo", False), ("Hello.", True)]


@pytest.mark.parametrize("kind", ["output_audio", "audio", "output_text", "text"])
def test_words_that_never_came_by_deltas_are_filled_from_the_end(kind: str) -> None:
    call = Call().ready()
    call.begins()
    field = "transcript" if "audio" in kind else "text"
    content = [{"type": kind, field: "Whole."}]
    events = call.ends(output=[{"id": "item_A", "type": "message", "content": content}])
    assert words_of(events) == [("Whole.", True)]
    [words] = only(ReplyText, events)
    assert words.spoken is ("audio" in kind)


@pytest.mark.fault("P17")
def test_delta_after_the_final_words_is_not_appended() -> None:
    call = Call().ready()
    call.begins()
    ids = {"response_id": "resp_1", "item_id": "item_A"}
    call.says("response.output_audio_transcript.done", transcript="All.", **ids)
    assert words_of(call.writes("ll.")) == []


def test_sentences_that_come_only_as_finals_follow_each_other() -> None:
    call = Call().ready()
    call.begins()
    ids = {"response_id": "resp_1", "item_id": "item_A"}
    kind = "response.output_audio_transcript.done"
    call.says(kind, transcript="One.", **ids)
    assert words_of(call.says(kind, transcript="Two.", **ids)) == [("One. Two.", True)]


@pytest.mark.fault("P19")
def test_two_parts_of_an_item_make_one_text() -> None:
    call = Call().ready()
    call.begins()
    ids = {"response_id": "resp_1", "item_id": "item_A"}
    kind = "response.output_text.done"
    call.says(kind, text="One. ", content_index=0, **ids)
    assert words_of(call.says(kind, text="Two.", content_index=1, **ids)) == [("One. Two.", True)]


@pytest.mark.fault("P18")
def test_the_same_message_twice_counts_once() -> None:
    call = Call().ready()
    message = (
        '{"type":"response.output_audio_transcript.delta","event_id":"e1",'
        '"response_id":"r","item_id":"i","delta":"ha"}'
    )
    assert only(ReplyText, call.raw(message))
    assert [type(event) for event in call.raw(message)] == [Unknown]
    assert only(ReplyText, call.raw(message.replace("e1", "e2")))


@pytest.mark.fault("P08", "T01")
def test_words_are_made_safe() -> None:
    call = Call().ready()
    [words] = only(ReplyText, call.writes("a\x1b[2Jb\ud800\nc"))
    assert words.text == "ab\ufffd\nc"


# -- late and odd messages ------------------------------------------------------------------------


def test_a_reply_that_completes_while_it_is_stopped_counts_as_stopped() -> None:
    call = Call().ready()
    call.begins()
    call.speaks()
    call.interrupts()
    [end] = only(ReplyFinished, call.ends())
    assert (end.status, end.code) == ("cancelled", "client_cancelled")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("response.output_audio.done", {}),
        ("response.output_audio_transcript.done", {"transcript": "Late."}),
        ("response.output_text.done", {"text": "Late."}),
        ("response.output_text.text", {"text": "Late."}),
        ("response.content_part.done", {"part": {"type": "audio", "transcript": "Late."}}),
        ("response.output_item.done", {"item": {"id": "item_A", "type": "message"}}),
        ("response.function_call_arguments.done", {"call_id": "call_1", "arguments": "{}"}),
    ],
)
def test_what_ends_in_a_reply_that_has_ended_says_nothing(kind: str, fields: Any) -> None:
    call = Call().ready()
    call.begins()
    call.ends()
    call.sent()
    assert call.says(kind, response_id="resp_1", item_id="item_A", **fields) == []
    assert call.sent() == []


def test_a_part_of_an_item_that_nobody_knows_has_no_words() -> None:
    call = Call().ready()
    call.begins()
    content = [{"type": "hologram", "text": "?"}, {"type": "output_text", "text": "Yes."}]
    item = {"id": "item_A", "type": "message", "role": "assistant", "content": content}
    done = call.says("response.output_item.done", response_id="resp_1", item=item)
    assert [event.text for event in only(ReplyText, done)] == ["Yes."]


# -- signs of life ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "response.function_call_arguments.delta",
        "response.thinking.delta",
        "response.mcp_call_arguments.delta",
        "response.web_search_call.searching",
    ],
)
def test_whatever_comes_of_a_reply_shows_that_it_runs(kind: str) -> None:
    call = Call().ready()
    call.asks()
    call.begins(tag="reply_1")
    call.sent()
    for _ in range(4):
        assert finished(call.passes(20)) == []
        call.says(kind, response_id="resp_1", item_id="item_T", delta="hm")
    assert finished(call.passes(29)) == [] and call.sent() == []
    assert finished(call.passes(2)) == [("resp_1", "failed")]


def test_a_tool_of_the_service_that_names_no_reply_runs_in_the_open_one() -> None:
    call = Call().ready()
    call.begins()
    for _ in range(4):
        assert finished(call.passes(20)) == []
        call.says("mcp_call.in_progress", item_id="item_T")


def test_thoughts_before_a_reply_is_told_are_its_beginning() -> None:
    call = Call().ready()
    call.asks()
    for _ in range(4):
        assert only(ProviderFailed, call.passes(9)) == []
        call.says("response.thinking.delta", response_id="resp_1", delta="hm")
    assert [e.code for e in only(ProviderFailed, call.passes(11))] == ["no_reply"]
