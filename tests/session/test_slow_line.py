"""A session on a line slower than speech, and on a dead one behind a proxy that lives."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.ga_server import GaServer
from tests.fakes.gptlive_server import GptLiveServer
from tests.session.test_session import Notebook
from voicechat.audio.engine import Engine
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.errors import VoiceChatError
from voicechat.events import Event, Notice, ProviderFailed, ReplyFinished
from voicechat.net import websocket
from voicechat.providers.base import Dialect, Settings
from voicechat.providers.gptlive.dialect import GptLiveDialect
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.session import Session

MODEL = "gpt-realtime-2.1"
CHUNK = b"\x00\x10" * 480
"""20 ms."""
THIN = 64_000 / 8


@dataclass
class Talk:
    """A session through a fault proxy, and all that it told."""

    server: GaServer | GptLiveServer
    proxy: FaultProxy
    told: list[Event | VoiceChatError] = field(default_factory=list)

    def __post_init__(self) -> None:
        make = partial(Session, self.dial, Conversation(), Engine(None), Notebook())
        self.session = make(self.told.append)
        self.running = asyncio.create_task(self.session.run(stay=True))

    def dial(self) -> Target:
        dialect = self._dialect()
        link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
        return Target(dialect, lambda: link, MODEL)

    def _dialect(self) -> Dialect:
        if isinstance(self.server, GptLiveServer):
            return GptLiveDialect(Settings("", "sk-any", url=self.proxy.url(GptLiveServer.path)))
        return OpenAIDialect(Settings(MODEL, "sk-any", url=self.proxy.url(), text_only=True))

    async def until(self, holds: object, seconds: float = 40.0) -> float:
        assert callable(holds)
        started = time.monotonic()
        while not holds():
            assert time.monotonic() - started < seconds, self.codes
            await asyncio.sleep(0.02)
        return time.monotonic() - started

    async def ready(self) -> None:
        await self.until(lambda: self.session.snapshot().phase == "ready")

    async def speak(self, seconds: float) -> None:
        """With the key, in real time."""
        self.session.begin_turn()
        due = time.monotonic()
        for _ in range(round(seconds * 50)):
            self.session.speak(CHUNK)
            due += 0.02
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.session.end_turn()

    @property
    def codes(self) -> list[str]:
        told = Notice | ProviderFailed | VoiceChatError | ReplyFinished
        return [
            event.code if isinstance(event, Notice) else type(event).__name__
            for event in self.told
            if isinstance(event, told)
        ]


@asynccontextmanager
async def talking(stand_in: GaServer | GptLiveServer | None = None) -> AsyncIterator[Talk]:
    async with stand_in or GaServer("normal") as server:
        with FaultProxy(server.port) as proxy:
            talk = Talk(server, proxy)
            yield talk
            talk.running.cancel()
            with suppress(asyncio.CancelledError, VoiceChatError):
                await talk.running


@pytest.mark.long
@pytest.mark.fault("N25")
async def test_a_line_of_64_kbit_carries_speech_as_a_telephone_does() -> None:
    async with talking() as talk:
        await talk.ready()
        talk.proxy.rate(THIN, "up")
        await talk.speak(9.0)
        await talk.until(lambda: "ReplyFinished" in talk.codes, 50)
        assert talk.codes[:2] == ["line_slow", "thin"] and talk.codes[-1] == "ReplyFinished"
        assert set(talk.codes) == {"line_slow", "thin", "ReplyFinished"}
        sent = talk.server.log.directions("in")
        heard = [_heard(one["message"]) for one in sent if one["type"] == "session.update"]
        formats = [one["format"]["type"] for one in heard if "format" in one]
        assert formats == ["audio/pcm", "audio/pcmu"]
        # All of the turn went once more, as a telephone carries it.
        pieces = talk.server.log.of("input_audio_buffer.append", conn=1)
        sound_s = sum(piece["audio"]["bytes"] for piece in pieces) / 8000
        assert sound_s == pytest.approx(9, abs=0.2)
        assert talk.server.violations == []


def _heard(update: dict[str, Any]) -> dict[str, Any]:
    heard: dict[str, Any] = update["session"]["audio"]["input"]
    return heard


@pytest.mark.fault("N25")
async def test_where_sound_is_the_clock_what_the_key_says_is_seen_to_wait() -> None:
    """Its stream goes on while sound waits: it would hold back what is said, unseen."""
    async with talking(GptLiveServer("mute")) as talk:
        await talk.ready()
        talk.proxy.rate(THIN, "up")
        speaking = asyncio.create_task(talk.speak(20.0))
        await talk.until(lambda: "line_slow" in talk.codes, 20)
        speaking.cancel()
        assert talk.server.violations == []


@pytest.mark.fault("N22")
async def test_a_dead_line_behind_a_proxy_that_lives_is_told_and_asked_on() -> None:
    async with talking() as talk:
        await talk.ready()
        talk.proxy.stall("both")
        talk.session.say("hello")
        told_s = await talk.until(lambda: any(isinstance(one, VoiceChatError) for one in talk.told))
        [error] = [one for one in talk.told if isinstance(one, VoiceChatError)]
        assert "nothing came for" in str(error) and told_s < 12
        talk.proxy.resume()
        await talk.until(lambda: "ReplyFinished" in talk.codes)
        assert talk.codes.index("back") < talk.codes.index("ReplyFinished")
