"""The stand-ins for three services, spoken to in memory, and an observer who writes down what
they were told and what they said.

The stand-ins' own inside is at work, checks of every client message included; only their sockets
are left out, and what they answer is chosen by the weather.
"""

import asyncio
import itertools
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, cast

from tests.fakes import ga_script, gemini_script, glm_script
from tests.fakes.ga_accent import Accent
from tests.fakes.ga_log import WireLog
from tests.fakes.ga_reply import ReplyRun
from tests.fakes.ga_session import GaSession
from tests.fakes.ga_signal import timecode
from tests.fakes.ga_wire import Breakable
from tests.fakes.gemini_answer import Turn
from tests.fakes.gemini_script import ABORTED
from tests.fakes.gemini_server import GeminiServer
from tests.fakes.gemini_session import GeminiSession
from tests.fakes.glm_log import WireLog as GlmLog
from tests.fakes.glm_reply import ReplyRun as GlmReplyRun
from tests.fakes.glm_session import GlmSession
from tests.session.weather import FLOOD_WORDS, Kind, Weather
from tests.session.wires import MemoryLink, Peer, Wire, marks
from voicechat.connection.target import Target
from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect, Settings
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.glm.dialect import GlmDialect
from voicechat.providers.openai.dialect import OpenAIDialect

_FAILURE = {"type": "server_error", "code": "server_error", "message": "The model is not well."}
_MILLIS: dict[Kind, int] = {"normal": 800, "long": 6000, "flood": 8000}


@dataclass(slots=True)
class Observer:
    """Sits at the services."""

    weather: Weather
    dialled: list[float] = field(default_factory=list)
    ages: list[tuple[str, float]] = field(default_factory=list)
    """How old each connection became, and the provider."""
    told: list[Counter[str]] = field(default_factory=list)
    """Which of the user's typed messages each connection got, and how often."""
    answers: list[tuple[str, Wire, int]] = field(default_factory=list)
    """Each answer that was said to its end, and behind how many messages of its line that was."""
    planned: dict[str, float] = field(default_factory=dict)
    """Every answer that was begun, and when."""
    cut_in: list[float] = field(default_factory=list)
    """When the user did something that ends an answer."""
    expired: int = 0
    """Sessions that a service ended because of their age."""
    violations: list[Any] = field(default_factory=list)
    _number: "itertools.count[int]" = field(default_factory=itertools.count)

    def text_of(self, kind: Kind) -> str:
        """What the next answer says; empty for none."""
        if kind in ("empty", "failed", "unanswered"):
            return ""
        more = {"normal": " Yes.", "long": " And so on." * 20, "flood": " word" * FLOOD_WORDS}
        text = f"answer-{next(self._number):06d} to what you said.{more[kind]}"
        self.planned[text] = asyncio.get_running_loop().time()
        return text

    def said(self, text: str, wire: Wire, *, more: int = 0) -> None:
        """An answer is complete with what was sent so far and `more` messages."""
        if text in self.planned:
            count = len(wire.down.taken) + len(wire.down.waiting) + more
            self.answers.append((text, wire, count))

    def arrived(self) -> list[str]:
        """The answers that reached the client whole, and that the user let come."""
        return [
            text
            for text, wire, count in self.answers
            if len(wire.down.taken) >= count
            and not self._is_cut(self.planned[text], wire.down.taken[count - 1])
        ]

    def _is_cut(self, began: float, ended: float) -> bool:
        at = bisect_right(self.cut_in, began)
        return at < len(self.cut_in) and self.cut_in[at] <= ended


