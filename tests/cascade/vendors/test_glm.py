"""GLM's ears and mouth: half a minute at most, and sound in server-sent events."""

import asyncio
import contextlib

import pytest

from tests.cascade.peer import silence
from tests.cascade.saying import say, service_at
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import hear_pcm, tone
from voicechat.cascade.stt.stt import HttpEars
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors.glm import GlmSpeaker, GlmWriter
from voicechat.errors import RefusedError, ServiceError


async def test_turn_longer_than_half_a_minute_is_written_down_in_two_pieces(
    speech_server: HttpSpeechServer,
) -> None:
    turn = tone(20_000) + silence(600) + tone(15_000, 330)
    async with service_at(speech_server) as service:
        words = await HttpEars(GlmWriter(service, "glm-asr-2512")).transcribe(turn, "zh")
    assert words == "heard 20.0 s at 440 Hz heard 15.0 s at 330 Hz"
    first, second = (request.form for request in speech_server.requests)
    assert first["model"] == b"glm-asr-2512" and "prompt" not in first
    assert second["prompt"] == b"heard 20.0 s at 440 Hz"


async def test_server_refuses_what_is_too_long_for_it(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        writer = GlmWriter(service, "glm-asr-2512")
        writer.longest_ms = 60_000
        with pytest.raises(RefusedError):
            await HttpEars(writer).transcribe(tone(31_000), "")


@pytest.mark.parametrize("rate", [24_000, 16_000, 44_100])
async def test_sound_is_played_at_the_rate_that_stands_beside_it(
    speech_server: HttpSpeechServer, rate: int
) -> None:
    speech_server.glm_rate = rate
    async with service_at(speech_server) as service:
        heard = hear_pcm(
            await say(HttpMouth(GlmSpeaker(service, "glm-tts")), "你好，今天天气很好。")
        )
    assert (round(heard.hertz, -1), round(heard.seconds, 2)) == (550, 0.6)
    assert speech_server.requests[0].json == {
        "model": "glm-tts",
        "input": "你好，今天天气很好。",
        "voice": "tongtong",
        "response_format": "pcm",
        "encode_format": "base64",
        "stream": True,
        "speed": 1.0,
    }


async def test_voices_of_the_realtime_service_are_not_sent_to_this_one(
    speech_server: HttpSpeechServer,
) -> None:
    async with service_at(speech_server) as service:
        mouth = HttpMouth(GlmSpeaker(service, "glm-tts"))
        for voice in ("female-tianmei", "xiaochen", "marin"):
            assert await say(mouth, voice=voice)
    voices = [request.json["voice"] for request in speech_server.requests]
    assert voices == ["tongtong", "xiaochen", "tongtong"]


async def test_first_sound_comes_before_the_rest_and_a_cut_aborts_the_request(
    speech_server: HttpSpeechServer,
) -> None:
    speech_server.pause_before = 1
    async with service_at(speech_server) as service:
        speaking = HttpMouth(GlmSpeaker(service, "glm-tts")).speak(
            "A sentence that lasts.", voice="", speed=1.0
        )
        async with contextlib.aclosing(speaking):
            assert await anext(speaking)
        assert await asyncio.to_thread(speech_server.requests[0].hung_up.wait, 20)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('data: {"error": {"code": "1302", "message": "busy"}}\n\n', ServiceError),
        ('data: {"error": {"code": "1113", "message": "no money"}}\n\n', RefusedError),
        ('data: {"choices": [{"delta": {"content": "***"}}]}\n\n', ServiceError),
        (
            'data: {"choices": [{"delta": {"content": "AAAA", "return_sample_rate": 7}}]}\n\n',
            ServiceError,
        ),
        ("data: [DONE]\n\n", ServiceError),
        ("nonsense", ServiceError),
    ],
)
async def test_trouble_inside_a_good_answer_is_told(
    speech_server: HttpSpeechServer, body: str, kind: type[Exception]
) -> None:
    speech_server.fail_next(200, body, {"Content-Type": "text/event-stream"}, times=2)
    async with service_at(speech_server) as service:
        with pytest.raises(kind):
            await say(HttpMouth(GlmSpeaker(service, "glm-tts")))


async def test_wrong_key_is_a_refusal(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server, key="other") as service:
        with pytest.raises(RefusedError):
            await say(HttpMouth(GlmSpeaker(service, "glm-tts")))
