"""One live conversation, start to end: the whole data flow, readable downwards.

    microphone -> resample -> gate -> dialect                              (uplink)
    dialect -> link                                                        (writer)
    link -> dialect -> events -> conversation, playout, journal, listener  (downlink)
    playout -> ring -> loudspeaker                                         (pump, in engine.py)

One task reads the link and one writes it.

A session outlives its connections: the conversation, the sound card and the journal stay while
`redial` changes the model or tries again.  It owns the only TaskGroup.  It decides nothing about
providers, sound cards or screens; it carries things between them.

The rule of this file: mutate the dialect, then wake the writer; nobody else touches the link.  Two
tasks flushing one socket reorder messages (audio would land between a commit and its
response.create).
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from voicechat.audio.jitter import Stats
from voicechat.audio.pcm import HOUSE_RATE
from voicechat.audio.resample import Resampler
from voicechat.conversation import Conversation, Row, State
from voicechat.engine import Engine
from voicechat.errors import DeviceError, LinkError, RefusedError, VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    Resumable,
    SendAudio,
    SendText,
    SessionEnding,
    SessionExpired,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    Usage,
)
from voicechat.gate import Gate
from voicechat.journal import Recorder
from voicechat.links.websocket import Link, LinkClosed
from voicechat.providers.base import Dialect
from voicechat.text import clean
from voicechat.turn import Turn

SOUND_WAIT_S = 1.5
"""How long a connected line waits for the sound card to say whether it works."""
TICK_S = 0.25
SHORTEST_TURN_MS = 100
TOO_SHORT = "That was too short: press Space, speak, then press Space again"

Listener = Callable[[Event | VoiceChatError], None]


@dataclass(frozen=True, slots=True)
class Line:
    """A model to talk to: its language, and how to reach it."""

    dialect: Dialect
    link: Callable[[], AbstractAsyncContextManager[Link]]
    model: str
    """As shown to the user."""
    notice: str = ""
    """Something to be told once, e.g. that a retired name led to its successor."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a screen polls; everything else is pushed to the listener."""

    phase: str
    """`connecting`, `offline`, `ready`, `listening`, `thinking` or `speaking`."""
    is_live: bool
    """Whether what the microphone hears goes to the model now."""
    microphone_dbfs: float
    loudspeaker_dbfs: float
    playout: Stats | None
    latency_ms: int | None
    """From the end of the user's last turn to the first sound (or word) of the reply."""
    cost_usd: float | None
    """Of all replies so far; None while none had a known price."""


