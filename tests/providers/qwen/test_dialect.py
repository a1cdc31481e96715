"""Qwen: the flat and the nested style, pictures beside the sound, plain schemas, its own errors."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import qwen_server
from tests.fakes.ga_check import Refused
from tests.fakes.qwen_server import QwenServer
from tests.providers import family_talks as talks
from tests.providers.family_checks import TALK, check_recordings, hold_all_talks
from tests.providers.family_line import JPEG, dialled
from tests.providers.openai.call import kinds, only
from tests.providers.openai.noise import break_conversations, drop_every_field, recordings_of
from voicechat.errors import ConfigError, ServiceError
from voicechat.events import (
    BeginTurn,
    EndTurn,
    InputTranscript,
    Notice,
    ReplyFinished,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionEnding,
    SetHandsFree,
    Tool,
    ToolCalled,
    TurnCommitted,
)
from voicechat.providers.base import Settings, Vad
from voicechat.providers.qwen.dialect import QwenDialect
from voicechat.providers.qwen.session_update import plain_schema, turn_detection

OMNI = "qwen3.5-omni-flash-realtime"
OLD = "qwen3-omni-flash-realtime"
NEW = "qwen3.8-omni-flash-realtime"
AUDIO = "qwen-audio-3.0-realtime-plus"
TOOL = Tool("find", "", {"type": "object"})


class Call:
    """A session that is open and agreed; every message is held against the stand-in's check."""

    def __init__(self, **chosen: Any) -> None:
        self.model = chosen.get("model", OMNI)
        self.now = 0.0
        self.dialect = QwenDialect(Settings(**{"model": OMNI, **chosen}))
        self.dialect.open(0.0)
        self.says("session.created", session={"id": "s"})
        [self.asked] = [message["session"] for message in self.sent()]
        self.says("session.updated", session={"id": "s"})

    def says(self, kind: str, **fields: Any) -> list[Any]:

        self.now += 0.01
        return self.dialect.receive(json.dumps({"type": kind, **fields}), self.now)

    def does(self, *commands: Any) -> list[dict[str, Any]]:
        for command in commands:
            self.now += 0.01
            self.dialect.send(command, self.now)
        return self.sent()

    def sent(self) -> list[dict[str, Any]]:

        messages = [json.loads(message.text) for message in self.dialect.data_to_send()]
        for message in messages:
            qwen_server.check(message, self.model)
        return messages


# -- with the stand-in --------------------------------------------------------------------------


@pytest.mark.parametrize("model", [OMNI, AUDIO])
async def test_all_talks_are_held(model: str) -> None:
    await hold_all_talks(QwenServer, "qwen", model=model)


async def test_a_picture_goes_with_the_next_turn_or_with_its_question() -> None:
    server = QwenServer(TALK)
    async with dialled(server, "qwen") as line:
        line.does(talks.picture())
        await talks.press_and_talk(line)
        line.does(talks.picture("What is this?"))
        await talks.answer(line)
    assert server.session.ears.pictures == [[JPEG], [JPEG], []]
    assert server.violations == []


@pytest.mark.parametrize("is_early", [True, False])
async def test_qwen_audio_settles_who_finds_the_turns_with_its_first_sound(is_early: bool) -> None:
    server = QwenServer(TALK)
    async with dialled(server, "qwen", model=AUDIO) as line:
        if not is_early:
            await talks.press_and_talk(line)
        line.does(SetHandsFree(True))
        if is_early:
            await server.wait_for("session.update", count=2)
            line.says(talks.speech(line, 480) + talks.quiet(line, 960))
            assert (await line.until(ReplyFinished)).status == "completed"
        else:
            assert (await line.until(SessionEnding)).time_left_s == 0
    assert server.violations == []


async def test_typed_words_while_the_user_speaks_are_answered_after_all() -> None:
    server = QwenServer(TALK)
    async with dialled(server, "qwen", hands_free=True) as line:
        line.says(talks.speech(line, 480))
        await server.wait_for(lambda: server.session.ears.is_spoken_to)
        line.does(SendText("Be brief.", "msg_1"))
        await server.wait_for("response.create")
        line.says(talks.quiet(line, 960))
        for _ in range(2):
            assert (await line.until(ReplyFinished)).status == "completed"
    assert server.violations == []


def test_every_recorded_message_is_one_that_qwen_takes() -> None:
    check_recordings("qwen", qwen_server.check, OMNI)


@pytest.mark.fault("P12")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("qwen")


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", recordings_of("qwen"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)


# -- address and settings -----------------------------------------------------------------------


