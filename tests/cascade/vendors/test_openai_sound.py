"""Speech by a chat model that reads aloud: what goes over the wire, and what comes back."""

import pytest

from tests.cascade.saying import say
from tests.fakes.http_chat import HttpChatServer, Script
from tests.fakes.http_chat_answers import PITCH
from tests.fakes.http_speech_vendors import hear_pcm
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors import speech_services
from voicechat.cascade.vendors.openai_sound import ReadAloudSpeaker
from voicechat.errors import RefusedError, ServiceError


async def spoken(server: HttpChatServer, model: str = "gpt-audio-1.5", voice: str = "") -> bytes:
    service = HttpService(server.url, server.key)
    try:
        return await say(HttpMouth(ReadAloudSpeaker(service, model)), "Hello there.", voice=voice)
    finally:
        await service.close()


async def test_the_words_are_the_models_only_task_and_come_back_as_sound() -> None:
    with HttpChatServer() as server:
        server.script = Script(["Hello there."])
        heard = hear_pcm(await spoken(server, voice="cedar"))
        (request,) = server.requests
    assert abs(heard.hertz - PITCH["openai"]) < 15 and heard.loud_s > 0.1
    body = request.json
    assert (body["model"], body["modalities"]) == ("gpt-audio-1.5", ["text", "audio"])
    assert body["audio"] == {"voice": "cedar", "format": "pcm16"} and body["stream"] is True
    task, words = body["messages"]
    assert (task["role"], words) == ("system", {"role": "user", "content": "Hello there."})
    assert "word for word" in task["content"]


async def test_without_a_model_or_a_voice_it_has_its_own() -> None:
    with HttpChatServer() as server:
        await spoken(server, model="")
        (request,) = server.requests
    assert (request.json["model"], request.json["audio"]["voice"]) == ("gpt-audio-1.5", "marin")


async def test_a_refusal_is_told_as_one() -> None:
    refused = pytest.raises((RefusedError, ServiceError), match="no-such-model")
    with HttpChatServer() as server, refused:
        await spoken(server, model="no-such-model")


def test_it_is_one_of_the_kinds_of_speech() -> None:
    assert speech_services("openai_sound") is not None
