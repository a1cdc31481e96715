"""What GPT-Live's dialect asks for, streams and tells, apart from a server."""

import base64
import json
from typing import Any

import pytest

from tests.fakes.ga_signal import silence, tone
from tests.fakes.gptlive_check import Refused, check
from tests.providers.gptlive.call import KEY, only, said, settings
from voicechat.events import (
    BeginTurn,
    EndTurn,
    Event,
    InputTranscript,
    Interrupt,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SendAudio,
    SendText,
    SessionExpired,
    SetHandsFree,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.base import HistoryEntry
from voicechat.providers.gptlive.dialect import NO_HELPER, GptLiveDialect
from voicechat.providers.gptlive.reply import is_silent
from voicechat.providers.gptlive.setup import MOST_TOKENS, address, history, tokens
from voicechat.providers.gptlive.user_transcript import STILL_S

STARTED = json.dumps({"type": "session.started", "session": {"id": "live_1"}})
APPEND, MUTE, UNMUTE = (f"session.input_audio.{name}" for name in ("append", "mute", "unmute"))


def opened(**chosen: Any) -> GptLiveDialect:
    """A session that began at 0 s."""
    dialect = GptLiveDialect(settings(**chosen))
    dialect.open(0.0)
    dialect.receive(STARTED, 0.0)
    dialect.data_to_send()
    return dialect


def sent(dialect: GptLiveDialect) -> list[dict[str, Any]]:
    messages = [json.loads(message.text) for message in dialect.data_to_send()]
    for message in messages:
        check(message)
    return messages


def kinds(dialect: GptLiveDialect) -> list[str]:
    return [message["type"] for message in sent(dialect)]


def sound_ms(messages: list[dict[str, Any]]) -> float:
    found = (base64.b64decode(one["audio"]) for one in messages if one["type"] == APPEND)
    return sum(map(len, found)) / 48


# -- the address and the first message ------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", "wss://api.openai.com/v1/live/sessions"),
        ("ws://127.0.0.1:80", "ws://127.0.0.1:80/v1/live/sessions"),
        ("ws://127.0.0.1:80/", "ws://127.0.0.1:80/v1/live/sessions"),
        ("wss://x.example/openai/v1/live/sessions", "wss://x.example/openai/v1/live/sessions"),
        ("wss://x.example/{model}?a=b", "wss://x.example/gpt-live-1.1?a=b"),
    ],
)
def test_the_address_has_a_path_and_no_model_of_ours(given: str, used: str) -> None:
    assert GptLiveDialect(settings(url=given)).url() == used


def test_an_address_that_is_none_is_left_to_the_link() -> None:
    assert address("ws://[::1", "m") == "ws://[::1"


def test_the_key_goes_into_a_header_only() -> None:
    dialect = GptLiveDialect(settings())
    assert dialect.headers() == {"Authorization": f"Bearer {KEY}"}
    assert KEY not in dialect.url()
    assert GptLiveDialect(settings(api_key="")).headers() == {}
    own = GptLiveDialect(settings(key_header="X-API-Key: {key}"))
    assert own.headers() == {"X-API-Key": KEY}


def test_the_first_message_holds_what_was_chosen_and_nothing_else() -> None:
    dialect = GptLiveDialect(settings(voice="cedar", instructions=" Be brief.\x1b "))
    dialect.open(0.0)
    (first,) = sent(dialect)
    assert first == {
        "type": "session.start",
        "session": {
            "model": "gpt-live-1.1",
            "audio": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "output": {"voice": "cedar"},
            },
            "delegation": {"type": "client"},
            "store": False,
            "instructions": "Be brief.",
        },
    }


def test_the_history_keeps_the_newest_that_fits() -> None:
    past = tuple(HistoryEntry("user", f"{at} " + "word " * 500) for at in range(40))
    kept = history(past)
    words = [one["content"][0]["text"] for one in kept]
    assert 3 <= len(kept) < 40 and words[-1].startswith("39 ")
    assert sum(map(tokens, words)) <= MOST_TOKENS


