"""Speaking programs of this machine, alone."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

import psutil
import pytest

from voicechat.cascade.audio import ms_of
from voicechat.cascade.roles import TextToSpeech
from voicechat.cascade.tts.programs import EspeakMouth, SayMouth
from voicechat.errors import ServiceError


async def _say(mouth: TextToSpeech, text: str, speed: float = 1.0) -> bytes:
    pieces = [piece async for piece in mouth.speak(text, voice="default", speed=speed)]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    return b"".join(pieces)


@pytest.fixture
def espeak_mouth() -> EspeakMouth:
    return EspeakMouth(shutil.which("espeak-ng") or "")


async def test_text_becomes_sound_and_more_text_more_sound(espeak_mouth: EspeakMouth) -> None:
    short, long = await _say(espeak_mouth, "Hi."), await _say(espeak_mouth, "Hi. " * 5)
    assert 300 < ms_of(len(short)) < ms_of(len(long)) and any(short)


async def test_chinese_is_spoken_by_a_chinese_voice(espeak_mouth: EspeakMouth) -> None:
    # The English voice spells the characters out, which takes several times as long.
    assert 500 < ms_of(len(await _say(espeak_mouth, "你好，世界。"))) < 3000


async def test_speed_shortens_the_sound(espeak_mouth: EspeakMouth) -> None:
    text = "This is a sentence with some words."
    slow, fast = await _say(espeak_mouth, text, 0.5), await _say(espeak_mouth, text, 1.5)
    assert len(fast) < len(slow)


@pytest.mark.parametrize("text", ["--version", "-f /etc/passwd", "-w out.wav", "--help"])
async def test_text_is_never_an_option(espeak_mouth: EspeakMouth, text: str) -> None:
    assert ms_of(len(await _say(espeak_mouth, text))) > 300


@pytest.mark.parametrize("text", ["", "***", "\n---\n", "!?", "```"])
async def test_nothing_to_say_is_silence_and_no_error(espeak_mouth: EspeakMouth, text: str) -> None:
    assert await _say(espeak_mouth, text) == b""


async def test_language_without_a_voice_is_read_in_the_english_one() -> None:
    mouth = EspeakMouth(shutil.which("espeak-ng") or "", language="xx")
    assert await _say(mouth, "Hello.")


async def test_program_that_says_nothing_is_an_error() -> None:
    with pytest.raises(ServiceError):
        await _say(EspeakMouth(shutil.which("true") or ""), "Hello.")
    with pytest.raises(ServiceError):
        await _say(EspeakMouth("/nowhere/espeak-ng"), "Hello.")


async def test_program_is_dead_when_nobody_listens_any_more(espeak_mouth: EspeakMouth) -> None:
    speaking = espeak_mouth.speak("A very long text. " * 3000, voice="", speed=1.0)
    async with contextlib.aclosing(speaking):
        assert await anext(speaking)
        assert "espeak-ng" in _children()
    assert "espeak-ng" not in _children()


def _children() -> list[str]:
    return [child.name() for child in psutil.Process(os.getpid()).children()]


async def test_say_is_given_the_text_by_its_input(tmp_path: Path) -> None:
    program = tmp_path / "say"
    program.write_text(
        '#!/bin/sh\n[ "$1" = -o ] || exit 1\nexec espeak-ng -v en-us --stdin -w "$2"\n'
    )
    program.chmod(0o755)
    assert ms_of(len(await _say(SayMouth(str(program)), "-hello"))) > 300
    with pytest.raises(ServiceError):
        await _say(SayMouth(shutil.which("false") or ""), "hello")


async def test_cancelling_stops_the_program_at_once(espeak_mouth: EspeakMouth) -> None:
    async def talk() -> None:
        while True:
            await _say(espeak_mouth, "A very long text. " * 3000)

    async with asyncio.TaskGroup() as group:
        talking = group.create_task(talk())
        while "espeak-ng" not in _children():
            await asyncio.sleep(0.01)
        talking.cancel()
    assert "espeak-ng" not in _children()
