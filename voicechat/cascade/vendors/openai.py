"""Ears and mouth by OpenAI's `/audio/transcriptions` and `/audio/speech`, which many others serve.

Source: https://platform.openai.com/docs/api-reference/audio
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from voicechat.cascade.audio import SpeechStream
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.vendors import SpeechServices
from voicechat.errors import ServiceError
from voicechat.text.phrase import phrase

_CONTEXT = 800
"""Characters of what was said before that help: whisper-1 looks at the last 224 tokens."""


class OpenAIWriter:
    """`/audio/transcriptions`: whisper-1, gpt-4o-transcribe and what else a server has."""

    longest_ms = 500_000
    """25 MB a file; of these 24 MB for sound."""

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model

    async def write(self, file: bytes, language: str, before: str) -> str:
        """The words in a WAV file; `language` is a hint, and `before` what it goes on from."""
        form = {"model": self._model, "response_format": "json"}
        form |= {"language": language} if language else {}
        form |= {"prompt": before[-_CONTEXT:]} if before else {}
        return await words_of(self._service, "/audio/transcriptions", form, file)


class OpenAISpeaker:
    """`/audio/speech`: bare PCM16 at 24 kHz as it is made; a WAV is understood too."""

    longest = 2000
    """Characters: the service takes 4096, but its newer models 2000 tokens."""
    speeds = (0.25, 4.0)

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model

    @property
    def name(self) -> str:
        """The host, for messages."""
        return self._service.name

    def choose_voice(self, wanted: str) -> str:
        """Any name: servers that speak this dialect have voices of their own."""
        return wanted or "alloy"

    async def say(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound as the service makes it."""
        body: dict[str, Any] = {"model": self._model, "input": words, "voice": voice}
        body["response_format"] = "pcm"
        if speed != 1.0:
            body["speed"] = speed
        async with contextlib.aclosing(sound_of(self._service, "/audio/speech", body)) as pieces:
            async for pcm in pieces:
                yield pcm


async def sound_of(
    service: HttpService, path: str, body: dict[str, Any]
) -> AsyncGenerator[bytes, None]:
    """Post JSON to a service whose answer is the sound itself; PCM16 mono at 24 kHz.

    Raises:
        VoiceChatError: As `HttpService.stream`; or the answer is no sound.
    """
    stream = SpeechStream()
    async with contextlib.aclosing(service.stream(path, body)) as pieces:
        async for data in pieces:
            if pcm := stream.feed(data):
                yield pcm
    if pcm := stream.finish():
        yield pcm


async def words_of(service: HttpService, path: str, form: dict[str, str], file: bytes) -> str:
    """Upload a WAV file to a service that answers with a JSON object; its `text`.

    Raises:
        VoiceChatError: As `HttpService.upload`; or the answer has no `text`.
    """
    text = (await service.upload(path, form, file)).get("text")
    if not isinstance(text, str):
        raise ServiceError(
            phrase("{who} sent no words", who=service.name), phrase("Check the model of the ears")
        )
    return text.strip()


SPEECH = SpeechServices(
    writer=lambda service, options: OpenAIWriter(service, options.ears_model),
    speaker=lambda service, options: OpenAISpeaker(service, options.mouth_model),
)