class Service:
    """One provider's service; `line` makes the lines to it, one after another."""

    kind: ClassVar[type[Dialect]]
    model: ClassVar[str]
    log: WireLog | GlmLog
    """What should not have been."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.wire: Wire | None = None
        """The one that is up."""
        self.serving: set[asyncio.Task[None]] = set()

    def line(self) -> Target:
        dialect = self.kind(Settings(self.model, "sk-any"))
        return Target(dialect, self._dial, self.model)

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[Link]:
        observer, loop = self.observer, asyncio.get_running_loop()
        observer.dialled.append(loop.time())
        if refusal := observer.weather.refusal():
            await asyncio.sleep(0.05)
            raise refusal
        told: Counter[str] = Counter()
        observer.told.append(told)
        wire, began = Wire(), loop.time()
        peer = Peer(wire, len(observer.told), lambda raw: told.update(marks(raw)))
        self._start(self._serve(cast(Breakable, peer), wire))
        self.wire = wire
        try:
            yield MemoryLink(wire)
        finally:
            wire.close(1000, by_us=True)
            self.wire = None
            observer.ages.append((self.kind.profile.name, loop.time() - began))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """A service may hear of our end later than we do."""
        task = asyncio.create_task(work)
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def _serve(self, peer: Breakable, wire: Wire) -> None:
        raise NotImplementedError

    async def expire(self, wire: Wire, after_s: float, code: int, reason: str) -> None:
        """End a session that became too old."""
        await asyncio.sleep(after_s)
        if not wire.is_over:
            self.observer.expired += 1
            wire.close(code, reason)


@cache
def _sound(ms: int) -> bytes:
    return timecode(7, ms)


# -- OpenAI ----------------------------------------------------------------------------------------


class _GaLog(WireLog):
    """Keeps what should not have been."""

    def message(self, conn: int, direction: str, message: Any, total_bytes: int) -> None:
        """Forgotten: a day has millions."""

    def add(self, conn: int, direction: str, **data: Any) -> dict[str, Any]:
        if direction == "violation" or data.get("note") == "bug":
            return super().add(conn, direction, **data)
        return {}


class OpenAIService(Service):
    kind, model = OpenAIDialect, "gpt-realtime-2.1"
    log: _GaLog
    longest_s = 3600.0

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.log = _GaLog()
        self._timecodes = itertools.count()
        self._script = replace(ga_script.SCRIPTS["normal"], rate_limits=False, delta_ms=200)

    async def _serve(self, peer: Breakable, wire: Wire) -> None:
        session = _TalkingGa(
            peer, self._script, self.log, self._timecodes, self.model, 500.0, Accent("ga")
        )
        session.observer, session.line = self.observer, wire
        words = "Your session hit the maximum duration of 60 minutes."
        session.start(self.expire(wire, self.longest_s, 1001, words))
        await session.run()


class _TalkingGa(GaSession):
    observer: Observer
    line: Wire

    def reply(self, request: dict[str, Any], plan: ga_script.Reply | None = None) -> None:
        kind = self.observer.weather.reply()
        if kind == "unanswered":
            return
        failure = _FAILURE if kind == "failed" else None
        text = self.observer.text_of(kind)
        super().reply(request, ga_script.Reply(text, _MILLIS.get(kind, 0), failure=failure))

    def sound_of(self, item_id: str, reply: ga_script.Reply) -> bytes:
        return _sound(reply.audio_ms)

    async def _play(self, run: ReplyRun) -> None:
        await super()._play(run)
        if run.reason is None:
            self.observer.said(run._plan.text, self.line)


# -- GLM -------------------------------------------------------------------------------------------


class _GlmLog(GlmLog):
    """Keeps what should not have been."""

    def message(self, conn: int, direction: str, message: dict[str, Any]) -> None:
        """Forgotten: a day has millions."""

    def add(self, conn: int, direction: str, **data: Any) -> None:
        if direction == "violation" or data.get("note") == "bug":
            super().add(conn, direction, **data)


class GlmService(Service):
    kind, model = GlmDialect, "glm-realtime"
    log: _GlmLog
    longest_s = 3600.0

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.log = _GlmLog()
        self._script = replace(glm_script.SCRIPTS["normal"], answers_text=True)

    async def _serve(self, peer: Breakable, wire: Wire) -> None:
        session = _TalkingGlm(peer, self._script, self.log, peer.attempt)
        session.observer, session.line = self.observer, wire
        session._start(self.expire(wire, self.longest_s, 1001, "session expired"))
        await session.run()


class _TalkingGlm(GlmSession):
    observer: Observer
    line: Wire

    async def _reply(self) -> None:
        self.now = self.observer.weather.reply()
        if self.now != "unanswered":
            await super()._reply()

    def _next_plan(self) -> glm_script.Reply:
        failure = _FAILURE if self.now == "failed" else None
        text = self.observer.text_of(self.now)
        return glm_script.Reply(text, _MILLIS.get(self.now, 0), failure=failure)

    def _over(self, run: GlmReplyRun) -> None:
        super()._over(run)
        if not run.is_cancelled:
            self.observer.said(run.plan.text, self.line, more=1)


# -- Gemini ----------------------------------------------------------------------------------------


class _GeminiLog(_GaLog):
    """Without the refusals of handles whose line still lives here: only the network knows that."""

    def add(self, conn: int, direction: str, **data: Any) -> dict[str, Any]:
        return {} if data.get("code") == 1011 else super().add(conn, direction, **data)


class GeminiService(Service):
    kind, model = GeminiDialect, "gemini-3.8-live"
    longest_s = 600.0
    warns_s = 50.0

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.server = GeminiServer(replace(gemini_script.SCRIPTS["normal"], go_away_s=1.0))
        self.server.log = self.log = _GeminiLog()

    async def _serve(self, peer: Breakable, wire: Wire) -> None:
        session = _TalkingGemini(self.server, peer, peer.attempt)
        session.observer, session.line, session.service = self.observer, wire, self
        await session.run()


class _TalkingGemini(GeminiSession):
    observer: Observer
    line: Wire
    service: GeminiService
    now: Kind = "normal"

    async def _go_away(self) -> None:
        service = self.service
        await asyncio.sleep(service.longest_s - service.warns_s)
        await self.send({"goAway": {"timeLeft": f"{service.warns_s:.0f}s"}})
        await service.expire(self.line, service.warns_s, *ABORTED)

    def answer(self, user_text: str) -> None:
        self.now = self.observer.weather.reply()
        if self.now == "failed":
            self._start(self.send({"error": gemini_script._ERROR}))
        elif self.now != "unanswered":
            super().answer(user_text)

    def recalled(self, plan: gemini_script.Answer) -> gemini_script.Answer:
        return gemini_script.Answer(self.observer.text_of(self.now), _MILLIS.get(self.now, 0))

    async def _begin(self, turn: Turn) -> None:
        await super()._begin(turn)
        if not turn._is_cut.is_set():
            self.observer.said(turn._answer.text, self.line)


SERVICES: tuple[Callable[[Observer], Service], ...] = (OpenAIService, GeminiService, GlmService)
