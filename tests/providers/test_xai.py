"""xAI: voice and turns at the root, whole words of the user, loose words for races."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import xai_server
from tests.fakes.ga_check import Refused
from tests.fakes.xai_server import XaiServer
from tests.providers import family_talks as talks
from tests.providers.family_checks import TALK, check_recordings, hold_all_talks
from tests.providers.family_line import dialled
from tests.providers.openai.call import kinds, only
from tests.providers.openai.noise import break_conversations, drop_every_field, recordings_of
from tests.providers.wire import sent
from voicechat.events import (
    Heard,
    InputTranscript,
    Interrupt,
    Notice,
    ReplyFinished,
    SendImage,
    SendText,
    SessionReady,
    SetHandsFree,
    Unknown,
)
from voicechat.providers.base import Settings, Vad
from voicechat.providers.xai import XaiDialect, with_root

MODEL = "grok-voice-latest"


def opened(**chosen: Any) -> tuple[XaiDialect, dict[str, Any]]:
    """A dialect that has asked, and what it asked for."""
    dialect = XaiDialect(Settings(**{"model": MODEL, **chosen}))
    dialect.open(0.0)
    dialect.receive('{"type":"conversation.created","conversation":{"id":"c"}}', 0.1)
    [asked] = sent(dialect)
    xai_server.check(asked, MODEL)
    return dialect, asked["session"]


def ready(**chosen: Any) -> XaiDialect:
    dialect, _ = opened(**chosen)
    events = dialect.receive('{"type":"session.updated","session":{"id":"s"}}', 0.2)
    assert only(SessionReady, events)
    return dialect


async def test_all_talks_are_held() -> None:
    await hold_all_talks(XaiServer, "xai")


async def test_words_of_the_user_come_whole_and_the_last_ones_count() -> None:
    async with dialled(XaiServer(TALK), "xai") as line:
        assert await talks.press_and_talk(line) == TALK.user_text
        partials = [e["message"] for e in line.entries if "updated" in str(e.get("message"))]
    assert any(message["type"].endswith(".updated") for message in partials)


def test_every_recorded_message_is_one_that_xai_takes() -> None:
    check_recordings("xai", xai_server.check, MODEL)


@pytest.mark.fault("P12")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("xai")


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", recordings_of("xai"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)


def test_voice_and_turns_stand_at_the_root() -> None:
    _, asked = opened(voice="eve", hands_free=True, instructions="Be brief.", language="en")
    assert asked == {
        "instructions": "Be brief.",
        "voice": "eve",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 500,
        },
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": {"model": "grok-transcribe", "language_hint": "en"},
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24_000}},
        },
    }


def test_nothing_is_left_of_an_empty_session() -> None:
    assert with_root({"type": "realtime", "output_modalities": ["audio"]}) == {}


@pytest.mark.parametrize(("threshold", "sent"), [(0.0, 0.1), (0.5, 0.5), (1.0, 0.9)])
def test_threshold_stays_within_what_xai_knows(threshold: float, sent: float) -> None:
    _, asked = opened(hands_free=True, vad=Vad(threshold=threshold))
    assert asked["turn_detection"]["threshold"] == sent


def test_the_key_marks_the_turns_where_the_type_is_null() -> None:
    dialect = ready(hands_free=True)
    dialect.data_to_send()
    dialect.send(SetHandsFree(False), 1.0)
    [update] = sent(dialect)
    assert update["session"] == {"turn_detection": {"type": None}}
    update = {"type": "session.updated", "session": {"turn_detection": {"type": None}}}
    assert only(Notice, dialect.receive(json.dumps(update), 1.1)) == []


def test_no_transcription_is_asked_for_where_none_is_wanted() -> None:
    _, asked = opened(transcription_model="none")
    assert asked["audio"]["input"]["transcription"] is None


def test_words_alone_are_asked_for_reply_by_reply() -> None:
    dialect = ready(text_only=True)
    dialect.send(SendText("Hello", "msg_1"), 1.0)
    messages = [json.loads(message.text) for message in dialect.data_to_send()]
    assert messages[-1]["response"] == {"modalities": ["text"]}


def test_a_picture_is_refused_and_its_words_are_asked() -> None:
    dialect = ready()
    dialect.send(SendImage(b"x", "image/jpeg", "msg_1", "What is this?"), 1.0)
    dialect.send(SendImage(b"x", "image/jpeg", "msg_2"), 1.0)
    messages = [json.loads(message.text) for message in dialect.data_to_send()]
    assert kinds(messages) == ["conversation.item.create", "response.create"]
    assert [notice.code for notice in only(Notice, dialect.tick(1.1))] == ["no_pictures"] * 2


@pytest.mark.parametrize(
    "message",
    [
        "Cancellation failed: no active response found",
        "Failed to truncate item",
        "Truncation is not possible now",
    ],
)
def test_its_words_for_races_are_no_errors(message: str) -> None:
    error = {"type": "invalid_request_error", "code": None, "message": message}
    events = ready().receive(json.dumps({"type": "error", "error": error}), 1.0)
    assert [type(event) for event in events] == [Unknown]


def test_speech_over_a_reply_cancels_it_by_hand_even_without_an_end() -> None:
    dialect = ready(hands_free=True)
    dialect.receive('{"type":"response.created","response":{"id":"r"}}', 1.0)
    dialect.receive('{"type":"response.output_audio.delta","item_id":"i","delta":"AAAA"}', 1.1)
    dialect.data_to_send()
    dialect.send(Interrupt((Heard("i", 0, 0),), by_server=True), 1.2)
    assert "response.cancel" in repr(dialect.data_to_send())
    [end] = only(ReplyFinished, dialect.tick(7.0))
    assert end.status == "cancelled"


def test_interim_words_are_not_final() -> None:
    dialect = ready()
    said = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i"}
    [interim] = dialect.receive(
        json.dumps({**said, "transcript": "He", "status": "in_progress"}), 1.0
    )
    assert interim == InputTranscript("i", "He", cumulative=True)


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"type": "realtime"}, "session.type"),
        ({"audio": {"output": {"voice": "eve"}}}, "session.audio.output.voice"),
        (
            {"turn_detection": {"type": "server_vad", "threshold": 1}},
            "session.turn_detection.threshold",
        ),
        ({"turn_detection": {"type": "semantic_vad"}}, "session.turn_detection.type"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 1}}}},
            "session.audio.input.format.rate",
        ),
    ],
)
def test_what_xai_does_not_take_is_refused(session: Any, param: str) -> None:
    with pytest.raises(Refused) as caught:
        xai_server.check({"type": "session.update", "session": session})
    assert caught.value.param == param
