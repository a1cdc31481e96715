"""The next sentence is begun while one is being given: in order, one ahead, and stopped with it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.cascade.saying import service_at
from tests.fakes.http_speech import HttpSpeechServer
from voicechat.cascade.server.prefetch import Ahead
from voicechat.cascade.tts.tts import HttpMouth
from voicechat.cascade.vendors.openai import OpenAISpeaker
from voicechat.errors import ServiceError


class _Mouth:
    """Says each word as one piece, as soon as it may."""

    speaks = True
    is_billed = False

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may: dict[str, asyncio.Event] = {}
        self.given_up: list[str] = []

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        self.begun.append(text)
        try:
            if event := self.may.get(text):
                await event.wait()
            if text == "fails":
                raise ServiceError("Out of order")
            for word in text.split():
                yield f"{word}-{voice}-{speed}".encode()
        except asyncio.CancelledError:
            self.given_up.append(text)
            raise


async def _all(ahead: Ahead) -> list[bytes]:
    return [pcm async for pcm in ahead.sound()]


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_sentences_are_given_in_their_order_whoever_is_ready_first() -> None:
    mouth = _Mouth()
    mouth.may["one"] = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        ahead = Ahead(mouth, tasks, voice="v", speed=1.0)
        ahead.begin("one")
        ahead.begin("two more")
        await _settle()
        assert mouth.begun == ["one", "two more"]
        mouth.may["one"].set()
        assert await _all(ahead) == [b"one-v-1.0"]
        assert await _all(ahead) == [b"two-v-1.0", b"more-v-1.0"]


async def test_only_one_sentence_is_made_ahead_of_the_one_that_is_given() -> None:
    mouth = _Mouth()
    async with asyncio.TaskGroup() as tasks:
        ahead = Ahead(mouth, tasks, voice="", speed=1.0)
        for text in ("one", "two", "three", "four"):
            ahead.begin(text)
        await _settle()
        assert mouth.begun == ["one", "two"]
        await _all(ahead)
        await _settle()
        assert mouth.begun == ["one", "two", "three"]
        await _all(ahead)
        await _all(ahead)
        await _all(ahead)
    assert mouth.begun == ["one", "two", "three", "four"]


async def test_failure_comes_where_its_sentence_would_and_not_before() -> None:
    mouth = _Mouth()
    async with asyncio.TaskGroup() as tasks:
        ahead = Ahead(mouth, tasks, voice="", speed=1.0)
        ahead.begin("one")
        ahead.begin("fails")
        await _settle()
        assert await _all(ahead)
        with pytest.raises(ServiceError):
            await _all(ahead)


async def test_what_was_begun_is_given_up_when_it_is_stopped() -> None:
    mouth = _Mouth()
    mouth.may = {"one": asyncio.Event(), "two": asyncio.Event()}
    async with asyncio.TaskGroup() as tasks:
        ahead = Ahead(mouth, tasks, voice="", speed=1.0)
        for text in ("one", "two", "three"):
            ahead.begin(text)
        await _settle()
        ahead.stop()
    assert mouth.given_up == ["one", "two"] and "three" not in mouth.begun


async def test_both_requests_are_aborted_when_the_reply_is_cancelled(
    speech_server: HttpSpeechServer,
) -> None:
    speech_server.pause_before = 1
    async with service_at(speech_server) as service:
        mouth = HttpMouth(OpenAISpeaker(service, "tts-1"))

        async def reply() -> None:
            async with asyncio.TaskGroup() as tasks:
                ahead = Ahead(mouth, tasks, voice="", speed=1.0)
                ahead.begin("The first sentence.")
                ahead.begin("The second sentence.")
                await _all(ahead)

        async with asyncio.TaskGroup() as group:
            replying = group.create_task(reply())
            while len(speech_server.requests) < 2:
                await asyncio.sleep(0.01)
            replying.cancel()
        for request in speech_server.requests:
            assert await asyncio.to_thread(request.hung_up.wait, 20)
