"""A moment's trouble costs nobody a sentence; what will not get better is not asked twice."""

import asyncio

import pytest

from tests.cascade.saying import say, service_at
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import tone
from voicechat.cascade.http.retry import before_second_try
from voicechat.cascade.stt.stt import HttpEars
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors.openai import OpenAISpeaker, OpenAIWriter
from voicechat.errors import LinkError, RefusedError, ServiceError, VoiceChatError


async def test_turn_is_sent_again_after_a_moments_trouble(speech_server: HttpSpeechServer) -> None:
    speech_server.fail_next(503)
    async with service_at(speech_server) as service:
        words = await HttpEars(OpenAIWriter(service, "whisper-1")).transcribe(tone(700), "")
    assert words == "heard 0.7 s at 440 Hz"
    first, second = speech_server.requests
    assert first.form == second.form


async def test_sentence_is_asked_for_again_after_a_moments_trouble(
    speech_server: HttpSpeechServer,
) -> None:
    speech_server.fail_next(429, headers={"Retry-After": "1"})
    async with service_at(speech_server) as service:
        assert await say(HttpMouth(OpenAISpeaker(service, "tts-1")))
    assert len(speech_server.requests) == 2


async def test_second_failure_is_the_last(speech_server: HttpSpeechServer) -> None:
    speech_server.fail_next(503, times=9)
    async with service_at(speech_server) as service:
        with pytest.raises(ServiceError):
            await HttpEars(OpenAIWriter(service, "whisper-1")).transcribe(tone(700), "")
        with pytest.raises(ServiceError):
            await say(HttpMouth(OpenAISpeaker(service, "tts-1")))
    assert len(speech_server.requests) == 4


async def test_sentence_is_not_begun_again_once_it_was_heard(
    speech_server: HttpSpeechServer,
) -> None:
    speech_server.break_at = 2
    async with service_at(speech_server) as service:
        with pytest.raises(LinkError):
            await say(HttpMouth(OpenAISpeaker(service, "tts-1")), "A sentence that lasts.")
    assert len(speech_server.requests) == 1


@pytest.mark.parametrize(
    ("error", "ago_s"),
    [
        (RefusedError("no such voice"), 0.0),
        (ServiceError("busy", retry_after_s=20.0), 0.0),
        (LinkError("took long"), 12.0),
    ],
)
async def test_what_will_not_help_is_not_tried(error: VoiceChatError, ago_s: float) -> None:
    with pytest.raises(type(error)) as caught:
        await before_second_try(error, asyncio.get_running_loop().time() - ago_s)
    assert caught.value is error
