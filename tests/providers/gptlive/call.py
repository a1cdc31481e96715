"""One GPT-Live dialect on a real socket, with the stand-in at the other end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes.ga_signal import tone
from tests.fakes.gptlive_server import GptLiveServer
from tests.providers.socket_caller import SocketCaller, on_line, only
from voicechat.events import BeginTurn, Command, EndTurn, SendAudio
from voicechat.providers.base import Settings
from voicechat.providers.gptlive.dialect import GptLiveDialect

__all__ = ["KEY", "MODEL", "Caller", "calling", "only", "said", "settings"]

KEY = "sk-test-0123456789abcdef"
MODEL = "gpt-live-1.1"


def settings(**chosen: Any) -> Settings:
    return Settings(**{"model": MODEL, "api_key": KEY, **chosen})


class Caller(SocketCaller):
    """Speaks to GPT-Live."""

    def press(self, ms: int = 600) -> None:
        """One turn of the key, all at once."""
        self.do(BeginTurn(), *said(ms), EndTurn())

    async def talk(self, ms: int) -> None:
        """Speak at the pace of speech, hands-free."""
        for piece in said(ms):
            self.do(piece)
            await asyncio.sleep(0.1)


def said(ms: int) -> list[Command]:
    """What anybody takes for speech."""
    return [SendAudio(tone(100)) for _ in range(ms // 100)]


@asynccontextmanager
async def calling(server: GptLiveServer, **chosen: Any) -> AsyncIterator[Caller]:
    """A call while the block runs."""
    async with on_line(GptLiveDialect(settings(url=server.url, **chosen)), Caller) as caller:
        yield caller