@pytest.mark.parametrize("text", ["word " * 20_000, "天气真好" * 5_000])
def test_a_message_that_is_too_long_keeps_its_end(text: str) -> None:
    (kept,) = history((HistoryEntry("assistant", "Old."), HistoryEntry("user", text + "The end.")))
    words = kept["content"][0]["text"]
    assert words.endswith("The end.") and tokens(words) <= MOST_TOKENS


def test_what_the_model_is_told_of_delegated_work_fits_the_limit() -> None:
    assert tokens(NO_HELPER) < 100


# -- the stream -----------------------------------------------------------------------------------


def test_nothing_flows_before_the_session_has_begun() -> None:
    dialect = GptLiveDialect(settings(hands_free=True))
    dialect.open(0.0)
    dialect.send(SendAudio(tone(100)), 0.1)
    dialect.tick(5.0)
    assert kinds(dialect) == ["session.start"]


def test_the_stream_has_no_holes() -> None:
    dialect = opened()
    for step in range(1, 41):
        dialect.tick(step * 0.25)
    messages = sent(dialect)
    assert sound_ms(messages) == pytest.approx(10_000, abs=1)
    assert all(one["type"] == APPEND for one in messages)


@pytest.mark.fault("P34")
def test_a_computer_that_slept_does_not_send_its_dreams() -> None:
    dialect = opened(hands_free=True)
    dialect.tick(3600.0)
    assert sound_ms(sent(dialect)) == pytest.approx(1000, abs=1)


def test_a_microphone_that_is_a_little_late_gets_no_zeros_between() -> None:
    dialect = opened(hands_free=True)
    for now in (0.1, 0.3, 0.31, 0.5):
        dialect.send(SendAudio(tone(100)), now)
        dialect.tick(now + 0.05)
    messages = sent(dialect)
    assert sound_ms(messages) == 400
    assert b"".join(base64.b64decode(one["audio"]) for one in messages) == tone(100) * 4


def test_only_a_press_is_heard() -> None:
    dialect = opened()
    dialect.send(SendAudio(tone(100)), 0.05)
    assert kinds(dialect) == []
    dialect.send(BeginTurn(), 0.05)
    dialect.send(SendAudio(tone(100)), 0.1)
    assert kinds(dialect) == [UNMUTE, APPEND]
    dialect.send(EndTurn(), 0.15)
    assert kinds(dialect) == [APPEND, APPEND, APPEND, MUTE]


def test_a_file_leaves_no_faster_than_it_would_be_spoken() -> None:
    dialect = opened()
    for command in (BeginTurn(), *said(5000), EndTurn()):
        dialect.send(command, 0.0)
    now = flowed = 0.0
    marks: list[str] = []
    while MUTE not in marks:
        now += 0.1
        dialect.tick(now)
        messages = sent(dialect)
        flowed += sound_ms(messages)
        marks += [one["type"] for one in messages]
        assert flowed <= now * 1000 + 810
    assert flowed == pytest.approx(5300, abs=1)
    assert 4.5 <= now <= 5.5


def test_a_press_after_a_file_does_not_forget_the_file() -> None:
    dialect = opened()
    for command in (BeginTurn(), *said(3000), EndTurn(), BeginTurn(), *said(300), EndTurn()):
        dialect.send(command, 0.0)
    flowed, marks = 0.0, []
    for step in range(1, 60):
        dialect.tick(step * 0.1)
        messages = sent(dialect)
        marks += [one["type"] for one in messages if one["type"] != APPEND]
        flowed += sum(
            not is_silent(base64.b64decode(one["audio"]))
            for one in messages
            if one["type"] == APPEND
        )
    assert [UNMUTE, *marks][-4:] == [UNMUTE, MUTE, UNMUTE, MUTE]
    assert flowed >= 25


def test_hands_free_can_be_chosen_before_the_session_begins() -> None:
    dialect = GptLiveDialect(settings())
    dialect.open(0.0)
    dialect.send(SetHandsFree(True), 0.0)
    dialect.receive(STARTED, 0.1)
    assert MUTE not in kinds(dialect)
    assert dialect.settings.hands_free


