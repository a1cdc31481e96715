"""xAI's ears and mouth."""

import pytest

from tests.cascade.saying import say, service_at
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import hear_pcm, tone
from voicechat.cascade.stt.stt import HttpEars
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors.xai import XaiSpeaker, XaiWriter
from voicechat.errors import RefusedError


async def test_turn_is_a_file_and_nothing_else(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        words = await HttpEars(XaiWriter(service)).transcribe(tone(1200), "zh")
    assert words == "heard 1.2 s at 440 Hz"
    assert list(speech_server.requests[0].form) == ["file"]
    assert speech_server.requests[0].path == "/v1/stt"


async def test_sentence_is_asked_for_as_samples_of_our_rate(
    speech_server: HttpSpeechServer,
) -> None:
    async with service_at(speech_server) as service:
        heard = hear_pcm(await say(HttpMouth(XaiSpeaker(service)), "Hello there.", speed=4.0))
    assert (round(heard.hertz, -1), round(heard.seconds, 2)) == (660, 0.48)
    assert speech_server.requests[0].path == "/v1/tts"
    assert speech_server.requests[0].json == {
        "text": "Hello there.",
        "voice_id": "eve",
        "language": "auto",
        "output_format": {"codec": "pcm", "sample_rate": 24000},
        "speed": 1.5,
    }


async def test_voice_and_language_are_the_users_where_the_service_has_them(
    speech_server: HttpSpeechServer,
) -> None:
    async with service_at(speech_server) as service:
        mouth = HttpMouth(XaiSpeaker(service, "de"))
        for voice in ("Leo", "marin"):
            await say(mouth, voice=voice)
    sent = [request.json for request in speech_server.requests]
    assert [body["voice_id"] for body in sent] == ["leo", "eve"]
    assert {body["language"] for body in sent} == {"de"}


async def test_voice_that_does_not_exist_is_a_refusal(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        with pytest.raises(RefusedError):
            await say(HttpMouth(XaiSpeaker(service), "nobody"))