def test_the_newest_models_answer_only_at_a_workspace() -> None:
    with pytest.raises(ConfigError, match="workspace") as caught:
        QwenDialect(Settings(NEW)).url()
    assert "maas.aliyuncs.com" in caught.value.hint
    own = "wss://w.cn-beijing.maas.aliyuncs.com/api-ws/v1/realtime"
    assert QwenDialect(Settings(NEW, url=own)).url() == f"{own}?model={NEW}"
    usual = QwenDialect(Settings(OMNI)).url()
    assert usual == f"wss://dashscope.aliyuncs.com/api-ws/v1/realtime?model={OMNI}"


@pytest.mark.parametrize("model", [OMNI, OLD, AUDIO])
def test_older_models_are_asked_flatly(model: str) -> None:
    asked = Call(model=model, voice="Tina", text_only=True).asked
    assert asked["input_audio_format"] == asked["output_audio_format"] == "pcm"
    assert (asked["voice"], asked["modalities"]) == ("Tina", ["text"])


def test_newer_models_are_asked_with_the_sound_nested() -> None:
    asked = Call(model=NEW, voice="longanlingxin", hands_free=True).asked
    assert asked["audio"]["output"] == {
        "format": {"type": "pcm", "sample_rate": 24_000},
        "voice": "longanlingxin",
    }
    assert "voice" not in asked and "input_audio_format" not in asked
    assert asked["turn_detection"]["type"] == "server_vad"
    assert asked["input_audio_transcription"] == {"model": "qwen3-asr-flash-realtime"}


@pytest.mark.parametrize(
    ("model", "word"),
    [(OMNI, "semantic_vad"), (OLD, "server_vad"), (NEW, "semantic_vad"), (AUDIO, "smart_turn")],
)
def test_turns_by_meaning_are_called_as_the_model_calls_them(model: str, word: str) -> None:
    asked = Call(model=model, hands_free=True, vad=Vad("semantic")).asked
    assert asked["turn_detection"]["type"] == word


@pytest.mark.parametrize(("silence_ms", "sent"), [(50, 200), (500, 500), (9000, 6000)])
def test_silence_stays_within_what_qwen_knows(silence_ms: int, sent: int) -> None:
    found = turn_detection(Vad(silence_ms=silence_ms), "semantic_vad")
    assert found["silence_duration_ms"] == sent


@pytest.mark.parametrize(
    ("chosen", "sent"),
    [
        ({}, {"model": "gummy-realtime-v1"}),
        ({"transcription_model": "none"}, None),
        ({"transcription_model": "x", "language": "zh"}, {"model": "x", "language": "zh"}),
        ({"model": AUDIO}, {}),
    ],
)
def test_how_the_users_words_are_written_down(chosen: dict[str, Any], sent: Any) -> None:
    assert Call(**chosen).asked["input_audio_transcription"] == sent


def test_rates_of_the_nested_style_are_read() -> None:
    call = Call(model=NEW)
    audio = {"input": {"format": {"type": "pcm", "sample_rate": 8000}}}
    call.says("session.updated", session={"audio": audio})
    assert (call.dialect.input_rate, call.dialect.output_rate) == (8000, 24_000)


# -- tools --------------------------------------------------------------------------------------


def test_tools_are_nested_and_a_model_without_them_is_not_told() -> None:
    asked = Call(tools=(TOOL,)).asked
    assert asked["tools"] == [
        {
            "type": "function",
            "function": {"name": "find", "description": "", "parameters": {"type": "object"}},
        }
    ]
    assert "tools" not in Call(model=OLD, tools=(TOOL,)).asked


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        ({"type": ["null", "integer"]}, {"type": "integer"}),
        ({"type": ["null"]}, {"type": "string"}),
        ({"anyOf": [{"type": "null"}, {"type": "string"}], "title": "T"}, {"type": "string"}),
        ({"oneOf": [{"type": "null"}]}, {"type": "null"}),
        ({"anyOf": "broken"}, {}),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"oneOf": [{"type": "number"}]}}, "required": ["b", "a"]},
                ]
            },
            {
                "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
                "required": ["a", "b"],
            },
        ),
        (
            {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
            {"type": "array", "items": {"type": "integer"}},
        ),
    ],
)
def test_schemas_lose_their_unions(schema: dict[str, Any], plain: dict[str, Any]) -> None:
    found = plain_schema(schema)
    assert {key: value for key, value in found.items() if key != "title"} == plain
    assert plain_schema(found) == found


def test_a_schema_without_end_is_cut() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        deep = {"type": "object", "properties": {"x": deep}}
    assert plain_schema(deep)["type"] == "object"


def test_a_long_answer_of_a_tool_is_cut() -> None:
    call = Call(tools=(TOOL,))
    item = {"type": "function_call", "id": "fc", "call_id": "call_1", "name": "find"}
    call.says("response.created", response={"id": "r"})
    events = call.says("response.output_item.done", response_id="r", item=item)
    assert only(ToolCalled, events)
    [sent] = call.does(SendToolResult("call_1", "find", "x" * 20_000))
    assert len(sent["item"]["output"]) == 8000