def test_a_press_that_waits_when_the_hands_are_freed_is_said_before_what_follows() -> None:
    dialect = GptLiveDialect(settings())
    dialect.open(0.0)
    for command in (BeginTurn(), *said(1500), EndTurn(), SetHandsFree(True)):
        dialect.send(command, 0.0)
    dialect.receive(STARTED, 0.0)
    sounds: list[bytes] = []
    for step in range(1, 41):
        loud = step == 10
        dialect.send(SendAudio(tone(100, rms=5000.0) if loud else silence(100)), step * 0.1)
        messages = sent(dialect)
        sounds += [base64.b64decode(one["audio"]) for one in messages if one["type"] == APPEND]
        assert len(sounds) <= step + 6
    assert MUTE not in kinds(dialect)
    assert sounds[:15] == [tone(100)] * 15
    assert tone(100, rms=5000.0) in sounds[15:18]
    assert len(sounds) == pytest.approx(40, abs=1), "the stream is in time again"


def test_hands_free_the_key_says_nothing() -> None:
    dialect = opened(hands_free=True)
    dialect.send(BeginTurn(), 0.1)
    dialect.send(SendAudio(tone(100)), 0.1)
    dialect.send(EndTurn(), 0.2)
    assert kinds(dialect) == [APPEND]
    assert dialect.tick(0.2) == []


def test_typed_text_is_never_sent() -> None:
    dialect = opened()
    dialect.send(SendText("hello", "msg_1"), 0.0)
    assert sent(dialect) == []


# -- the model's stream ---------------------------------------------------------------------------


def heard(dialect: GptLiveDialect, pcm: bytes, now: float) -> list[Event]:
    delta = base64.b64encode(pcm).decode()
    return dialect.receive(json.dumps({"type": "session.output_audio.delta", "delta": delta}), now)


def test_silence_begins_no_reply_however_long_it_lasts() -> None:
    dialect = opened(hands_free=True)
    events = [event for at in range(600) for event in heard(dialect, silence(100), at / 10)]
    assert events == []


def test_a_whisper_begins_a_reply() -> None:
    dialect = opened(hands_free=True)
    assert ReplyStarted in map(type, heard(dialect, tone(100, rms=300.0), 0.1))


@pytest.mark.parametrize(("rms", "silent"), [(0.0, True), (60.0, True), (200.0, False)])
def test_only_what_nobody_would_hear_is_silence(rms: float, silent: bool) -> None:
    assert is_silent(tone(100, rms=rms)) is silent


def test_the_loudest_negative_sample_is_no_silence() -> None:
    assert not is_silent(b"\x00\x80")


def told(dialect: GptLiveDialect, words: str, now: float) -> list[Event]:
    times = {"start_ms": now * 1000, "end_ms": now * 1000 + 100}
    kind = "session.output_transcript.delta"
    return dialect.receive(json.dumps({"type": kind, "delta": words, **times}), now)


def test_blank_words_before_the_first_are_not_shown() -> None:
    dialect = opened(hands_free=True)
    heard(dialect, tone(100), 0.1)
    assert told(dialect, " \n", 0.2) == []
    assert [event.text for event in only(ReplyText, told(dialect, " Yes.", 0.3))] == ["Yes."]


def failed(dialect: GptLiveDialect, code: str) -> list[Event]:
    error = {"type": "invalid_request_error", "code": code, "message": "Because."}
    return dialect.receive(json.dumps({"type": "error", "error": error}), 1.0)


@pytest.mark.parametrize("code", ["session_expired", "session_duration_limit_reached"])
def test_a_session_that_an_error_tells_to_be_too_old_ends_once(code: str) -> None:
    dialect = opened(hands_free=True)
    heard(dialect, tone(100), 0.5)
    *_, finished, expired = failed(dialect, code)
    assert isinstance(finished, ReplyFinished) and finished.status == "incomplete"
    assert isinstance(expired, SessionExpired)
    assert dialect.receive('{"type":"session.closed","reason":"expired"}', 1.1) == []


def test_an_error_that_changes_nothing_is_not_told() -> None:
    code = "context_injection_incomplete"
    assert failed(opened(), code) == [Unknown(f"error {code}")]


def spoke(dialect: GptLiveDialect, words: str, at_ms: float, now: float) -> list[Event]:
    """The user said something, as the server understood it."""
    times = {"start_ms": at_ms, "end_ms": at_ms + 100}
    kind = "session.input_transcript.delta"
    return dialect.receive(json.dumps({"type": kind, "delta": words, **times}), now)


