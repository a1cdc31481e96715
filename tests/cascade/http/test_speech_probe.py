"""Which speech services a chat server has: asked for at its own address, with nothing said yet."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cascade.vendor import Vendor as Scripted
from tests.e2e.http.vendor import Vendor
from tests.fakes.http_chat import HttpChatServer
from voicechat.cascade.http.speech_probe import settle_speech
from voicechat.cascade.options import LocalOptions


@pytest.fixture
def house() -> Iterator[Vendor]:
    """Chat, STT and TTS at one address."""
    with Vendor() as house:
        yield house


def _auto(server: HttpChatServer) -> LocalOptions:
    return LocalOptions(mind=server.url, mind_key=server.key, ears="auto", own_voice="nova")


async def test_a_server_with_both_gets_both_with_the_minds_key(house: Vendor) -> None:
    found = await settle_speech(_auto(house))
    assert (found.ears, found.ears_key, found.ears_model) == (house.url, house.key, "whisper-1")
    assert (found.mouth, found.mouth_key, found.mouth_model) == (house.url, house.key, "tts-1")
    assert found.mouth_voice == "nova" and house.spoken == ["Hi"]
    assert not any(b"RIFF" in request.body for request in house.requests)


async def test_a_server_with_chat_alone_changes_nothing() -> None:
    with HttpChatServer() as server:
        options = _auto(server)
        assert await settle_speech(options) == options


async def test_a_voice_the_server_does_not_have_is_no_mouth(house: Vendor) -> None:
    found = await settle_speech(replace(_auto(house), own_voice="nobody"))
    assert (found.ears, found.mouth) == (house.url, "auto")


@pytest.mark.parametrize(
    "change",
    [
        {"ears": "none", "mouth": "none"},
        {"mind_kind": "gemini"},
        {"mind": "auto"},
        {"ears": "http://127.0.0.1:9/v1", "mouth": "espeak-ng"},
    ],
)
async def test_only_a_server_of_openais_kind_is_asked_and_only_where_nothing_is_named(
    house: Vendor, change: dict[str, str]
) -> None:
    options = replace(_auto(house), **change)
    assert await settle_speech(options) == options
    assert house.requests == []


async def test_a_server_that_answers_any_path_with_200_has_no_stt(house: Vendor) -> None:
    house.deaf_with = 200
    assert (await settle_speech(_auto(house))).ears == "auto"


async def test_its_own_models_for_speech_are_found_in_its_list(vendor: Scripted) -> None:
    options = LocalOptions(mind=vendor.url, ears="auto")
    vendor.models = ["tiny-chat", "Systran/faster-whisper-small", "hexgrad/Kokoro-82M"]
    found = await settle_speech(options)
    assert found.mouth_model == "hexgrad/Kokoro-82M"
    named = await settle_speech(replace(options, mouth_model="mine"))
    assert named.mouth_model == "mine"


async def test_a_model_that_is_missing_is_told_by_the_stt_itself(house: Vendor) -> None:
    house.deaf_with = 404
    house.deaf_words = "The model `whisper-1` does not exist."
    assert (await settle_speech(_auto(house))).ears == house.url
