"""Gemini's ears and mouth: a model that listens, and one that speaks."""

from typing import Any

import pytest
from google.genai import types

from tests.cascade.saying import gemini_at, say
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import hear_pcm, tone
from voicechat.cascade.stt.stt import HttpEars
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors.gemini import GeminiSpeaker, GeminiWriter
from voicechat.errors import RefusedError, ServiceError

_TTS = "gemini-3.8-flash-lite-tts"


def _check(body: dict[str, Any]) -> None:
    """The official types take these fields; they allow no others."""
    for content in [*body["contents"], *filter(None, [body.get("systemInstruction")])]:
        types.Content.model_validate(content)
    settings = dict(body["generationConfig"])
    if wanted := settings.pop("responseFormat", None):
        # The package has a list of these, and says itself that this service does not take it.
        types.ResponseFormat.model_validate(wanted)
    types.GenerationConfig.model_validate(settings)
    assert set(body) <= {"contents", "systemInstruction", "generationConfig"}


async def test_turn_is_a_recording_with_an_order_to_write_it_down(
    speech_server: HttpSpeechServer,
) -> None:
    async with gemini_at(speech_server) as service:
        ears = HttpEars(GeminiWriter(service, "models/gemini-3.5-flash-lite"))
        assert await ears.transcribe(tone(1200), "de") == "heard 1.2 s at 440 Hz"
    (request,) = speech_server.requests
    _check(request.json)
    assert request.path == ("/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse")
    assert "probably de" in request.json["systemInstruction"]["parts"][0]["text"]
    assert "authorization" not in request.headers


async def test_sentence_becomes_sound(speech_server: HttpSpeechServer) -> None:
    async with gemini_at(speech_server) as service:
        heard = hear_pcm(await say(HttpMouth(GeminiSpeaker(service, _TTS)), "Hello there."))
    assert (round(heard.hertz, -1), round(heard.seconds, 2)) == (770, 0.72)
    body = speech_server.requests[0].json
    _check(body)
    voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hello there."}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": voice,
            "responseFormat": {"audio": {"mimeType": "AUDIO_L16"}},
        },
    }


@pytest.mark.parametrize(
    ("model", "knows"),
    [
        ("gemini-2.5-flash-preview-tts", False),
        ("gemini-3.1-flash-tts-preview", False),
        ("gemini-3.8-flash-tts", True),
        ("gemini-3.10-flash-tts", True),
        ("gemini-4.0-flash-tts", True),
    ],
)
async def test_older_models_are_not_asked_for_a_format(
    speech_server: HttpSpeechServer, model: str, knows: bool
) -> None:
    speech_server.fail_next(503, times=2)
    async with gemini_at(speech_server) as service:
        with pytest.raises(ServiceError):
            await say(HttpMouth(GeminiSpeaker(service, model)))
    settings = speech_server.requests[0].json["generationConfig"]
    assert ("responseFormat" in settings) is knows


async def test_format_that_is_refused_is_not_asked_for_again(
    speech_server: HttpSpeechServer,
) -> None:
    message = 'Invalid JSON payload received. Unknown name \\"responseFormat\\": Cannot find field.'
    speech_server.fail_next(400, f'{{"error": {{"code": 400, "message": "{message}"}}}}')
    async with gemini_at(speech_server) as service:
        mouth = HttpMouth(GeminiSpeaker(service, _TTS))
        assert await say(mouth) and await say(mouth)
    asked = ["responseFormat" in one.json["generationConfig"] for one in speech_server.requests]
    assert asked == [True, False, False]


async def test_rate_of_the_sound_is_read(speech_server: HttpSpeechServer) -> None:
    part = '{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=48000", "data": "%s"}}'
    event = '{"candidates": [{"content": {"parts": [' + part % ("AAAA" * 1600) + "]}}]}"
    speech_server.fail_next(200, f"data: {event}\n\n", {"Content-Type": "text/event-stream"})
    async with gemini_at(speech_server) as service:
        sound = await say(HttpMouth(GeminiSpeaker(service, _TTS)))
    assert len(sound) == 2400


async def test_voices_of_others_become_its_own(speech_server: HttpSpeechServer) -> None:
    async with gemini_at(speech_server) as service:
        mouth = HttpMouth(GeminiSpeaker(service, _TTS))
        for voice in ("Puck", "marin"):
            await say(mouth, voice=voice)
    voices = [
        request.json["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
        for request in speech_server.requests
    ]
    assert voices == [{"voiceName": "Puck"}, {"voiceName": "Kore"}]


@pytest.mark.parametrize(
    "event",
    [
        '{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}',
        '{"candidates": [{"finishReason": "OTHER"}]}',
        '{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}',
        '{"candidates": [{"content": {"parts": [{"text": "I cannot speak."}]}}]}',
        '{"candidates": [7], "usageMetadata": []}',
    ],
)
async def test_answer_without_sound_is_the_services_fault(
    speech_server: HttpSpeechServer, event: str
) -> None:
    kind = {"Content-Type": "text/event-stream"}
    speech_server.fail_next(200, f"data: {event}\n\n", kind, times=2)
    async with gemini_at(speech_server) as service:
        with pytest.raises(ServiceError):
            await say(HttpMouth(GeminiSpeaker(service, _TTS)))


async def test_wrong_key_is_a_refusal(speech_server: HttpSpeechServer) -> None:
    async with gemini_at(speech_server, key="other-hidden") as service:
        with pytest.raises(RefusedError) as caught:
            await HttpEars(GeminiWriter(service, "gemini-3.5-flash-lite")).transcribe(tone(500), "")
    assert "hidden" not in str(caught.value)
