"""Over HTTP where no WebSocket gets through, and back: a real session, real links, two servers."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.fakes.ga_server import GaServer
from tests.fakes.glm_server import GlmServer
from voicechat.audio.engine import Engine
from voicechat.connection.fallback import Fallback
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation, State
from voicechat.conversation.journal import NullJournal
from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyRefusedError,
    RefusedError,
    ServiceError,
    TlsError,
    UpgradeRefusedError,
    VoiceChatError,
)
from voicechat.events import Event, Notice, ReplyFinished, SendAudio, SessionReady
from voicechat.net import websocket
from voicechat.providers.base import Settings
from voicechat.providers.chat import ChatDialect
from voicechat.providers.glm.dialect import GlmDialect
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.session import Session

STRAIGHT, OTHER = "gpt-realtime-2.1", "chat-model"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on until somebody does."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@dataclass
class Talk:
    """A session whose WebSocket goes to one address, and its other way to a server."""

    url: str
    other: GaServer
    settings: Settings = field(default_factory=lambda: Settings(STRAIGHT, "sk-any", text_only=True))
    told: list[Event | VoiceChatError] = field(default_factory=list)
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session(
            self.straight, Conversation(), Engine(None), NullJournal(), self.told.append
        )
        self.session.lines._detour = Fallback(first_look_s=0.2)

    def straight(self) -> Target:
        dialect = OpenAIDialect(replace(self.settings, url=self.url))
        headers = dialect.headers()
        link = lambda: websocket.connect(dialect.url(), headers, proxy=None)  # noqa: E731
        return Target(dialect, link, STRAIGHT, instead=self.detour)

    def detour(self) -> Target:
        dialect = ChatDialect(replace(self.settings, url=self.other.url))
        headers = dialect.headers()
        link = lambda: websocket.connect(dialect.url(), headers, proxy=None)  # noqa: E731
        return Target(dialect, link, OTHER, way="http")

    async def wait_for(self, holds: Callable[[], object]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, self.told
            await asyncio.sleep(0.01)

    async def ask(self, text: str) -> None:
        ends = len(self.of(ReplyFinished))
        assert self.session.say(text)
        await self.wait_for(lambda: len(self.of(ReplyFinished)) > ends)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def notices(self) -> list[str]:
        return [notice.code for notice in self.of(Notice)]

    def said(self) -> list[tuple[str, str]]:
        rows = self.session.conversation.rows
        return [(row.role, row.text) for row in rows if row.role != "note"]


@asynccontextmanager
async def talking(url: str, **options: Any) -> AsyncIterator[Talk]:
    async with GaServer("normal") as other:
        talk = Talk(url, other, **options)
        running = asyncio.create_task(talk.session.run(stay=True))
        try:
            yield talk
        finally:
            running.cancel()
            await asyncio.wait([running])


def items(server: GaServer) -> list[tuple[str, str]]:
    """Role and text of what a server was given as conversation."""
    found = []
    for entry in server.log.directions("in"):
        if entry["message"]["type"] == "conversation.item.create":
            item = entry["message"]["item"]
            found.append((item["role"], item["content"][0]["text"]))
    return found


async def test_a_typed_turn_is_answered_the_other_way_when_the_port_is_closed(
    closed_port: int,
) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        await talk.ask("hello")  # Typed before anything is connected.
        assert talk.session.line.way == "http" and talk.session.line.model == OTHER
        assert talk.notices() == ["link_http"]
        assert [role for role, _ in talk.said()] == ["user", "assistant"]
        assert items(talk.other) == [("user", "hello")]
        assert talk.of(VoiceChatError) == []


async def test_a_turn_that_is_being_spoken_goes_on_over_the_change(closed_port: int) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        talk.session.begin_turn()
        for _ in range(60):
            talk.session.gate.count(bytes(960), 24_000)
            talk.session.post(SendAudio(b"\x10\x20" * 480))
            await asyncio.sleep(0.01)
        assert talk.session.gate.is_talking and talk.session.line.way == "http"
        talk.session.end_turn()
        await talk.wait_for(lambda: talk.of(ReplyFinished))
        sounds = [
            entry["message"]
            for entry in talk.other.log.directions("in")
            if entry["message"]["type"] == "input_audio_buffer.append"
        ]
        assert sounds[-1]["audio"]["total_ms"] >= 60 * 20 - 1


async def test_the_websocket_comes_back_by_itself_and_knows_what_was_said(
    closed_port: int,
) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        await talk.ask("hello")
        before = talk.said()
        async with GaServer("normal", port=closed_port) as straight:
            await talk.wait_for(lambda: "link_websocket" in talk.notices())
            assert talk.session.line.way == "websocket" and talk.session.line.model == STRAIGHT
            assert talk.said() == before
            await talk.ask("and now?")
            assert [text for _, text in talk.said()][:2] == [text for _, text in before]
            assert len(talk.said()) == 4
            assert items(straight) == [*before, ("user", "and now?")]


async def test_the_websocket_waits_for_a_pause_to_come_back(closed_port: int) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        await talk.ask("hello")
        talk.session.begin_turn()
        async with GaServer("normal", port=closed_port) as straight:
            await talk.wait_for(lambda: straight.attempts)
            await asyncio.sleep(0.5)
            assert talk.session.line.way == "http", "somebody is speaking"
            talk.session.drop_turn()
            await talk.wait_for(lambda: "link_websocket" in talk.notices())


async def test_a_key_takes_the_call_back_at_once(closed_port: int) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        talk.session.lines._detour._wait_s = 600.0
        await talk.ask("hello")
        async with GaServer("normal", port=closed_port):
            talk.session.redial()
            await talk.wait_for(lambda: "link_websocket" in talk.notices())


async def test_a_refused_key_is_never_worked_around() -> None:
    async with (
        GaServer("normal", api_key="sk-right") as straight,
        talking(straight.url) as talk,
    ):
        await talk.wait_for(lambda: talk.of(RefusedError))
        assert talk.session.snapshot().phase == "offline"
        assert talk.session.line.way == "websocket"
        assert talk.other.log.directions("in") == []


async def test_a_line_that_breaks_later_is_no_reason_to_leave_the_websocket() -> None:
    async with GaServer("normal") as straight, talking(straight.url) as talk:
        await talk.wait_for(lambda: talk.of(SessionReady))
        await straight.control({"do": "reset"})
        await talk.wait_for(lambda: talk.of(LinkError))
        assert talk.session.line.way == "websocket"


async def test_when_the_other_way_breaks_the_straight_one_is_tried_first(closed_port: int) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        talk.session.lines._detour._wait_s = 600.0
        await talk.ask("hello")
        async with GaServer("normal", port=closed_port):
            await talk.other.control({"do": "reset"})
            await talk.wait_for(lambda: "link_websocket" in talk.notices())
            assert talk.session.line.way == "websocket"
            assert talk.notices().count("link_http") == 1


async def test_when_the_other_way_fails_too_the_first_reason_is_told(closed_port: int) -> None:
    async with talking(f"ws://127.0.0.1:{closed_port}/v1/realtime") as talk:
        await talk.other.__aexit__()
        await talk.wait_for(lambda: talk.of(VoiceChatError))
        (error,) = talk.of(VoiceChatError)
        assert str(closed_port) in str(error)


@pytest.mark.parametrize(
    ("error", "is_worked_around"),
    [
        (LinkError("broken"), True),
        (ServiceError("overloaded"), True),
        (UpgradeRefusedError("a page of a gateway"), True),
        (RefusedError("key"), False),
        (TlsError("certificate"), False),
        (ProxyRefusedError("password"), False),
        (ConfigError("address"), False),
    ],
)
def test_what_only_the_user_can_mend_is_not_worked_around(
    error: VoiceChatError, *, is_worked_around: bool
) -> None:
    dialect = OpenAIDialect(Settings(STRAIGHT))
    other = Target(dialect, lambda: websocket.connect("ws://127.0.0.1/", {}, proxy=None), OTHER)
    line = replace(other, model=STRAIGHT, instead=lambda: other)
    assert (Fallback().next_target(line, error) is other) is is_worked_around


def test_a_line_without_another_way_stays_as_it_is() -> None:
    dialect = OpenAIDialect(Settings(STRAIGHT))
    line = Target(dialect, lambda: websocket.connect("ws://127.0.0.1/", {}, proxy=None), STRAIGHT)
    assert Fallback().next_target(line, LinkError("broken")) is None


async def test_typed_text_that_a_model_never_answers_is_answered_the_other_way() -> None:
    async with GlmServer() as straight, talking("ws://127.0.0.1:9/") as talk:
        dialect = GlmDialect(replace(talk.settings, model="glm-realtime", url=straight.url))
        headers = dialect.headers()
        link = lambda: websocket.connect(dialect.url(), headers, proxy=None)  # noqa: E731
        talk.session.redial(lambda: Target(dialect, link, "glm-realtime", instead=talk.detour))
        await talk.wait_for(lambda: talk.session.line.model == "glm-realtime")
        await talk.wait_for(lambda: talk.session.snapshot().phase == "ready")
        await talk.ask("hello")
        assert talk.session.line.model == OTHER
        assert [role for role, _ in talk.said()] == ["user", "assistant"]
        assert items(talk.other) == [("user", "hello")]
        assert all(row.state is State.DONE for row in talk.session.conversation.rows)
        assert not [event for event in talk.of(ReplyFinished) if event.status == "failed"]
        await asyncio.sleep(0.5)
        assert talk.session.line.model == OTHER  # Only the user knows when to go back.
