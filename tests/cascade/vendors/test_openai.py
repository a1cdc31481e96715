"""OpenAI's ears and mouth: what goes over the wire, and what comes back."""

import asyncio
import contextlib
from typing import Any, get_type_hints

import pytest
from openai.types.audio.speech_create_params import SpeechCreateParams
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsNonStreaming
from pydantic import TypeAdapter

from tests.cascade.saying import say, service_at
from tests.cascade.vendor import Vendor
from tests.fakes.http_speech import HttpSpeechServer, Request
from tests.fakes.http_speech_vendors import hear_pcm, tone
from tests.fakes.proxies import microsocks
from voicechat.cascade.audio import wav
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.stt.stt import HttpEars
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors.openai import OpenAISpeaker, OpenAIWriter
from voicechat.errors import RefusedError, ServiceError


def _check(params: Any, value: dict[str, Any]) -> None:
    """The official types of the request take these fields with these values."""
    kinds = get_type_hints(params)
    assert set(value) <= set(kinds)
    for name, entry in value.items():
        TypeAdapter(kinds[name]).validate_python(entry)


async def test_turn_is_uploaded_as_a_wav_file_and_comes_back_as_words(
    speech_server: HttpSpeechServer,
) -> None:
    async with service_at(speech_server) as service:
        ears = HttpEars(OpenAIWriter(service, "gpt-4o-transcribe"))
        assert await ears.transcribe(tone(1200), "en") == "heard 1.2 s at 440 Hz"
    form = speech_server.requests[0].form
    words = {name: value.decode() for name, value in form.items() if name != "file"}
    assert words == {"model": "gpt-4o-transcribe", "response_format": "json", "language": "en"}
    _check(TranscriptionCreateParamsNonStreaming, words)


async def test_no_language_is_named_where_none_is_known(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        await HttpEars(OpenAIWriter(service, "whisper-1")).transcribe(tone(500), "")
    assert "language" not in speech_server.requests[0].form


async def test_sentence_is_asked_for_as_bare_samples(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        sound = await say(HttpMouth(OpenAISpeaker(service, "tts-1")), "Hello there.", speed=1.5)
    heard = hear_pcm(sound)
    assert (round(heard.hertz, -1), round(heard.seconds, 2)) == (440, 0.48)
    body = speech_server.requests[0].json
    _check(SpeechCreateParams, body)
    assert body == {
        "model": "tts-1",
        "input": "Hello there.",
        "voice": "alloy",
        "response_format": "pcm",
        "speed": 1.5,
    }


async def test_first_sound_comes_before_the_service_has_made_the_rest(
    speech_server: HttpSpeechServer,
) -> None:
    speech_server.pause_before = 1
    async with service_at(speech_server) as service:
        speaking = HttpMouth(OpenAISpeaker(service, "tts-1")).speak(
            "A sentence that lasts.", voice="", speed=1.0
        )
        async with contextlib.aclosing(speaking):
            assert await anext(speaking)
            assert not speech_server.go_on.is_set()


async def test_request_is_aborted_when_nobody_listens_any_more(
    speech_server: HttpSpeechServer,
) -> None:
    speech_server.pause_before = 1
    async with service_at(speech_server) as service:
        mouth = HttpMouth(OpenAISpeaker(service, "tts-1"))
        speaking = asyncio.ensure_future(say(mouth, "A sentence that lasts."))
        while not speech_server.requests:
            await asyncio.sleep(0.01)
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
        assert await _has_hung_up(speech_server.requests[0])


async def _has_hung_up(request: Request) -> bool:
    return await asyncio.to_thread(request.hung_up.wait, 20)


async def test_wav_is_understood_where_samples_were_asked_for(vendor: Vendor) -> None:
    vendor.sound = wav(tone(500))
    service = HttpService(vendor.url)
    assert await say(HttpMouth(OpenAISpeaker(service, "mine"))) == tone(500)
    await service.close()


@pytest.mark.parametrize("sound", [b"ID3\x04abcdef", b"\xff\xfb\x90\x64abc", b"OggS\0\0"])
async def test_encoded_sound_is_refused_rather_than_played_as_noise(
    vendor: Vendor, sound: bytes
) -> None:
    vendor.sound = sound
    service = HttpService(vendor.url)
    with pytest.raises(ServiceError, match="no 16-bit mono sound"):
        await say(HttpMouth(OpenAISpeaker(service, "mine")))
    await service.close()


async def test_wrong_key_and_unknown_voice_are_refusals(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server, key="sk-other-hidden") as service:
        with pytest.raises(RefusedError) as caught:
            await say(HttpMouth(OpenAISpeaker(service, "tts-1")))
        with pytest.raises(RefusedError):
            await HttpEars(OpenAIWriter(service, "whisper-1")).transcribe(tone(500), "")
        assert "hidden" not in str(caught.value)
    async with service_at(speech_server) as service:
        with pytest.raises(RefusedError):
            await say(HttpMouth(OpenAISpeaker(service, "tts-1"), "tongtong"))


async def test_answer_without_words_is_the_services_fault(speech_server: HttpSpeechServer) -> None:
    speech_server.fail_next(200, '{"texts": []}', times=2)
    async with service_at(speech_server) as service:
        with pytest.raises(ServiceError, match="sent no words"):
            await HttpEars(OpenAIWriter(service, "whisper-1")).transcribe(tone(500), "")


async def test_ears_and_mouth_go_through_a_socks_proxy() -> None:
    with HttpSpeechServer(key="") as server, microsocks() as proxy:
        # The one address of this machine that is not known as its own; so no key is sent.
        service = HttpService(f"http://0.0.0.0:{server.port}/v1", "", proxy.url)
        sound = await say(HttpMouth(OpenAISpeaker(service, "tts-1")))
        words = await HttpEars(OpenAIWriter(service, "whisper-1")).transcribe(sound, "")
        await service.close()
        proxy.wait_for("0.0.0.0")
    assert words == "heard 0.7 s at 440 Hz"
