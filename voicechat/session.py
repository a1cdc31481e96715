"""One live conversation, start to end: the whole data flow, readable downwards.

    microphone -> resample -> gate -> dialect                              (uplink)
    dialect -> link                                                        (writer)
    link -> dialect -> events -> conversation, playout, journal, listener  (downlink)
    playout -> ring -> loudspeaker                                         (pump)

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

from voicechat.audio.devices import Microphone, SoundCard
from voicechat.audio.jitter import Stats
from voicechat.audio.pcm import HOUSE_RATE, level_dbfs
from voicechat.audio.playout import Playout
from voicechat.audio.resample import Resampler
from voicechat.conversation import Conversation, Row, State
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
    SendAudio,
    SendText,
    SessionExpired,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
)
from voicechat.gate import Gate
from voicechat.journal import Recorder
from voicechat.links.websocket import Link, LinkClosed
from voicechat.providers.base import Dialect
from voicechat.text import clean

TICK_S = 0.25
PUMP_S = 0.01
SILENCE_DBFS = -96.0

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


class Session:
    """Talk to one model after another; ends when `run` is cancelled.

    Args:
        dial: Makes the line; called again by `redial`.
        sound: The sound card, or None for text only.
        listener: Gets every event after it was folded in, and every error that ends a line.
    """

    def __init__(
        self,
        dial: Callable[[], Line],
        conversation: Conversation,
        journal: Recorder,
        listener: Listener,
        *,
        sound: SoundCard | None = None,
        hands_free: bool = False,
        buffer_ms: int = 100,
        volume: float = 1.0,
        trace: Callable[[str, str | bytes], None] | None = None,
    ) -> None:
        self.conversation = conversation
        self.journal = journal
        self.gate = Gate(hands_free=hands_free)
        self.problem: VoiceChatError | None = None
        self.line = dial()
        self.proxy_label = ""
        self.usage: list[tuple[str, ReplyFinished]] = []
        self.volume = volume
        self._loop = asyncio.get_running_loop()
        self._dial = dial
        self._listener = listener
        self._sound = sound
        self._sound_tried = asyncio.Event()
        self._buffer_ms = buffer_ms
        self._trace = trace or _no_trace
        self._wake = asyncio.Event()
        self._due = asyncio.Event()
        self._redial = asyncio.Event()
        self._leg: asyncio.Task[None] | None = None
        self._playout: Playout | None = None
        self._is_ready = False
        self._replying = ""
        self._asked_at: float | None = None
        self._latency_ms: int | None = None
        self._microphone_dbfs = self._loudspeaker_dbfs = SILENCE_DBFS

    # -- what a front end may ask ---------------------------------------------------------------

    def say(self, text: str) -> Row | None:
        """Send a typed message; whatever is being said now is cut.  None: it was empty."""
        if not (text := clean(text).strip()):
            return None
        self.interrupt()
        row = self.conversation.typed(f"msg_{uuid4().hex[:20]}", text)
        self._record(row)
        self._asked()
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
        """Push-to-talk released: the model shall answer."""
        if self.gate.release():
            self._asked()
            self.post(EndTurn())

    def drop_turn(self) -> None:
        """Push-to-talk given up: what was said is forgotten."""
        if self.gate.release():
            self.post(BeginTurn())

    def speak(self, pcm: bytes) -> None:
        """Send sound that did not come from the microphone: PCM16 at the model's input rate."""
        self.post(SendAudio(pcm))

    def set_hands_free(self, hands_free: bool) -> None:
        """Who finds the end of a turn: the model's VAD, or the key."""
        self.end_turn()
        self.gate.hands_free, self.gate.muted = hands_free, False
        self.post(SetHandsFree(hands_free))

    def interrupt(self, *, by_server: bool = False) -> None:
        """Silence now; then tell the model how much of its reply was heard."""
        heard = self._playout.interrupt() if self._playout else ()
        if not heard and not self._replying and self._asked_at is None:
            return
        for part in heard:
            self._cut(self.conversation.cut(part, is_complete=not self._replying))
        self._replying, self._asked_at = "", None
        self.post(Interrupt(heard, by_server))

    def post(self, command: Command) -> None:
        """Hand a command to the model's dialect, which keeps it until it may be sent."""
        self.line.dialect.send(command, time.monotonic())
        self._wake.set()

    def redial(self, dial: Callable[[], Line] | None = None) -> None:
        """Connect again, to another model if `dial` is given; the conversation stays."""
        self._dial = dial or self._dial
        self._redial.set()
        if self._leg is not None:
            self._leg.cancel()

    def snapshot(self) -> Snapshot:
        playout = self._playout
        return Snapshot(
            phase=self._phase(),
            is_live=self._is_live,
            microphone_dbfs=self._microphone_dbfs,
            loudspeaker_dbfs=self._loudspeaker_dbfs if self.is_playing else SILENCE_DBFS,
            playout=playout.stats() if playout else None,
            latency_ms=self._latency_ms,
        )

    def shown(self, row: Row) -> int:
        """How many characters of a row may be shown, so that words keep step with the sound."""
        if row.role != "assistant" or row.state is State.CUT or not row.spoken:
            return len(row.heard_text if row.state is State.CUT and row.heard_ms else row.text)
        if self._playout is None or not self._playout.is_pending(row.id):
            return len(row.text)
        heard, received = self._playout.heard_ms(row.id), self._playout.received_ms(row.id)
        return row.heard_until(heard, received, is_complete=row.is_finished)

    @property
    def has_microphone(self) -> bool:
        return self._sound is not None and self._sound.microphone is not None

    @property
    def is_playing(self) -> bool:
        return self._playout is not None and not self._playout.is_idle

    @property
    def _is_live(self) -> bool:
        return self.gate.is_open and (self.has_microphone or self.gate.is_talking)

    def _phase(self) -> str:
        if not self._is_ready:
            return "offline" if self.problem else "connecting"
        if self.is_playing:
            return "speaking"
        if self.gate.is_talking:
            return "listening"
        if self._asked_at is not None or self._replying:
            return "thinking"
        return "listening" if self._is_live else "ready"

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
            self._end()

    async def _run_lines(self, tasks: asyncio.TaskGroup, *, stay: bool) -> None:
        while True:
            self._leg = tasks.create_task(self._call(self.line))
            await asyncio.wait([self._leg])
            self._is_ready, self._replying, self._asked_at = False, "", None
            self.gate.release()
            if not stay and self.problem:
                raise self.problem
            await self._redial.wait()
            self._redial.clear()
            self.line = self._dial()

    async def _call(self, line: Line) -> None:
        """One connection, from dialling to its end; its error is kept in `problem`."""
        self.problem, self.journal.model = None, line.model
        if line.notice:
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
        await self._sound_tried.wait()
        speaker = self._sound.speaker if self._sound else None
        if self._sound and speaker is None:
            dialect.settings = replace(dialect.settings, text_only=True)
        rate = dialect.profile.output_rate
        self._playout = Playout(speaker, rate, self._buffer_ms) if speaker else None
        dialect.open(time.monotonic())
        self._wake.set()

    def _explain(self, error: VoiceChatError, dialect: Dialect) -> VoiceChatError:
        if isinstance(error, LinkClosed):
            return dialect.closed(error.code or 0, error.reason) or error
        return error

    def _end(self) -> None:
        for row in self.conversation.end():
            self._record(row)

    # -- uplink ---------------------------------------------------------------------------------

    async def _run_sound(self) -> None:
        if self._sound is None:
            self._sound_tried.set()
            return
        try:
            await self._sound.open()
        except DeviceError as error:
            self._tell(Notice("no_sound", str(error)))
            return
        finally:
            self._sound_tried.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump())
                tasks.create_task(self._sound.watch())
                if self._sound.microphone:
                    tasks.create_task(self._uplink(self._sound.microphone))
        finally:
            await self._sound.close()

    async def _uplink(self, microphone: Microphone) -> None:
        """Microphone to dialect.  Sound from before the line is up waits in the dialect."""
        resampler, rate = Resampler(HOUSE_RATE, HOUSE_RATE), HOUSE_RATE
        async for chunk in microphone.chunks():
            self._microphone_dbfs = level_dbfs(chunk)
            profile = self.line.dialect.profile
            if profile.input_rate != rate:
                resampler, rate = Resampler(HOUSE_RATE, profile.input_rate), profile.input_rate
            pcm = resampler.process(chunk)
            passed = self.gate.take(pcm, rate, silence_when_muted=profile.silence_when_muted)
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
                self._is_ready = True
            case ReplyStarted(reply_id):
                self._replying = reply_id
            case ReplyAudio(reply_id, item_id, pcm):
                self._play(reply_id, item_id, pcm)
            case ReplyText(reply_id) if not event.spoken or self._playout is None:
                self._answered()
            case ReplyFinished():
                self._finish(event)
            case SpeechStarted():
                self.interrupt(by_server=True)
            case SpeechStopped():
                self._asked()
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
        if self._playout is None:
            return
        self._answered()
        self._playout.volume = self.volume
        self._playout.insert(reply_id, item_id, pcm)
        self._loudspeaker_dbfs = level_dbfs(pcm)
        self._due.set()

    def _finish(self, event: ReplyFinished) -> None:
        if self._replying in ("", event.reply_id):
            self._replying, self._asked_at = "", None
        if event.usage:
            self.usage.append((self.line.model, event))
        if self._playout:
            self._playout.finish(event.reply_id)
            self._due.set()

    async def _pump(self) -> None:
        """Playout: keep the loudspeaker's ring filled while there is something to play."""
        while True:
            await self._due.wait()
            self._due.clear()
            while self._playout is not None and self._playout.pump():
                await asyncio.sleep(PUMP_S)

    # -- keeping count --------------------------------------------------------------------------

    def _asked(self) -> None:
        self._asked_at = time.monotonic()

    def _answered(self) -> None:
        if self._asked_at is not None:
            self._latency_ms = round((time.monotonic() - self._asked_at) * 1000)
            self._asked_at = None

    def _tell(self, notice: Notice) -> None:
        self.conversation.note(notice.code, notice.message)
        self._listener(notice)

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


def _first(group: BaseExceptionGroup[VoiceChatError]) -> VoiceChatError:
    """The first of a group's errors, however deep it lies."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
