"""What every mouth over HTTP does with a sentence, whoever the vendor is."""

import pytest

from tests.cascade.saying import say, service_at
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import MS_PER_CHARACTER
from voicechat.cascade.audio import ms_of
from voicechat.cascade.tts.tts import HttpMouth, NoMouth, speakable
from voicechat.cascade.vendors.glm import GlmSpeaker
from voicechat.cascade.vendors.openai import OpenAISpeaker
from voicechat.errors import ServiceError


@pytest.mark.parametrize("text", ["", "***", "\n---\n", "!?", "```"])
async def test_what_nobody_can_say_is_not_sent(speech_server: HttpSpeechServer, text: str) -> None:
    async with service_at(speech_server) as service:
        assert await say(HttpMouth(OpenAISpeaker(service, "tts-1")), text) == b""
    assert speech_server.requests == []


async def test_marks_of_markdown_are_not_sent(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        await say(HttpMouth(OpenAISpeaker(service, "tts-1")), "**Hello** there.")
    assert speech_server.requests[0].json["input"] == "Hello there."


async def test_text_longer_than_the_service_takes_is_asked_for_in_pieces(
    speech_server: HttpSpeechServer,
) -> None:
    text = "Eleven words make a sentence that goes on and on. " * 30
    async with service_at(speech_server) as service:
        sound = await say(HttpMouth(GlmSpeaker(service, "glm-tts")), text)
    sent = [request.json["input"] for request in speech_server.requests]
    assert len(sent) == 2 and " ".join(sent) == text.strip()
    assert all(len(words) <= 1024 and words.endswith("on.") for words in sent)
    assert ms_of(len(sound)) == sum(len(words) * MS_PER_CHARACTER for words in sent)


async def test_voice_of_the_options_goes_before_the_session_s(
    speech_server: HttpSpeechServer,
) -> None:
    async with service_at(speech_server) as service:
        speaker = OpenAISpeaker(service, "tts-1")
        await say(HttpMouth(speaker, "nova"), voice="ash")
        await say(HttpMouth(speaker), voice="ash")
        await say(HttpMouth(speaker), voice="default")
    voices = [request.json["voice"] for request in speech_server.requests]
    assert voices == ["nova", "ash", "alloy"]


async def test_speed_is_kept_within_what_the_service_takes(speech_server: HttpSpeechServer) -> None:
    async with service_at(speech_server) as service:
        mouth = HttpMouth(GlmSpeaker(service, "glm-tts"))
        for speed in (0.25, 1.0, 3.0):
            await say(mouth, speed=speed)
    assert [request.json["speed"] for request in speech_server.requests] == [0.5, 1.0, 2.0]


async def test_answer_without_any_sound_is_an_error(speech_server: HttpSpeechServer) -> None:
    speech_server.silent = True
    async with service_at(speech_server) as service:
        with pytest.raises(ServiceError, match="made no sound"):
            await say(HttpMouth(OpenAISpeaker(service, "tts-1")))


async def test_nobody_says_nothing() -> None:
    assert not NoMouth().speaks and await say(NoMouth()) == b""


def test_marks_are_not_spoken() -> None:
    assert speakable("# **Set** `OPENAI_API_KEY` [now](https://x.org)") == (
        "Set OPENAI API KEY now (x.org)"
    )
