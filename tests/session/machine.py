"""One session under any order of events: a machine whose steps are chosen by bytes.

Two bytes make a step: what happens, and which of its kind.  The user acts through the session's
public doors, the service says anything at any time, lines end in every way and are not to be had,
and time passes.  After each step what always holds is looked at; after the last one a good line
comes, on which all that was typed must have been told.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from tests.session import utterances
from tests.session.card import VirtualCard
from tests.session.wires import MARK, MemoryLink, Wire, marks
from voicechat.audio.engine import Engine
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.journal import NullJournal
from voicechat.errors import LinkError, RefusedError, ServiceError, VoiceChatError
from voicechat.events import Event, ReplyAudio
from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect, Settings
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.glm.dialect import GlmDialect
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.session import Session

SPEECH = b"\x00\x10" * 1200
CUT_S = 0.12
"""In which what was in the loudspeaker already may still be heard after a cut."""
_HELLO = {
    "openai": ({"type": "session.created", "session": {"id": "s"}}, {"type": "session.updated"}),
    "glm": ({"type": "session.created", "session": {"id": "s"}}, {"type": "session.updated"}),
    "gemini": (None, {"setupComplete": {}}),
}
_KINDS: dict[str, tuple[type[Dialect], str, list[utterances.Say]]] = {
    "openai": (OpenAIDialect, "gpt-realtime-2.1", utterances.GA),
    "gemini": (GeminiDialect, "gemini-3.8-live", utterances.GEMINI),
    "glm": (GlmDialect, "glm-realtime", utterances.GLM),
}
PROVIDERS = tuple(_KINDS)
_ENDS = (None, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 3000, 4000, 4999)
_SETTLES = 4
"""Turns of the loop until what was begun is done."""
_WAITS_S = (0.0, 0.0, 0.01, 0.01, 0.1, 0.1, 0.5, 0.0, 0.0, 0.02, 0.02, 0.2, 2.0)
_LONG_S = (6.0, 12.0, 31.0)


class Machine:
    """A session, its user and its service."""

    def __init__(self, provider: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.kind, self.model, self.says = _KINDS[provider]
        self.provider = provider
        self.wire: Wire | None = None
        self.is_rude = False
        """The service does not greet."""
        self.refusals: list[VoiceChatError] = []
        self.typed: list[str] = []
        self.told: list[Counter[str]] = []
        self.cut_at: dict[str, float] = {}
        """When the user ended a reply."""
        self.names: dict[int, str] = {}
        """Whose sound has a loudness."""
        self.heard = [""]
        """Whose sound was heard, in order."""
        self.wrong: list[str] = []
        card = cast(Any, VirtualCard(self._ear))
        self.session = Session(
            self._line, Conversation(), Engine(card), NullJournal(), self._listen
        )
        self.running = asyncio.create_task(self.session.run(stay=True))
        self.acts: list[Callable[[int], object]] = [
            lambda n: None,  # What a run shrinks to.
            *[self._serve] * 9,
            self._type,
            self._type,
            self._begin,
            self._speak,
            lambda n: self.session.end_turn(),
            lambda n: self.session.drop_turn(),
            self._interrupt,
            lambda n: self.session.set_hands_free(bool(n % 2)),
            self._redial,
            self._end_line,
            self._refuse,
            self._be_rude,
            self._hello,
            self._wait,
        ]

    # -- lines ----------------------------------------------------------------------------------

    def _line(self) -> Target:
        return Target(self.kind(Settings(self.model, "sk-any")), self._dial, self.model)

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[Link]:
        if self.refusals:
            raise self.refusals.pop()
        wire, told = Wire(), Counter[str]()
        self.wire = wire
        self.told.append(told)
        reading = asyncio.ensure_future(self._read(wire, told))
        try:
            if not self.is_rude:
                self._hello(0)
            yield MemoryLink(wire)
        finally:
            wire.close(1000, by_us=True)
            await reading
            self.wire = None

    async def _read(self, wire: Wire, told: "Counter[str]") -> None:
        first, second = _HELLO[self.provider]
        while (message := await wire.up.take()) is not None:
            told.update(marks(message))
            if not self.is_rude and ('"session.update"' in message or '"setup"' in message):
                self._send(second)

    def _hello(self, n: int) -> None:
        first, _ = _HELLO[self.provider]
        if first is not None:
            self._send(first)

    def _send(self, message: Any) -> None:
        if self.wire is not None and not self.wire.is_over:
            self.wire.down.put(utterances.as_text(message))

    def _serve(self, n: int) -> None:
        self._send(self.says[n % len(self.says)](n // len(self.says)))

    def _end_line(self, n: int) -> None:
        if self.wire is not None:
            code = _ENDS[n // 2 % len(_ENDS)]
            if code is None and n % 2:
                self.wire.reset()
            else:
                self.wire.close(code, "a reason")

    def _refuse(self, n: int) -> None:
        errors = (
            LinkError("nothing listens there"),
            ServiceError("overloaded", retry_after_s=7.0),
            RefusedError("no such key"),
        )
        self.refusals = [errors[n % 3]] * (n // 3 % 4)

    def _be_rude(self, n: int) -> None:
        self.is_rude = bool(n % 3)

    # -- the user -------------------------------------------------------------------------------

    def _type(self, n: int) -> None:
        self.typed.append(f"typed-{len(self.typed):06d} said")
        self._cut()
        assert self.session.say(self.typed[-1])

    def _begin(self, n: int) -> None:
        if not self.session.gate.is_talking:
            self._cut()
        self.session.begin_turn()

    def _speak(self, n: int) -> None:
        for _ in range(1 + n % 4):
            self.session.speak(SPEECH)

    def _interrupt(self, n: int) -> None:
        self._cut()
        self.session.interrupt()

    def _redial(self, n: int) -> None:
        self._cut()
        self.session.redial(self._line if n % 2 else None)

    def _cut(self) -> None:
        """Nothing of what is known so far may be heard from now on."""
        for name in self.names.values():
            self.cut_at.setdefault(name, self.loop.time())

    async def _wait(self, n: int) -> None:
        if n < 64:
            await asyncio.sleep(_LONG_S[n % len(_LONG_S)])

    # -- the ear --------------------------------------------------------------------------------

    def _listen(self, event: Event | VoiceChatError) -> None:
        if isinstance(event, ReplyAudio):
            level = int.from_bytes(event.pcm[:2], "little")
            self.names[level] = f"{len(self.told)}: {event.reply_id}"

    def _ear(self, at: float, level: int) -> None:
        name = self.names.get(level, "")  # Fades have any loudness.
        if name and at > self.cut_at.get(name, at) + CUT_S:
            self.wrong.append(f"heard {at - self.cut_at[name]:.2f} s after its end: {name}")
        if name and name in self.heard[:-1]:
            self.wrong.append(f"heard again: {name} after {self.heard[-1]}")
        if name and name != self.heard[-1]:
            self.heard.append(name)

    # -- a run ----------------------------------------------------------------------------------

    async def run(self, program: bytes) -> None:
        """Take the steps, and come to an end."""
        for at in range(0, len(program) - 1, 2):
            act = self.acts[program[at] % len(self.acts)]
            if asyncio.iscoroutine(done := act(program[at + 1])):
                await done
            await self._pass(_WAITS_S[program[at] // len(self.acts)])
            self._look()
        await self._end()

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        turns = 0
        while turns < _SETTLES or (turns < 20 * _SETTLES and self._is_between):
            await asyncio.sleep(0)
            turns += 1

    @property
    def _is_between(self) -> bool:
        """The line has ended, and the session is about to notice."""
        turn, is_lost = self.session._turn, self.wire is None
        return is_lost and (self.session.lines.is_ready or turn.is_heard or bool(turn.replying))

    def _look(self) -> None:
        session = self.session
        assert not self.wrong, self.wrong
        assert not self.running.done(), f"it ended: {self.running.exception()!r}"
        rows = session.conversation.rows
        typed = [row.text for row in rows if row.role == "user" and MARK.search(row.text)]
        assert typed == self.typed, "typed rows"
        assert len({row.id for row in rows}) == len(rows), "two rows of one name"
        turn = session._turn
        if self.session.lines.is_ready:
            assert session.problem is None, "a problem on a good line"
        else:
            assert self.wire or not (turn.is_heard or turn.replying), "a turn without a line"
        if session.problem is not None:
            assert session.snapshot().phase == "offline", "a problem, and no word of it"

    async def _end(self) -> None:
        """A good line comes; what was typed is known there."""
        self.refusals, self.is_rude = [], False
        await self._pass(0.02)
        self.session.redial(self._line)
        await self._pass(0.5)
        assert self.session.lines.is_ready, "no line in the end"
        assert self.session.problem is None
        assert self.session.lines._outbox.is_empty, "still in the outbox"
        known = self.told[-1]
        assert not [mark for mark, count in known.items() if count > 1], "told twice"
        everywhere = set[str]().union(*self.told)
        missing = [text[:12] for text in self.typed if text[:12] not in everywhere]
        assert not missing, f"never told: {missing}"

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.wait([self.running])


async def play(provider: str, program: bytes) -> None:
    """One run; raises where something does not hold."""
    random.seed(0)
    machine = Machine(provider)
    try:
        await machine.run(program)
    finally:
        await machine.close()
