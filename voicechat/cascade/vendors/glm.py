"""Ears and mouth by Zhipu's GLM-ASR and GLM-TTS.

Its addresses are OpenAI's, but not its limits, its stream and its voices.
Source: https://docs.bigmodel.cn/api-reference (speech to text, text to speech)
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from voicechat.cascade.audio import RATE, SpeechStream, decode_sound
from voicechat.cascade.http.service import HttpService, read_events
from voicechat.cascade.vendors import SpeechServices
from voicechat.cascade.vendors.openai import words_of

_CONTEXT = 2000
"""Characters of what was said before; the service advises less than 8000."""
_VOICES = frozenset({"tongtong", "chuichui", "xiaochen", "jam", "kazi", "douji", "luodo"})


class GlmWriter:
    """GLM-ASR, `/audio/transcriptions`; it takes no hint of the language."""

    longest_ms = 28_000
    """The service takes 30 s and 25 MB."""

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model

    async def write(self, file: bytes, language: str, before: str) -> str:
        """The words in a WAV file, with the words before it as `prompt`."""
        form = {"model": self._model, "stream": "false"}
        form |= {"prompt": before[-_CONTEXT:]} if before else {}
        return await words_of(self._service, "/audio/transcriptions", form, file)


class GlmSpeaker:
    """GLM-TTS, `/audio/speech`: server-sent events with PCM16 in base64.

    The rate stands beside the sound (`return_sample_rate`); where it does not, it is 24 kHz.
    """

    longest = 1024
    speeds = (0.5, 2.0)

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model

    @property
    def name(self) -> str:
        """The host, for messages."""
        return self._service.name

    def choose_voice(self, wanted: str) -> str:
        """One of the seven; the names of the realtime service are others."""
        return wanted if wanted in _VOICES else "tongtong"

    async def say(self, words: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound as the service makes it."""
        body = {
            "model": self._model,
            "input": words,
            "voice": voice,
            "response_format": "pcm",
            "encode_format": "base64",
            "stream": True,
            "speed": speed,
        }
        sound: SpeechStream | None = None
        events = read_events(self._service.stream("/audio/speech", body))
        async with contextlib.aclosing(events):
            async for event in events:
                for data, rate in self._sounds(event):
                    sound = sound or SpeechStream(rate)
                    if pcm := sound.feed(data):
                        yield pcm
        if sound and (pcm := sound.finish()):
            yield pcm

    def _sounds(self, event: dict[str, Any]) -> list[tuple[bytes, int]]:
        match event:
            case {"error": error} if error:
                raise self._service.failure(error)
            case {"choices": [{"delta": {"content": str(content)} as delta}, *_]} if content:
                rate = delta.get("return_sample_rate")
                return [(decode_sound(content, self.name), rate if isinstance(rate, int) else RATE)]
        return []


SPEECH = SpeechServices(
    writer=lambda service, options: GlmWriter(service, options.ears_model),
    speaker=lambda service, options: GlmSpeaker(service, options.mouth_model),
)
