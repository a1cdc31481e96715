"""The whole built-in model with a vendor's ears and mouth: speech in, words, speech out."""

import asyncio
import json
from dataclasses import replace

import pytest

from tests.cascade.peer import Event, Peer, meet, silence, sound_of, words_of
from tests.cascade.vendor import Vendor
from tests.fakes.http_chat import HttpChatServer
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import MS_PER_CHARACTER, PITCH, hear_pcm, tone
from voicechat.cascade.audio import ms_of
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import running
from voicechat.events import ProviderFailed
from voicechat.providers.base import Settings
from voicechat.providers.local import DIALECT

_MODELS = {
    "openai": ("whisper-1", "tts-1"),
    "glm": ("glm-asr-2512", "glm-tts"),
    "gemini": ("gemini-3.5-flash-lite", "gemini-3.8-flash-lite-tts"),
    "xai": ("stt", "tts"),
}
_ANSWER = ("Good morning.", "How are you?")


def _options(server: HttpSpeechServer, vendor: Vendor, kind: str = "openai") -> LocalOptions:
    url = server.gemini_url if kind == "gemini" else server.url
    ears_model, mouth_model = _MODELS[kind]
    return LocalOptions(
        mind=vendor.url,
        mind_model="tiny-chat",
        ears=url,
        ears_kind=kind,
        ears_model=ears_model,
        ears_key=server.key,
        mouth=url,
        mouth_kind=kind,
        mouth_model=mouth_model,
        mouth_key=server.key,
        headers=json.dumps({"X-Team": "seven"}),
    )


async def _push_to_talk(peer: Peer) -> None:
    await peer.update(audio={"input": {"transcription": {"model": "any"}, "turn_detection": None}})


def _transcripts(events: list[Event]) -> list[str]:
    kind = "conversation.item.input_audio_transcription.completed"
    return [event["transcript"] for event in events if event["type"] == kind]


@pytest.mark.parametrize("kind", list(_MODELS))
async def test_speech_goes_in_and_comes_out_by_every_kind_of_service(
    speech_server: HttpSpeechServer, vendor: Vendor, kind: str
) -> None:
    options = _options(speech_server, vendor, kind)
    async with running(options) as endpoint, meet(endpoint) as peer:
        await _push_to_talk(peer)
        events = await peer.speak(silence(500) + tone(1200, 300) + silence(500))
    assert _transcripts(events) == ["heard 1.2 s at 300 Hz"]
    assert vendor.asked[-1].json()["messages"][-1]["content"] == "heard 1.2 s at 300 Hz"
    assert words_of(events) == " ".join(_ANSWER)
    assert events[-1]["response"]["status"] == "completed"
    heard = hear_pcm(sound_of(events))
    assert abs(heard.hertz - PITCH[kind]) < 10
    assert abs(heard.seconds * 1000 - MS_PER_CHARACTER * sum(map(len, _ANSWER))) < 5
    # They are for the host of the mind, which is another one.
    assert not any("x-team" in request.headers for request in speech_server.requests)


@pytest.mark.parametrize("mouth", ["service", "espeak-ng"])
async def test_what_ears_and_mouth_are_paid_for_is_counted_beside_the_minds_own_count(
    speech_server: HttpSpeechServer, vendor: Vendor, mouth: str
) -> None:
    options = _options(speech_server, vendor)
    if mouth != "service":
        options = replace(options, mouth=mouth, mouth_model="")
    with HttpChatServer(key="") as mind:
        async with (
            running(replace(options, mind=mind.url, mind_model="chat-1")) as endpoint,
            meet(endpoint) as peer,
        ):
            await _push_to_talk(peer)
            spoken = (await peer.speak(tone(1200, 300) + silence(300)))[-1]["response"]["usage"]
            events = await peer.type("Good.")
            typed = events[-1]["response"]["usage"]
            silent = (await peer.type("Well.", output_modalities=["text"]))[-1]["response"]["usage"]
    sound = -(-ms_of(len(sound_of(events))) // 50) if mouth == "service" else 0
    assert spoken["input_token_details"]["audio_tokens"] == 15
    assert typed["input_token_details"]["audio_tokens"] == 0
    assert typed["output_token_details"]["audio_tokens"] == sound
    assert typed["output_tokens"] == silent["output_tokens"] + sound
    assert silent["output_token_details"]["audio_tokens"] == 0


async def test_turn_in_which_nobody_speaks_is_sent_to_nobody(
    speech_server: HttpSpeechServer, vendor: Vendor
) -> None:
    async with running(_options(speech_server, vendor)) as endpoint, meet(endpoint) as peer:
        await _push_to_talk(peer)
        await peer.append(silence(2000))
        await peer.send("input_audio_buffer.commit")
        events = await peer.until("conversation.item.input_audio_transcription.completed")
    assert _transcripts(events) == [""] and speech_server.requests == []


async def test_next_sentence_is_asked_for_while_one_is_still_being_given(
    speech_server: HttpSpeechServer, vendor: Vendor
) -> None:
    speech_server.pause_before = 1
    async with running(_options(speech_server, vendor)) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("Talk.")
        await peer.until("response.output_audio.delta")
        async with asyncio.timeout(20):
            while len(speech_server.requests) < 2:
                await asyncio.sleep(0.01)
        speech_server.go_on.set()
        events = await peer.until("response.done")
    assert {request.json["input"] for request in speech_server.requests} == set(_ANSWER)
    assert events[-1]["response"]["status"] == "completed"


async def test_cancelled_reply_aborts_the_speech_that_is_being_made(
    speech_server: HttpSpeechServer, vendor: Vendor
) -> None:
    speech_server.pause_before = 2
    async with running(_options(speech_server, vendor)) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("Talk.")
        await peer.until("response.output_audio.delta")
        await peer.send("response.cancel")
        await peer.until("response.done")
        assert await asyncio.to_thread(speech_server.requests[0].hung_up.wait, 20)


async def test_sentence_of_a_failing_service_is_spoken_by_a_program(
    speech_server: HttpSpeechServer, vendor: Vendor
) -> None:
    speech_server.fail_next(503, times=9)
    async with running(_options(speech_server, vendor)) as endpoint, meet(endpoint) as peer:
        events = await peer.type("Hello.")
    assert events[-1]["response"]["status"] == "completed"
    assert words_of(events) == " ".join(_ANSWER)
    (told,) = [event for event in events if event["type"] == "error"]
    dialect = DIALECT(Settings(model="local", url=endpoint.url))
    dialect.open(0.0)
    (shown,) = dialect.receive(json.dumps(told), 0.0)
    assert isinstance(shown, ProviderFailed) and not shown.fatal
    assert "a program of this machine speaks for now" in shown.message
    heard = hear_pcm(sound_of(events))
    assert ms_of(len(sound_of(events))) > 800 and abs(heard.hertz - PITCH["openai"]) > 20


async def test_refused_key_of_the_mouth_fails_the_reply_without_showing_it(
    speech_server: HttpSpeechServer, vendor: Vendor
) -> None:
    options = _options(speech_server, vendor)
    speech_server.key = "sk-another"
    async with running(options) as endpoint, meet(endpoint) as peer:
        done = (await peer.type("Hello."))[-1]["response"]
    error = done["status_details"]["error"]
    assert done["status"] == "failed" and error["code"] == "local_model_refused"
    assert "sk-speech" not in error["message"]
