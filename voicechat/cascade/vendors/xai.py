"""Ears and mouth by xAI's `/stt` and `/tts`.

Neither takes a model: there is one.
Source: https://docs.x.ai/developers/model-capabilities/audio (speech to text, text to speech)
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from voicechat.cascade.audio import RATE
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.vendors import SpeechServices
from voicechat.cascade.vendors.openai import sound_of, words_of

_VOICES = frozenset({"eve", "ara", "leo", "rex", "sal"})


class XaiWriter:
    """`/stt`.  It finds the language by itself: its `language` only spells numbers."""

    longest_ms = 600_000
    """The service takes 500 MB."""

    def __init__(self, service: HttpService) -> None:
        self._service = service

    async def write(self, file: bytes, language: str, before: str) -> str:
        """The words in a WAV file."""
        return await words_of(self._service, "/stt", {}, file)


class XaiSpeaker:
    """`/tts`: the answer is the sound itself, in the form that was asked for."""

    longest = 15_000
    speeds = (0.7, 1.5)

    def __init__(self, service: HttpService, language: str = "") -> None:
        self._service, self._language = service, language or "auto"

    @property
    def name(self) -> str:
        """The host, for messages."""
        return self._service.name

    def choose_voice(self, wanted: str) -> str:
        """One of the documented five; the names do not care for case."""
        return wanted.lower() if wanted.lower() in _VOICES else "eve"

    async def say(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound as the service makes it."""
        body: dict[str, Any] = {"text": words, "voice_id": voice, "language": self._language}
        body["output_format"] = {"codec": "pcm", "sample_rate": RATE}
        if speed != 1.0:
            body["speed"] = speed
        async with contextlib.aclosing(sound_of(self._service, "/tts", body)) as pieces:
            async for pcm in pieces:
                yield pcm


SPEECH = SpeechServices(
    writer=lambda service, _: XaiWriter(service),
    speaker=lambda service, options: XaiSpeaker(service, options.language),
)
