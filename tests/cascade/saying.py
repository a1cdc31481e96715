"""What the tests of all mouths and ears do."""

import contextlib
from collections.abc import AsyncIterator

from tests.fakes.http_speech import HttpSpeechServer
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.roles import TextToSpeech


async def say(
    mouth: TextToSpeech, text: str = "Hello there.", voice: str = "default", speed: float = 1.0
) -> bytes:
    """All the sound of a sentence, of which each piece must be whole samples."""
    async with contextlib.aclosing(mouth.speak(text, voice=voice, speed=speed)) as sound:
        pieces = [piece async for piece in sound]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    return b"".join(pieces)


@contextlib.asynccontextmanager
async def service_at(
    server: HttpSpeechServer, key: str = "", proxy: str = ""
) -> AsyncIterator[HttpService]:
    """OpenAI, GLM and xAI."""
    service = HttpService(server.url, key or server.key, proxy)
    yield service
    await service.close()


@contextlib.asynccontextmanager
async def gemini_at(server: HttpSpeechServer, key: str = "") -> AsyncIterator[HttpService]:
    """Gemini, with its own way to send keys."""
    service = HttpService(server.gemini_url, key or server.key, key_header="x-goog-api-key: {key}")
    yield service
    await service.close()
