"""Text to speech by a speaking program of this machine.

The rule: the text goes to it by its standard input, never as an argument that could be an option.
"""

import asyncio
import contextlib
import re
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path

from voicechat.cascade.audio import SpeechStream
from voicechat.cascade.tts.tts import speakable
from voicechat.errors import ServiceError
from voicechat.text.phrase import phrase

_READ = 8192
_VOICES = (
    (re.compile("[\u3040-\u30ff]"), "ja"),
    (re.compile("[\uac00-\ud7af]"), "ko"),
    (re.compile("[\u3400-\u9fff]"), "cmn"),
    (re.compile("[\u0400-\u04ff]"), "ru"),
)
"""The first script that is found in a sentence gives its voice."""
_LATIN_VOICE = "en-us"


class EspeakMouth:
    """espeak-ng: small, everywhere, about a hundred languages."""

    speaks = True
    is_billed = False

    def __init__(self, program: str, voice: str = "", language: str = "") -> None:
        self._program, self._voice = program, voice
        self._latin = voice or ("" if language in ("", "en", "zh") else language) or _LATIN_VOICE

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sentence in the voice of its language; the wire's `voice` names none of these.

        Raises:
            ServiceError: The program said nothing but an error.
        """
        words = speakable(text)
        spoken = not words
        for name in dict.fromkeys((self._voice_of(words), _LATIN_VOICE)):
            # A language without a voice is read in the English one rather than not at all.
            if not spoken:
                async with contextlib.aclosing(self._run(words, name, speed)) as pieces:
                    async for pcm in pieces:
                        spoken = True
                        yield pcm
        if not spoken:
            raise ServiceError(
                phrase("espeak-ng made no sound"), phrase("Try `espeak-ng hello` by hand")
            )

    async def _run(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        pace = str(round(175 * speed))
        command = [self._program, "-b", "1", "-v", voice, "-s", pace, "--stdin", "--stdout"]
        async with _running(command, words) as process:
            stream = SpeechStream()
            assert process.stdout
            while data := await process.stdout.read(_READ):
                if pcm := stream.feed(data):
                    yield pcm
            if pcm := stream.finish():
                yield pcm

    def _voice_of(self, words: str) -> str:
        for script, voice in _VOICES:
            if script.search(words):
                return self._voice if self._voice.startswith(voice) else voice
        return self._latin


class SayMouth:
    """The `say` of macOS, by way of a file, since it cannot write to a pipe."""

    speaks = True
    is_billed = False

    def __init__(self, program: str, voice: str = "") -> None:
        self._program, self._voice = program, voice

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sentence in the system's voice, or the one of the options.

        Raises:
            ServiceError: The program failed.
        """
        if words := speakable(text):
            with tempfile.TemporaryDirectory() as folder:
                yield await self._render(words, Path(folder) / "speech.wav", speed)

    async def _render(self, words: str, file: Path, speed: float) -> bytes:
        command = [self._program, "-o", str(file), "--data-format=LEI16@24000", "-f", "-"]
        command += ["-r", str(round(175 * speed))] + (["-v", self._voice] if self._voice else [])
        async with _running(command, words) as process:
            await process.wait()
        return await asyncio.to_thread(_read_speech, file)


def _read_speech(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError:
        raise ServiceError(phrase("say made no sound"), phrase("Try `say hello` by hand")) from None
    stream = SpeechStream()
    return stream.feed(data) + stream.finish()


def find_program(name: str) -> str | None:
    """The speaking program's path, or None."""
    return shutil.which(name)


def likely_programs() -> tuple[str, ...]:
    """What `auto` looks for, best first."""
    return ("say", "espeak-ng") if sys.platform == "darwin" else ("espeak-ng",)


@contextlib.asynccontextmanager
async def _running(command: list[str], words: str) -> AsyncGenerator[Process, None]:
    """The program, fed with the words; dead and gone afterwards."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
    except OSError as error:
        raise ServiceError(
            phrase("{command} cannot be started ({why})", command=command[0], why=error.strerror)
        ) from None
    try:
        assert process.stdin
        with contextlib.suppress(OSError):
            process.stdin.write(words.encode())
            process.stdin.close()
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
