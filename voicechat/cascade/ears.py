"""Speech to text: nobody, or any service that speaks OpenAI's `/v1/audio/transcriptions`."""

from voicechat.cascade.endpoints import HttpService
from voicechat.cascade.sound import wav


class NoEars:
    """Nobody listens; spoken turns have no words."""

    hears = False

    async def transcribe(self, pcm: bytes, language: str) -> str:
        return ""


class HttpEars:
    """A transcription service."""

    hears = True

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model

    async def transcribe(self, pcm: bytes, language: str) -> str:
        """The words in PCM16 mono at 24 kHz, uploaded as one WAV file."""
        form = {"model": self._model, "response_format": "json"}
        if language:
            form["language"] = language
        answer = await self._service.upload("/audio/transcriptions", form, wav(pcm))
        return str(answer.get("text", "")).strip()
