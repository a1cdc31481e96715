"""One Gemini dialect on a real socket, with the stand-in at the other end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes.gemini_server import GeminiServer
from tests.providers.socket_caller import SocketCaller, on_line, only
from voicechat.events import BeginTurn, Command, EndTurn, SendAudio, Tool
from voicechat.providers.base import Settings
from voicechat.providers.gemini.dialect import GeminiDialect

__all__ = ["CLOCK", "KEY", "MODEL", "Caller", "calling", "loud", "only", "settings", "sound"]

KEY = "AIzaTestKey0123456789"
MODEL = "gemini-3.8-live"
CLOCK = Tool("get_time", "The time of day.", {"type": "object", "properties": {}})


def settings(**chosen: Any) -> Settings:
    return Settings(**{"model": MODEL, "api_key": KEY, **chosen})


class Caller(SocketCaller):
    """Speaks to Gemini."""

    def check(self, message: str | bytes) -> None:
        assert isinstance(message, bytes)

    def speak(self, ms: int = 600) -> None:
        """One turn of the key, all at once."""
        self.do(BeginTurn(), *sound(ms), EndTurn())


def sound(ms: int) -> list[Command]:
    return [SendAudio(bytes(20 * 32)) for _ in range(ms // 20)]


def loud(ms: int) -> list[Command]:
    """What a VAD takes for speech."""
    return [SendAudio(b"\x00\x20\x00\xe0" * 160) for _ in range(ms // 20)]


@asynccontextmanager
async def calling(server: GeminiServer, **chosen: Any) -> AsyncIterator[Caller]:
    """A call while the block runs."""
    async with on_line(GeminiDialect(settings(url=server.url, **chosen)), Caller) as caller:
        yield caller
