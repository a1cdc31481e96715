"""StepFun: flat, a voice that must be chosen, words unasked, thoughts that say nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import stepfun_server
from tests.fakes.ga_check import Refused
from tests.fakes.stepfun_server import StepfunServer
from tests.providers.family_checks import check_recordings, hold_all_talks
from tests.providers.openai.call import only
from tests.providers.openai.noise import break_conversations, drop_every_field, recordings_of
from tests.providers.wire import sent
from voicechat.events import Heard, Interrupt, Tool, TurnCommitted
from voicechat.providers.base import Settings, Vad
from voicechat.providers.stepfun import StepfunDialect

MODEL = "stepaudio-2.5-realtime"


def opened(**chosen: Any) -> tuple[StepfunDialect, dict[str, Any]]:
    """A dialect that is ready, and what it asked for."""
    chosen = {"model": MODEL, **chosen}
    dialect = StepfunDialect(Settings(**chosen))
    dialect.open(0.0)
    dialect.receive('{"type":"session.created","session":{"id":"s"}}', 0.1)
    [asked] = sent(dialect)
    stepfun_server.check(asked, chosen["model"])
    dialect.receive('{"type":"session.updated","session":{"id":"s"}}', 0.2)
    return dialect, asked["session"]


async def test_all_talks_are_held() -> None:
    await hold_all_talks(StepfunServer, "stepfun")


def test_every_recorded_message_is_one_that_stepfun_takes() -> None:
    check_recordings("stepfun", stepfun_server.check, MODEL)


@pytest.mark.fault("P12")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("stepfun")


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", recordings_of("stepfun"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)


@pytest.mark.parametrize(
    ("model", "voice"),
    [
        (MODEL, "linjiajiejie"),
        ("step-1o-audio", "linjiajiejie"),
        ("step-audio-2", "qingchunshaonv"),
        ("step-audio-2-mini", "qingchunshaonv"),
    ],
)
def test_there_is_always_a_voice(model: str, voice: str) -> None:
    assert opened(model=model)[1]["voice"] == voice
    assert opened(model=MODEL, voice="cixingnansheng")[1]["voice"] == "cixingnansheng"


def test_a_refused_voice_is_given_up() -> None:
    dialect = StepfunDialect(Settings(MODEL, voice="nobody"))
    dialect.open(0.0)
    dialect.receive('{"type":"session.created","session":{}}', 0.1)
    dialect.data_to_send()
    error = {"code": "invalid_value", "message": "no such voice", "param": "session.voice"}
    dialect.receive(json.dumps({"type": "error", "error": error}), 0.2)
    [asked] = sent(dialect)
    assert "voice" not in asked["session"]


@pytest.mark.parametrize(
    ("voice", "words"), [("wenrounansheng", "男声"), ("", "女声"), ("mine", "")]
)
def test_the_mini_model_is_told_its_voice_in_words(voice: str, words: str) -> None:
    dialect = StepfunDialect(Settings("step-audio-2-mini", voice=voice))
    dialect.open(0.0)
    dialect.receive('{"type":"session.created","session":{}}', 0.1)
    [asked] = sent(dialect)
    said = asked["session"].get("instructions", "")
    assert words in said and bool(said) == bool(words)


@pytest.mark.parametrize(("threshold", "energy"), [(0.0, 0), (0.5, 2500), (1.0, 5000)])
def test_loudness_is_an_energy(threshold: float, energy: int) -> None:
    _, asked = opened(hands_free=True, vad=Vad(threshold=threshold))
    assert asked["turn_detection"]["energy_awakeness_threshold"] == energy


def test_words_of_the_user_are_written_down_unasked() -> None:
    dialect, asked = opened()
    assert "input_audio_transcription" not in asked
    events = dialect.receive('{"type":"input_audio_buffer.committed","item_id":"i"}', 1.0)
    assert events == [TurnCommitted("i", transcribed=True)]
    _, asked = opened(transcription_model="step-asr")
    assert asked["input_audio_transcription"] == {"model": "step-asr"}


def test_tools_are_nested() -> None:
    _, asked = opened(tools=(Tool("find", "Find it.", {"type": "object"}),))
    assert asked["tools"][0]["function"]["name"] == "find"


def test_nothing_is_truncated_but_the_reply_is_cancelled_by_hand() -> None:
    dialect, _ = opened(hands_free=True)
    dialect.receive('{"type":"response.created","response":{"id":"r"}}', 1.0)
    delta = {"type": "response.audio.delta", "response_id": "r", "item_id": "i", "delta": "AAAA"}
    dialect.receive(json.dumps(delta), 1.1)
    dialect.send(Interrupt((Heard("i", 1, 2),), by_server=True), 1.2)
    assert [json.loads(m.text)["type"] for m in dialect.data_to_send()] == ["response.cancel"]


@pytest.mark.fault("P29")
def test_thoughts_say_nothing() -> None:
    dialect, _ = opened()
    for kind in ("response.thinking.delta", "response.thinking.done"):
        assert only(object, dialect.receive(json.dumps({"type": kind, "delta": "Hm."}), 1.0)) == []


def test_a_bad_key_names_the_other_region() -> None:
    error = StepfunDialect(Settings(MODEL)).closed(3000, "invalid_api_key")
    assert "stepfun.ai" in str(error) and "STEPFUN_API_KEY" in str(error)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"type": "conversation.item.truncate", "item_id": "i"}, "type"),
        ({"type": "session.update", "session": {"modalities": ["text"]}}, "session.modalities"),
        (
            {"type": "session.update", "session": {"modalities": ["text", "audio"]}},
            "session.voice",
        ),
        ({"type": "session.update", "session": {"output_audio_format": "pcm"}}, None),
        ({"type": "input_image_buffer.append", "image": "AAAA"}, "type"),
    ],
)
def test_what_stepfun_does_not_take_is_refused(message: Any, param: str | None) -> None:
    with pytest.raises(Refused) as caught:
        stepfun_server.check(message)
    assert param in (None, caught.value.param)
