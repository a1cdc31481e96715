"""An answer on its way to the client: hung up when it is cut, in sound of the mind's own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cascade.asking import happens
from tests.cascade.peer import kinds, meet, sound_of, speech, words_of
from tests.fakes.http_chat import HttpChatServer, Script
from tests.fakes.http_chat_answers import PITCH
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import hear_pcm, tone
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import running


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


def _options(server: HttpChatServer, kind: str = "openai", model: str = "chat-1") -> LocalOptions:
    url = server.gemini_url if kind == "gemini" else server.url
    return LocalOptions(
        mind=url, mind_kind=kind, mind_model=model, mind_key=server.key, mouth="espeak-ng"
    )


_MINDS = [
    ("openai", "chat-1"),
    ("gemini", "gemini-3.8-flash"),
    ("openai-sound", "gpt-audio-mini"),
    ("qwen-sound", "qwen3-omni-flash"),
]


@pytest.mark.parametrize(("kind", "model"), _MINDS)
async def test_cancelled_reply_hangs_up_on_the_service_at_once(
    server: HttpChatServer, kind: str, model: str
) -> None:
    server.next.append(Script(["One is said. ", "Two ", "is not."], pause_before=2))
    async with running(_options(server, kind, model)) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("Talk.")
        await peer.until("response.output_audio.delta")
        await peer.send("response.cancel")
        assert (await peer.until("response.done"))[-1]["response"]["status"] == "cancelled"
        assert await happens(server.requests[0].hung_up)
        server.go_on.set()
        assert words_of(await peer.type("Again?")) == "You said: Again?. "


@pytest.mark.parametrize(("kind", "model"), [*_MINDS[2:], ("glm-sound", "glm-4-voice"), _MINDS[1]])
async def test_mind_that_hears_answers_a_spoken_turn_without_ears(
    server: HttpChatServer, kind: str, model: str
) -> None:
    async with running(_options(server, kind, model)) as endpoint, meet(endpoint) as peer:
        await peer.manual()
        events = await peer.speak(tone(800))
        assert words_of(events) == "I heard 0.8 s at 440 Hz. " and sound_of(events)
        done = events[-1]["response"]
        assert done["status"] == "completed"
        assert done["output"][0]["content"][0]["transcript"] == "I heard 0.8 s at 440 Hz. "
        if pitch := PITCH.get(kind.partition("-")[0]):
            assert abs(hear_pcm(sound_of(events)).hertz - pitch) < 10


async def test_mind_that_hears_does_not_wait_for_the_ears(server: HttpChatServer) -> None:
    with HttpSpeechServer() as ears:
        ears.delay_s = 600
        options = _options(server, "gemini", "gemini-3.8-flash")
        options = _with_ears(options, ears)
        async with running(options) as endpoint, meet(endpoint) as peer:
            await peer.manual()
            assert "I heard" in words_of(await peer.speak(speech()))
        ears.delay_s = 0


def _with_ears(options: LocalOptions, ears: HttpSpeechServer) -> LocalOptions:
    return replace(options, ears=ears.url, ears_key=ears.key)


async def test_marked_turn_in_which_nobody_speaks_is_not_answered_and_says_so(
    server: HttpChatServer,
) -> None:
    with HttpSpeechServer() as ears:
        async with running(_with_ears(_options(server), ears)) as endpoint, meet(endpoint) as peer:
            await peer.manual()
            events = await peer.speak(bytes(48_000))
            (told,) = (one for one in events if one["type"].endswith("transcription.failed"))
            done = events[-1]["response"]
            assert done["status"] == "failed" and done["output"] == []
            assert "No words were heard" in told["error"]["message"]
            assert "No words were heard" in done["status_details"]["error"]["message"]
    assert not server.asked


async def test_text_is_answered_in_text_by_a_mind_with_a_voice_of_its_own(
    server: HttpChatServer,
) -> None:
    options = _options(server, "qwen-sound", "qwen3-omni-flash")
    async with running(options) as endpoint, meet(endpoint) as peer:
        await peer.update(output_modalities=["text"])
        events = await peer.type("Hello")
        assert "response.output_text.done" in kinds(events) and not sound_of(events)
        assert words_of(events) == "You said: Hello. "
