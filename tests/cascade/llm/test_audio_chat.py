"""Models that hear and speak themselves, each service in its own way."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cascade.asking import ask, happens, pieces_of, until, words_of
from tests.fakes.http_chat import HttpChatServer, Script
from tests.fakes.http_chat_answers import MS_PER_WORD, PITCH
from tests.fakes.http_speech_vendors import hear_pcm, tone
from voicechat.cascade.audio import ms_of
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm.audio_chat import MANNERS, SoundMind, SoundVoice
from voicechat.cascade.roles import HistoryMessage, LlmRequest, Piece, ReadyAudio
from voicechat.errors import ServiceError

_KINDS = ["openai-sound", "glm-sound", "qwen-sound"]
_SPOKEN = LlmRequest([HistoryMessage("user", pcm=tone(600, 500))])


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


@contextlib.asynccontextmanager
async def _mind(
    server: HttpChatServer, kind: str, model: str = "", voice: str = ""
) -> AsyncIterator[SoundMind]:
    service = HttpService(server.url, server.key)
    try:
        yield SoundMind(service, model, MANNERS[kind], voice=voice)
    finally:
        await service.close()


def _pcm(pieces: list[Piece]) -> bytes:
    return b"".join(piece.pcm for piece in pieces if isinstance(piece, ReadyAudio))


@pytest.mark.parametrize("kind", _KINDS)
async def test_spoken_turn_is_heard_and_answered_in_sound_with_its_words(
    server: HttpChatServer, kind: str
) -> None:
    async with _mind(server, kind) as mind:
        pieces = await pieces_of(mind, _SPOKEN)
    words = "".join(piece.transcript for piece in pieces if isinstance(piece, ReadyAudio))
    assert words == "I heard 0.6 s at 500 Hz. " and len(pieces) > 3
    heard = hear_pcm(_pcm(pieces))
    assert abs(heard.hertz - PITCH[kind.partition("-")[0]]) < 10
    assert abs(ms_of(len(_pcm(pieces))) - 7 * MS_PER_WORD) < 20


@pytest.mark.parametrize("kind", _KINDS)
async def test_first_sound_comes_before_the_answer_is_whole(
    server: HttpChatServer, kind: str
) -> None:
    server.script = Script(["One. ", "Two. ", "Three."], pause_before=1)
    async with _mind(server, kind) as mind, contextlib.aclosing(mind.answer(_SPOKEN)) as pieces:
        first = await anext(pieces)
        assert isinstance(first, ReadyAudio) and first.pcm and first.transcript == "One. "
        server.go_on.set()


async def test_only_the_turn_without_words_is_sent_as_sound(server: HttpChatServer) -> None:
    said = [
        HistoryMessage("user", "Words.", pcm=tone(500)),
        HistoryMessage("assistant", "Answer."),
        *_SPOKEN.said,
    ]
    async with _mind(server, "openai-sound") as mind:
        await pieces_of(mind, LlmRequest(said))
    first, second, third = server.asked[0]["messages"]
    assert first["content"] == "Words." and second["content"] == "Answer."
    assert [part["type"] for part in third["content"]] == ["input_audio"]


async def test_openai_is_asked_for_bare_pcm_in_the_voice_of_the_session(
    server: HttpChatServer,
) -> None:
    async with _mind(server, "openai-sound", voice="cedar") as mind:
        await pieces_of(mind, _SPOKEN)
        await pieces_of(mind, LlmRequest(_SPOKEN.said, voice="marin", max_tokens=7))
    first, second = (body for body in server.asked if "max_tokens" not in body)
    assert first["audio"] == {"voice": "cedar", "format": "pcm16"}
    assert first["modalities"] == ["text", "audio"]
    assert second["audio"]["voice"] == "marin" and second["max_completion_tokens"] == 7


async def test_openai_needs_sound_on_one_side_at_least(server: HttpChatServer) -> None:
    async with _mind(server, "openai-sound") as mind:
        typed = await words_of(mind, ask("Hello", wants_sound=False))
        spoken = await words_of(mind, LlmRequest(_SPOKEN.said, wants_sound=False))
    assert typed == "You said: Hello. " and spoken == "I heard 0.6 s at 500 Hz. "
    assert [body["modalities"] for body in server.asked[-2:]] == [["text", "audio"], ["text"]]


async def test_text_alone_is_asked_for_when_nobody_will_listen(server: HttpChatServer) -> None:
    async with _mind(server, "qwen-sound") as mind:
        pieces = await pieces_of(mind, ask("Hello", wants_sound=False))
    assert pieces == ["You ", "said: ", "Hello. "]
    assert server.asked[0]["modalities"] == ["text"] and "audio" not in server.asked[0]


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
async def test_rate_of_glms_sound_is_read_from_its_header(
    server: HttpChatServer, rate: int
) -> None:
    server.script = Script(["One. ", "Two."], sound_rate=rate)
    async with _mind(server, "glm-sound") as mind:
        pcm = _pcm(await pieces_of(mind, _SPOKEN))
    assert abs(ms_of(len(pcm)) - 2 * MS_PER_WORD) < 15
    assert abs(hear_pcm(pcm).hertz - PITCH["glm"]) < 10


async def test_qwens_newest_models_only_write_over_http() -> None:
    service = HttpService("https://service.invalid/v1")
    body = SoundMind(service, "qwen3.8-omni-flash", MANNERS["qwen-sound"])._body(_SPOKEN)
    assert body["modalities"] == ["text"]
    body = SoundMind(service, "qwen3.5-omni-plus", MANNERS["qwen-sound"])._body(_SPOKEN)
    assert body["audio"]["voice"] == "Tina" and body["stream_options"] == {"include_usage": True}


async def test_words_without_any_sound_are_left_to_the_mouth(server: HttpChatServer) -> None:
    server.script = Script(["Only ", "words."], oddities=frozenset({"whole"}))
    async with _mind(server, "qwen-sound") as mind:
        assert await pieces_of(mind, _SPOKEN) == ["Only words."]


async def test_answer_is_hung_up_at_once_when_the_user_speaks(server: HttpChatServer) -> None:
    server.script = Script(["One. ", "Two."], pause_before=1)
    async with _mind(server, "openai-sound") as mind, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(words_of(mind, _SPOKEN))
        await until(lambda: bool(server.requests))
        asking.cancel()
        assert await happens(server.requests[0].hung_up)


def _fail(error: object) -> Exception:
    return ServiceError(str(error))


@pytest.mark.parametrize("size", [1, 3, 5, 4096])
@pytest.mark.parametrize("padded", [False, True])
def test_base64_may_be_cut_anywhere_or_padded_piece_by_piece(size: int, padded: bool) -> None:
    pcm = tone(20)
    if padded:
        cuts = [base64.b64encode(pcm[at : at + size]).decode() for at in range(0, len(pcm), size)]
    else:
        whole = base64.b64encode(pcm).decode()
        cuts = [whole[at : at + size] for at in range(0, len(whole), size)]
    voice = SoundVoice(_fail)
    pieces = [piece for cut in cuts for piece in voice.sound({"data": cut})]
    assert _pcm([*pieces, *voice.finish()]) == pcm


def test_sound_that_is_none_is_the_services_fault() -> None:
    with pytest.raises(ServiceError):
        SoundVoice(_fail).sound({"data": "?!?!"})


def test_piece_that_tells_only_when_it_expires_brings_nothing() -> None:
    assert SoundVoice(_fail).sound({"id": "a", "expires_at": 7}) == []