class Session:
    """Talk to one model after another; ends when `run` is cancelled.

    Args:
        dial: Makes the line; called again by `redial`.
        engine: The sound, both ways; may have no card.
        listener: Gets every event after it was folded in, and every error that ends a line.
    """

    def __init__(
        self,
        dial: Callable[[], Line],
        conversation: Conversation,
        engine: Engine,
        journal: Recorder,
        listener: Listener,
        *,
        hands_free: bool = False,
        trace: Callable[[str, str | bytes], None] | None = None,
        price: Callable[[str, Usage], float | None] | None = None,
    ) -> None:
        self.conversation = conversation
        self.journal = journal
        self.gate = Gate(hands_free=hands_free)
        self.problem: VoiceChatError | None = None
        self.line = dial()
        self.proxy_label = ""
        self.cost_usd: float | None = None
        self.engine = engine
        engine.tell = self._tell_of_sound
        self._loop = asyncio.get_running_loop()
        self._dial = dial
        self._listener = listener
        self._trace = trace or _no_trace
        self._price = price or _no_price
        self._wake = asyncio.Event()
        self._redial = asyncio.Event()
        self._leg: asyncio.Task[None] | None = None
        self._resampler = Resampler(HOUSE_RATE, HOUSE_RATE)
        self._uplink_rate = HOUSE_RATE
        self._turn = Turn()
        self._waiting: list[SendText] = []
        self._told: set[str] = set()
        self._handle = ""
        """Of the provider's session, where it can be taken up again on another line."""

    # -- what a front end may ask ---------------------------------------------------------------

    def say(self, text: str) -> Row | None:
        """Send a typed message; whatever is being said now is cut.  None: it was empty."""
        if not (text := clean(text).strip()):
            return None
        self.interrupt()
        row = self.conversation.typed(f"msg_{uuid4().hex[:20]}", text)
        self._record(row)
        self._turn.asked(time.monotonic())
        self.post(SendText(text, row.id))
        return row

    def begin_turn(self) -> None:
        """Push-to-talk pressed.  What was said just before belongs to the turn."""
        if self.gate.is_talking:
            return
        self.interrupt()
        self.post(BeginTurn())
        for pcm in self.gate.press():
            self.post(SendAudio(pcm))

    def end_turn(self) -> None:
        """Push-to-talk released: the model shall answer, unless nothing can have been said.

        What was heard before the key makes no turn by itself: a key touched twice is a mistake.
        """
        if not self.gate.release():
            return
        if self.gate.talked_ms < SHORTEST_TURN_MS:
            self.post(BeginTurn())
            self._tell(Notice("turn_too_short", TOO_SHORT))
            return
        self._turn.asked(time.monotonic())
        self.post(EndTurn())

    def drop_turn(self) -> None:
        """Push-to-talk given up: what was said is forgotten."""
        if self.gate.release():
            self.post(BeginTurn())

    def speak(self, pcm: bytes) -> None:
        """Send sound that did not come from the microphone: PCM16 at the model's input rate."""
        self.gate.count(pcm, self.line.dialect.input_rate)
        self.post(SendAudio(pcm))

    def set_hands_free(self, hands_free: bool) -> None:
        """Who finds the end of a turn: the model's VAD, or the key."""
        self.end_turn()
        self.gate.hands_free, self.gate.muted = hands_free, False
        self.post(SetHandsFree(hands_free))

    def interrupt(self, *, by_server: bool = False) -> None:
        """Silence now; then tell the model how much of its reply was heard."""
        heard = self.engine.interrupt()
        if not heard and not self._turn.is_thinking:
            return
        for part in heard:
            self._cut(self.conversation.cut(part, is_complete=not self._turn.replying))
        self._turn.drop()
        self.post(Interrupt(heard, by_server))

    def post(self, command: Command) -> None:
        """Hand a command to the model's dialect, which keeps it until it may be sent.

        What is typed while there is no line waits for the next one; speech does not.
        """
        if self.problem is None and not self._redial.is_set():
            self.line.dialect.send(command, time.monotonic())
            self._wake.set()
        elif isinstance(command, SendText):
            self._waiting.append(command)

    def redial(self, dial: Callable[[], Line] | None = None) -> None:
        """Connect again, to another model if `dial` is given; the conversation stays."""
        self.interrupt()
        self._handle = "" if dial else self._handle
        self._dial = dial or self._dial
        self._redial.set()
        if self._leg is not None:
            self._leg.cancel()

    def snapshot(self) -> Snapshot:
        return Snapshot(
            phase=self._phase(),
            is_live=self._is_live,
            microphone_dbfs=self.engine.microphone_dbfs,
            loudspeaker_dbfs=self.engine.loudspeaker_dbfs,
            playout=self.engine.stats,
            latency_ms=self._turn.latency_ms,
            cost_usd=self.cost_usd,
        )

    def shown(self, row: Row) -> int:
        """How many characters of a row may be shown, so that words keep step with the sound."""
        if row.state is State.CUT:
            return len(row.heard_text)
        progress = self.engine.progress(row.id) if row.role == "assistant" else None
        if progress is None:
            return len(row.text)
        return row.heard_until(*progress, is_complete=row.is_finished)

    @property
    def has_microphone(self) -> bool:
        return self.engine.has_microphone

    @property
    def _is_live(self) -> bool:
        return self.gate.is_open and (self.has_microphone or self.gate.is_talking)

    def _phase(self) -> str:
        return self._turn.phase(
            has_problem=self.problem is not None,
            is_playing=self.engine.is_playing,
            is_talking=self.gate.is_talking,
            is_live=self._is_live,
        )

    # -- the life of a session ------------------------------------------------------------------

    async def run(self, *, stay: bool = False) -> None:
        """Talk until cancelled; with `stay`, wait for `redial` when a line ends.

        Raises:
            VoiceChatError: the line ended (without `stay`).
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                sounding = tasks.create_task(self._run_sound())
                await self._run_lines(tasks, stay=stay)
                sounding.cancel()
        except* VoiceChatError as group:
            raise _first(group) from None
        finally:
            self._hang_up()

    async def _run_lines(self, tasks: asyncio.TaskGroup, *, stay: bool) -> None:
        while True:
            self._leg = tasks.create_task(self._call(self.line))
            await asyncio.wait([self._leg])
            self._hang_up()
            if not stay and self.problem:
                raise self.problem
            await self._redial.wait()
            self._redial.clear()
            self.line = self._dial()
            dialect = self.line.dialect
            hands_free = self.gate.hands_free  # The user may have changed it since the first line.
            dialect.settings = replace(dialect.settings, hands_free=hands_free, resume=self._handle)

    async def _call(self, line: Line) -> None:
        """One connection, from dialling to its end; its error is kept in `problem`."""
        self.problem, self.journal.model = None, line.model
        while self._waiting:
            self.post(self._waiting.pop(0))
        if line.notice and line.notice not in self._told:
            self._told.add(line.notice)
            self._tell(Notice("model", line.notice))
        try:
            async with line.link() as link, asyncio.TaskGroup() as tasks:
                await self._open(link, line.dialect)
                tasks.create_task(self._writer(link, line.dialect))
                tasks.create_task(self._ticker(line.dialect))
                await self._downlink(link, line.dialect)
        except* VoiceChatError as group:
            self.problem = self._explain(_first(group), line.dialect)
            self._listener(self.problem)

    async def _open(self, link: Link, dialect: Dialect) -> None:
        """The link is up: greet, knowing by now whether there is a loudspeaker."""
        self.proxy_label = link.proxy_label
        await self.engine.wait_tried(SOUND_WAIT_S)
        if self.engine.lacks_loudspeaker:
            dialect.settings = replace(dialect.settings, text_only=True)
        dialect.unix_at_zero = time.time() - time.monotonic()
        dialect.open(time.monotonic())
        self._wake.set()

    def _explain(self, error: VoiceChatError, dialect: Dialect) -> VoiceChatError:
        if isinstance(error, LinkClosed):
            return dialect.closed(error.code or 0, error.reason) or error
        return error

    def _hang_up(self) -> None:
        """The line is gone: nothing on it is still going on."""
        self._turn.hang_up()
        self.gate.release()
        for row in self.conversation.end():
            self._record(row)

    # -- uplink ---------------------------------------------------------------------------------

    async def _run_sound(self) -> None:
        try:
            await self.engine.run(self._uplink)
        except* DeviceError as group:
            self._tell(Notice("no_sound", str(_first(group))))

    def _uplink(self, chunk: bytes) -> None:
        """Microphone to dialect.  Speech from before the line is up waits in the dialect."""
        dialect = self.line.dialect
        if dialect.input_rate != self._uplink_rate:
            self._uplink_rate = dialect.input_rate
            self._resampler = Resampler(HOUSE_RATE, dialect.input_rate)
        pcm = self._resampler.process(chunk)
        needs_silence = dialect.profile.silence_when_muted
        passed = self.gate.take(pcm, self._uplink_rate, silence_when_muted=needs_silence)
        if passed is not None:
            self.post(SendAudio(passed))

    async def _writer(self, link: Link, dialect: Dialect) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for message in dialect.data_to_send():
                self._trace("up", message)
                await link.send(message)

    async def _ticker(self, dialect: Dialect) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for event in dialect.tick(time.monotonic()):
                self._take(event)
            self._wake.set()

    # -- downlink -------------------------------------------------------------------------------

    async def _downlink(self, link: Link, dialect: Dialect) -> None:
        async for message in link:
            self._trace("down", message)
            for event in dialect.receive(message, time.monotonic()):
                self._take(event)
            self._wake.set()  # The dialect may have something to say back.

    def _take(self, event: Event) -> None:
        """One event: where it goes, and nothing else."""
        match event:
            case SessionReady():
                self._turn.is_ready = True
                self.engine.start_line(self.line.dialect.output_rate)
            case ReplyStarted(reply_id):
                self._turn.replying = reply_id
            case ReplyAudio(reply_id, item_id, pcm):
                self._play(reply_id, item_id, pcm)
            case ReplyText() if not event.spoken or not self.engine.has_loudspeaker:
                self._turn.answered(time.monotonic())
            case ReplyFinished():
                self._finish(event)
            case SpeechStarted() if self.line.dialect.settings.vad.interrupt:
                self.interrupt(by_server=True)
            case SpeechStopped():
                self._turn.asked(time.monotonic())
            case Resumable(handle):
                self._handle = handle
            case SessionEnding(time_left_s) if time_left_s <= 0:
                self.redial()
            case Notice(code, message):
                if code == "turn_too_short":
                    self._turn.forget_question()
                self.conversation.note(code, message)
        for row in self.conversation.apply(event):
            self._record(row)
        self._listener(event)
        match event:
            case ProviderFailed(_, message, fatal=True):
                raise self._refusal(message)
            case SessionExpired(message):
                raise LinkError(message or "the service ended the session", "connect again")

    def _refusal(self, message: str) -> VoiceChatError:
        return self.line.dialect.closed(0, "") or RefusedError(message)

    def _play(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        self.conversation.reply_row(item_id, reply_id, spoken=True)
        self._turn.answered(time.monotonic())
        self.engine.play(reply_id, item_id, pcm)

    def _finish(self, event: ReplyFinished) -> None:
        self._turn.finished(event.reply_id, failed=event.status == "failed")
        cost = self._price(self.line.model, event.usage) if event.usage else None
        if cost is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost
        self.engine.finish(event.reply_id)

    # -- keeping count --------------------------------------------------------------------------

    def _tell(self, notice: Notice) -> None:
        self.conversation.note(notice.code, notice.message)
        self._listener(notice)

    def _tell_of_sound(self, code: str, message: str) -> None:
        """A device went, came or is silent; noise gates are silent in every pause: told once."""
        if code != "sound_silent" or code not in self._told:
            self._told.add(code)
            self._tell(Notice(code, message))

    def tell_from_thread(self, error: VoiceChatError) -> None:
        """Something went wrong in a thread (the journal's): told where everything is told."""
        with suppress(RuntimeError):  # The loop is gone: nobody is left to be told.
            self._loop.call_soon_threadsafe(self._tell, Notice("not_saved", str(error)))

    def _record(self, row: Row) -> None:
        self.journal.record(row, self.conversation.rows)

    def _cut(self, row: Row | None) -> None:
        if row is not None:
            self._record(row)


def _no_trace(direction: str, message: str | bytes) -> None:
    """Nobody asked for a trace."""


def _no_price(model: str, usage: Usage) -> float | None:
    """Nobody knows the prices."""
    return None


def _first(group: BaseExceptionGroup[VoiceChatError]) -> VoiceChatError:
    """The first of a group's errors, however deep it lies."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
