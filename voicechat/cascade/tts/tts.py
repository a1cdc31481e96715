"""Text to speech: nobody, or the speech service of a vendor.

The rule: what nobody can say is never sent, and a request ends at once when nobody listens.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from typing import Protocol

from voicechat.cascade.http.retry import before_second_try
from voicechat.cascade.server.sentences import cut_words
from voicechat.errors import ServiceError, VoiceChatError
from voicechat.text.phrase import phrase

_MARKS = re.compile(r"[*_`#|~<>\[\]{}\\^]+")
_SCHEME = re.compile(r"https?://")


class NoMouth:
    """Nobody speaks; answers stay text."""

    speaks = False
    is_billed = False

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        return
        yield b""  # Makes this a generator, as the role asks.


class SpeechVendor(Protocol):
    """How one vendor's service is asked to say something."""

    @property
    def name(self) -> str:
        """The host, for messages."""

    @property
    def longest(self) -> int:
        """Characters it takes in one request."""

    @property
    def speeds(self) -> tuple[float, float]:
        """The slowest and the fastest; 1 is its own."""

    def choose_voice(self, wanted: str) -> str:
        """The session's voice if the service has it, else its own."""

    def say(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound as it is made: PCM16 mono at 24 kHz, in whole samples.

        Raises:
            VoiceChatError: The service is not there, refuses, or breaks off.
        """


class HttpMouth:
    """A speech service; `voice` is the options' and goes before the session's."""

    speaks = True
    is_billed = True

    def __init__(self, speaker: SpeechVendor, voice: str = "") -> None:
        self._speaker, self._voice = speaker, voice

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sentence as the service makes it, asked for in pieces it takes.

        Raises:
            VoiceChatError: As the service's `say`; also in the middle, or when there is no sound.
        """
        speaker = self._speaker
        chosen = self._voice or speaker.choose_voice("" if voice == "default" else voice)
        slowest, fastest = speaker.speeds
        pace = min(max(speed, slowest), fastest)
        for words in cut_words(speakable(text), speaker.longest):
            async with contextlib.aclosing(self._say(words, chosen, pace)) as pieces:
                async for pcm in pieces:
                    yield pcm

    async def _say(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """One request; a second one when the first failed at once and without a sound."""
        began = asyncio.get_running_loop().time()
        spoken = False
        try:
            async with contextlib.aclosing(self._ask(words, voice, speed)) as pieces:
                async for pcm in pieces:
                    spoken = True
                    yield pcm
            return
        except VoiceChatError as error:
            if spoken:
                raise
            await before_second_try(error, began)
        async with contextlib.aclosing(self._ask(words, voice, speed)) as pieces:
            async for pcm in pieces:
                yield pcm

    async def _ask(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        silent = True
        async with contextlib.aclosing(self._speaker.say(words, voice, speed)) as pieces:
            async for pcm in pieces:
                silent = False
                yield pcm
        if silent:
            text = phrase("{who} made no sound", who=self._speaker.name)
            raise ServiceError(text, phrase("Check the model of the mouth"))


def speakable(text: str) -> str:
    """The words without the marks of Markdown, which nobody says; empty if nothing remains."""
    words = " ".join(_MARKS.sub(" ", _SCHEME.sub("", text)).split())
    return words if any(sign.isalnum() for sign in words) else ""
