"""A program speaks when the service fails; a refusal is never covered up."""

import shutil
from collections.abc import AsyncIterator

import pytest

from tests.cascade.saying import say, service_at
from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import hear_pcm
from voicechat.cascade.tts.fallback import FailureBudget, SpareMouth, take_complaint
from voicechat.cascade.tts.programs import EspeakMouth
from voicechat.cascade.tts.tts import HttpMouth, NoMouth
from voicechat.cascade.vendors.openai import OpenAISpeaker
from voicechat.errors import LinkError, RefusedError, ServiceError

_SHORT = FailureBudget(first_sound_s=0.5, rest_s=0.0)


@pytest.fixture
async def vendors_mouth(speech_server: HttpSpeechServer) -> AsyncIterator[HttpMouth]:
    async with service_at(speech_server) as service:
        yield HttpMouth(OpenAISpeaker(service, "tts-1"))


@pytest.fixture
def program() -> EspeakMouth:
    return EspeakMouth(shutil.which("espeak-ng") or "")


def _is_the_service(sound: bytes) -> bool:
    return abs(hear_pcm(sound).hertz - 440) < 5


async def test_service_speaks_as_long_as_it_works(
    vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    mouth = SpareMouth(vendors_mouth, program)
    assert _is_the_service(await say(mouth)) and mouth.take_complaint() == ""


async def test_program_says_the_sentence_of_a_service_that_fails_and_the_user_is_told_once(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    speech_server.fail_next(503, times=2)
    mouth = SpareMouth(vendors_mouth, program, _SHORT)
    assert await say(mouth) == await say(program)
    told = take_complaint(mouth)
    assert "127.0.0.1" in told and "a program of this machine speaks" in told
    assert take_complaint(mouth) == "" and take_complaint(NoMouth()) == ""
    assert _is_the_service(await say(mouth))


async def test_service_that_does_not_begin_in_time_is_not_waited_for(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    speech_server.delay_s = 60.0
    mouth = SpareMouth(vendors_mouth, program, _SHORT)
    assert await say(mouth) == await say(program)
    assert "did not begin" in mouth.take_complaint()


async def test_service_that_failed_is_left_alone_for_a_while(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    speech_server.fail_next(429, "{}", {"Retry-After": "600"})
    mouth = SpareMouth(vendors_mouth, program, _SHORT)
    for _ in range(3):
        assert not _is_the_service(await say(mouth))
    assert len(speech_server.requests) == 1
    assert mouth.take_complaint() and not mouth.take_complaint()


async def test_user_is_told_again_only_after_the_service_worked_in_between(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    mouth = SpareMouth(vendors_mouth, program, _SHORT)
    told = []
    for fails in (True, True, False, True):
        if fails:
            speech_server.fail_next(503, times=2)
        await say(mouth)
        told.append(bool(mouth.take_complaint()))
    assert told == [True, False, False, True]


async def test_refusal_is_not_covered_up(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    speech_server.fail_next(401)
    speech_server.fail_next(402)
    mouth = SpareMouth(vendors_mouth, program)
    for _ in range(2):
        with pytest.raises(RefusedError):
            await say(mouth)
    assert mouth.take_complaint() == ""


async def test_sentence_that_broke_off_in_the_middle_is_not_said_again(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    speech_server.break_at = 2
    mouth = SpareMouth(vendors_mouth, program)
    with pytest.raises(LinkError):
        await say(mouth, "A sentence that lasts for long enough.")


async def test_when_both_fail_the_error_is_the_programs(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth
) -> None:
    speech_server.fail_next(503, times=2)
    mouth = SpareMouth(vendors_mouth, EspeakMouth("/nowhere/espeak-ng"))
    with pytest.raises(ServiceError, match="/nowhere/espeak-ng"):
        await say(mouth)


async def test_nothing_to_say_is_said_by_nobody(
    speech_server: HttpSpeechServer, vendors_mouth: HttpMouth, program: EspeakMouth
) -> None:
    assert await say(SpareMouth(vendors_mouth, program), "***") == b""
    assert speech_server.requests == []