# -- pictures -----------------------------------------------------------------------------------


def test_a_picture_waits_for_sound() -> None:
    call = Call()
    assert call.does(talks.picture()) == []
    sent = call.does(BeginTurn(), SendAudio(bytes(6400)), SendAudio(bytes(640)))
    assert kinds(sent)[1:] == [
        "input_audio_buffer.append",
        "input_image_buffer.append",
        "input_audio_buffer.append",
    ]
    assert base64.b64decode(sent[2]["image"]) == JPEG


def test_a_picture_of_a_turn_that_is_dropped_is_shown_in_the_next() -> None:
    call = Call()
    call.does(talks.picture(), BeginTurn(), SendAudio(bytes(6400)))
    sent = call.does(BeginTurn(), SendAudio(bytes(6400)), EndTurn())
    assert kinds(sent).count("input_image_buffer.append") == 1
    call.says("input_audio_buffer.committed", item_id="item_1")
    again = call.does(BeginTurn(), SendAudio(bytes(6400)))
    assert "input_image_buffer.append" not in kinds(again)


def test_a_picture_with_words_is_carried_by_silence_that_is_no_turn() -> None:
    call = Call()
    sent = call.does(talks.picture("What is this?"))
    assert kinds(sent) == [
        "input_audio_buffer.append",
        "input_image_buffer.append",
        "input_audio_buffer.commit",
        "conversation.item.create",
        "response.create",
    ]
    assert set(base64.b64decode(sent[0]["audio"])) == {0}
    assert call.says("input_audio_buffer.committed", item_id="item_1") == []
    words = {"item_id": "item_1", "transcript": "Uh."}
    assert call.says("conversation.item.input_audio_transcription.completed", **words) == []
    assert only(TurnCommitted, call.says("input_audio_buffer.committed", item_id="item_2"))
    words = {"item_id": "item_2", "transcript": "Hello."}
    events = call.says("conversation.item.input_audio_transcription.completed", **words)
    assert only(InputTranscript, events)


def test_hands_free_a_picture_with_words_rides_on_the_sound() -> None:
    call = Call(hands_free=True)
    assert kinds(call.does(talks.picture("What is this?"))) == [
        "conversation.item.create",
        "response.create",
    ]
    assert kinds(call.does(SendAudio(bytes(640))))[1] == "input_image_buffer.append"


@pytest.mark.parametrize(
    ("model", "mime", "size"),
    [(OMNI, "image/png", 10), (OMNI, "image/jpeg", 500_001), (AUDIO, "image/jpeg", 10)],
)
def test_a_picture_it_does_not_take_is_told_and_its_words_are_asked(
    model: str, mime: str, size: int
) -> None:
    call = Call(model=model)
    sent = call.does(SendImage(bytes(size), mime, "msg_1", "What is this?"))
    assert kinds(sent) == ["conversation.item.create", "response.create"]
    [notice] = only(Notice, call.dialect.tick(call.now))
    assert notice.code == "no_pictures"
    assert kinds(call.does(BeginTurn(), SendAudio(bytes(640)))) == [
        "input_audio_buffer.clear",
        "input_audio_buffer.append",
    ]


# -- ends ---------------------------------------------------------------------------------------


def test_silence_is_a_quiet_end() -> None:
    reason = "session was closed because no response was generated for 60 seconds"
    error = Call().dialect.closed(1007, reason)
    assert isinstance(error, ServiceError)
    assert (error.retryable, error.retry_after_s) == (True, 0.0)


def test_a_crowd_is_waited_out() -> None:
    error = Call().dialect.closed(1011, "Throttling.RateQuota")
    assert error is not None and error.retry_after_s == 60.0


def test_other_closes_with_this_code_are_nothing_special() -> None:
    assert Call().dialect.closed(1007, "bad utf-8") is None


# -- the check itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "model", "param"),
    [
        ({"type": "conversation.item.truncate", "item_id": "i"}, OMNI, "type"),
        ({"type": "session.update", "session": {"audio": {}}}, OMNI, "session.audio"),
        ({"type": "session.update", "session": {"voice": "x"}}, NEW, "session.voice"),
        ({"type": "response.create", "response": {"metadata": {}}}, OMNI, "response.metadata"),
        ({"type": "input_image_buffer.append", "image": "AAAA"}, AUDIO, "type"),
        ({"type": "input_audio_buffer.append", "audio": "AA=="}, OMNI, "audio"),
        (
            {"type": "session.update", "session": {"turn_detection": {"type": "smart_turn"}}},
            OMNI,
            "session.turn_detection.type",
        ),
    ],
)
def test_what_qwen_does_not_take_is_refused(message: Any, model: str, param: str) -> None:
    with pytest.raises(Refused) as caught:
        qwen_server.check(message, model)
    assert caught.value.param == param