def test_what_is_no_message_is_unknown() -> None:
    assert opened().receive("not json", 1.0) == [Unknown("not JSON")]


def test_a_message_that_comes_twice_counts_once() -> None:
    dialect = opened()
    told = json.dumps({"type": "info", "event_id": "event_7", "code": "odd", "message": "Listen."})
    again = told.replace("odd", "even")
    counts = [len(dialect.receive(message, 1.0)) for message in (told, told, again)]
    assert counts == [1, 0, 1]


def test_half_a_sample_begins_no_reply() -> None:
    dialect = opened(hands_free=True)
    assert heard(dialect, b"\x7f", 0.1) == []
    assert only(ReplyStarted, heard(dialect, b"\x7f" + tone(100), 0.2))


def test_nothing_is_stopped_where_nobody_speaks() -> None:
    dialect = opened(hands_free=True)
    dialect.send(Interrupt(), 1.0)
    assert dialect.tick(1.1) == []
    assert only(ReplyStarted, heard(dialect, tone(100), 1.2))


def test_a_stopped_reply_of_which_nothing_more_comes_takes_no_later_one_away() -> None:
    dialect = opened(hands_free=True)
    heard(dialect, tone(100), 0.5)
    dialect.send(Interrupt(), 1.0)
    assert only(ReplyFinished, dialect.tick(1.1))
    assert heard(dialect, tone(100), 1.2) == []
    dialect.tick(3.3)
    assert only(ReplyStarted, heard(dialect, tone(100), 3.4))


def test_a_model_that_talks_on_has_not_yielded_however_often_it_is_spoken_over() -> None:
    dialect = opened(hands_free=True)
    events: list[Event] = []
    for step in range(60):
        now = step / 10
        events += heard(dialect, tone(100) if step < 40 else silence(100), now)
        events += spoke(dialect, "Stop!", now * 1000, now) if step in (10, 35) else []
    assert [(e.status, e.code) for e in only(ReplyFinished, events)] == [("completed", "")]


def test_words_that_are_late_make_the_turn_whole_anew() -> None:
    dialect = opened(hands_free=True)
    spoke(dialect, "One", 0, 0.5)
    [whole] = only(InputTranscript, dialect.tick(0.5 + STILL_S))
    assert (whole.text, whole.final) == ("One", True)
    [whole] = only(InputTranscript, spoke(dialect, " two", 150, 2.5))
    assert (whole.text, whole.final) == ("One two", True)


def test_words_between_the_end_of_a_turn_and_its_answer_are_of_the_turn() -> None:
    dialect = opened(hands_free=True)
    [committed] = only(TurnCommitted, spoke(dialect, "One", 0, 0.5))
    for now in (1.0, 1.5, 2.0):
        dialect.tick(now)
    heard(dialect, tone(100), 2.0)
    [late] = only(InputTranscript, spoke(dialect, " two", 1000, 2.1))
    assert late.item_id == committed.item_id and late.text == "One two"


def test_a_press_that_is_given_up_is_forgotten() -> None:
    dialect = opened()
    for command in (BeginTurn(), *said(3000), BeginTurn()):
        dialect.send(command, 0.0)
    messages: list[dict[str, Any]] = []
    for step in range(1, 40):
        dialect.tick(step * 0.1)
        messages += sent(dialect)
    sounds = [base64.b64decode(one["audio"]) for one in messages if one["type"] == APPEND]
    assert sum(not is_silent(sound) for sound in sounds) <= 6
    assert [one["type"] for one in messages if one["type"] != APPEND] == [UNMUTE, MUTE]


# -- the stand-in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        {"type": "session.input_audio.commit"},
        {"type": "session.input_audio.append", "audio": "AAAA"},
        {"type": "session.input_audio.append", "audio": "AAAA", "rate": 1},
        {"type": "session.commentary.append", "content": "x"},
        {"type": "session.start", "session": {"model": "gpt-live-1.1", "tools": []}},
        {"type": "session.start", "session": {"audio": {}}},
    ],
)
def test_the_check_refuses_what_the_service_refuses(message: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        check(message)
