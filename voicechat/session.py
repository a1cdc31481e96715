"""One live conversation, start to end: the whole data flow, readable downwards.

    microphone -> resample -> gate -> dialect                              (uplink)
    dialect -> link                                                        (writer)
    link -> dialect -> events -> conversation, playout, journal, listener  (downlink)
    playout -> ring -> loudspeaker                                         (pump, in engine.py)

Each connection is a `Call` (one task reads its link, one writes it).  A session outlives them: the
conversation, the sound card and the journal stay while `redial` changes the model or tries again.
It decides nothing about providers, sound cards or screens; it carries things between them.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from voicechat import capability
from voicechat.audio.jitter import Stats
from voicechat.audio.pcm import HOUSE_RATE
from voicechat.audio.resample import Resampler
from voicechat.call import Call, first
from voicechat.conversation import Conversation, Row, State
from voicechat.detour import Detour
from voicechat.engine import Engine
from voicechat.errors import (
    DeviceError,
    LinkError,
    RefusedError,
    ServiceError,
    UnansweredError,
    VoiceChatError,
)
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    InputFailed,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    Resumable,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionEnding,
    SessionExpired,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    Usage,
)
from voicechat.gate import Gate
from voicechat.journal import Recorder
from voicechat.line import Line
from voicechat.links.websocket import Link, LinkClosed
from voicechat.outbox import Outbox
from voicechat.pictures import Picture
from voicechat.providers.base import Dialect, Past
from voicechat.text import clean
from voicechat.tools.toolbox import Toolbox
from voicechat.turn import Turn

SOUND_WAIT_S = 1.5
"""How long a connected line waits for the sound card to say whether it works."""
SHORTEST_TURN_MS = 100
TEXT_IGNORED = "text_ignored"
"""What events are called that tell of typed text which the model never answers."""
TOOLS_WAIT_S = 5.0
"""How long a connected line waits for servers of tools to say what they have."""
TOO_SHORT = "That was too short: press Space, speak, then press Space again"

Listener = Callable[[Event | VoiceChatError], None]


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
        toolbox: Toolbox | None = None,
    ) -> None:
        self.conversation = conversation
        self.journal = journal
        self.gate = Gate(hands_free=hands_free)
        self.problem: VoiceChatError | None = None
        self.line = dial()
        self._call_now = Call(self.line, self._take, trace)
        self.proxy_label = ""
        self.cost_usd: float | None = None
        self.engine = engine
        engine.tell = self._tell_of_sound
        self._loop = asyncio.get_running_loop()
        self._dial = dial
        self._listener = listener
        self._trace = trace
        self._price = price or _no_price
        self._redial = asyncio.Event()
        self._leg: asyncio.Task[None] | None = None
        self._resampler = Resampler(HOUSE_RATE, HOUSE_RATE)
        self._uplink_rate = HOUSE_RATE
        self._turn = Turn()
        self._outbox = Outbox()
        self._detour = Detour()
        self.toolbox = toolbox or Toolbox({}, {}, {})
        self.toolbox.tell = lambda code, line: self._tell(Notice(code, line))
        self._told: set[str] = set()
        self._handle = ""
        """Of the provider's session, where it can be taken up again on another line."""

    # -- what a front end may ask ---------------------------------------------------------------

    def say(self, text: str) -> Row | None:
        """Send a typed message; whatever is being said now is cut.

        None: it was empty, or the model reads nothing, which is told.
        """
        if not (text := clean(text).strip()) or self._lacks("text"):
            return None
        self.interrupt()
        row = self.conversation.typed(f"msg_{uuid4().hex[:20]}", text)
        self._record(row)
        self._turn.asked(time.monotonic())
        self.post(SendText(text, row.id))
        return row

    def show(self, picture: Picture, text: str = "") -> Row | None:
        """Send a picture, with words or for the next turn.  None: the model sees nothing (told)."""
        if self._lacks("images"):
            return None
        text = clean(text).strip()
        self.interrupt()
        item_id = f"msg_{uuid4().hex[:20]}"
        row = self.conversation.shown(item_id, picture.label, text)
        self._record(row)
        if text:
            self._turn.asked(time.monotonic())
        self.post(SendImage(picture.data, picture.mime, item_id, text))
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
        if heard:
            self._lacks("truncation")

    def post(self, command: Command) -> None:
        """Hand a command to the model's dialect, which keeps it until it may be sent.

        Until a line is known to be good, what the user says is kept for the next one as well.
        """
        is_up = self.problem is None and not self._redial.is_set()
        is_good = is_up and self._turn.is_ready
        # With no line at all nobody expects to be heard: what is typed waits, what is spoken not.
        if not is_good and (self.problem is None or isinstance(command, SendText | SendImage)):
            self._outbox.keep(command, self.line.dialect.input_rate)
        if is_up:
            self._call_now.send(command)

    def redial(self, dial: Callable[[], Line] | None = None) -> None:
        """Connect again, to another model if `dial` is given; the conversation stays."""
        self.interrupt()
        self._detour.leave()
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
                helpers = [
                    tasks.create_task(self._run_sound()),
                    tasks.create_task(self.toolbox.run()),
                ]
                await self._run_lines(tasks, stay=stay)
                for helper in helpers:
                    helper.cancel()
        except* VoiceChatError as group:
            raise first(group) from None
        finally:
            self._hang_up()

    async def _run_lines(self, tasks: asyncio.TaskGroup, *, stay: bool) -> None:
        while True:
            self._leg = tasks.create_task(self._call(self.line))
            await asyncio.wait([self._leg])
            if not self._redial.is_set() and (instead := self._take_detour()):
                self._change_line(instead)
                continue
            if self.problem and not self._redial.is_set():
                self._listener(self.problem)
            self._hang_up()
            if not stay and self.problem:
                raise self.problem
            await self._redial.wait()
            self._redial.clear()
            self._change_line(self._dial())

    def _take_detour(self) -> Line | None:
        """Another way to the model when this one was never open; what is being said goes on."""
        was_good = self._turn.is_ready
        instead = self._detour.take(self.line, self.problem, was_good=was_good)
        if instead is not None and was_good:
            self._hang_up()
        return instead

    def _change_line(self, line: Line) -> None:
        """The next line knows what was said so far, and how turns are marked now."""
        self.line, dialect = line, line.dialect
        unsent = self._outbox.item_ids
        said = tuple(Past(role, text) for role, text in self.conversation.history(unsent))
        dialect.settings = replace(
            dialect.settings,
            hands_free=self.gate.hands_free,  # The user may have changed it since the first line.
            resume=self._handle,
            history=said,
        )
        self._call_now = Call(line, self._take, self._trace)
        for command in self._outbox.take(dialect.input_rate):
            self._call_now.send(command)

    async def _call(self, line: Line) -> None:
        """One connection, from dialling to its end; its error is kept in `problem`."""
        self.problem, self.journal.model = None, line.model
        if line.notice and line.notice not in self._told:
            self._told.add(line.notice)
            self._tell(Notice("model", line.notice))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._detour.watch(self._is_quiet, self.redial))
                await self._call_now.run(self._prepare)
        except* VoiceChatError as group:
            self.problem = self._explain(first(group), line.dialect)

    async def _prepare(self, link: Link, dialect: Dialect) -> None:
        """The link is up: by now it is known what there is, a loudspeaker and tools among it."""
        self.proxy_label = self.line.proxy_label or link.proxy_label
        await self.engine.wait_tried(SOUND_WAIT_S)
        if self.engine.lacks_loudspeaker:
            dialect.settings = replace(dialect.settings, text_only=True)
        if dialect.profile.tools:
            await self.toolbox.wait_ready(TOOLS_WAIT_S)
            dialect.settings = replace(dialect.settings, tools=self.toolbox.tools())

    def _explain(self, error: VoiceChatError, dialect: Dialect) -> VoiceChatError:
        if isinstance(error, LinkClosed):
            error = dialect.closed(error.code or 0, error.reason) or error
        return error if self._turn.is_ready else self._detour.explain(error)

    def _is_quiet(self) -> bool:
        """Whether nothing would be lost by changing the line now."""
        turn = self._turn
        busy = turn.is_thinking or turn.is_heard or self.gate.is_talking or self.engine.is_playing
        return turn.is_ready and not busy

    def _hang_up(self) -> None:
        """The line is gone: nothing on it is still going on."""
        self.toolbox.cancel_all()
        self._turn.hang_up()
        self.gate.release()
        for row in self.conversation.end():
            self._record(row)

    # -- uplink ---------------------------------------------------------------------------------

    async def _run_sound(self) -> None:
        try:
            await self.engine.run(self._uplink)
        except* DeviceError as group:
            self._tell(Notice("no_sound", str(first(group))))

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

    # -- downlink -------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        """One event: where it goes, and nothing else."""
        if self.line.instead and getattr(event, "code", "") == TEXT_IGNORED:
            self._ask_elsewhere(event)
            return
        match event:
            case SessionReady():
                self._arrive()
            case ReplyStarted(reply_id):
                self._turn.replying = reply_id
            case ReplyAudio(reply_id, item_id, pcm):
                self._play(reply_id, item_id, pcm)
            case ReplyText() if not event.spoken or not self.engine.has_loudspeaker:
                self._turn.answered(time.monotonic())
            case ReplyFinished():
                self._finish(event)
            case SpeechStarted():
                self._turn.is_heard = True
                if self.line.dialect.settings.vad.interrupt:
                    self.interrupt(by_server=True)
            case ToolCalled():
                self.toolbox.call(event, self._answer_tool)
            case ToolsCancelled(call_ids):
                self.toolbox.cancel(call_ids)
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
            case ProviderFailed("no_answer", message) if not self._turn.is_ready:
                raise ServiceError(message, "Check the address")
            case SessionExpired(message):
                raise LinkError(message or "the service ended the session", "connect again")

    def _arrive(self) -> None:
        """The line is agreed on: what waited for it is in the dialect's hands."""
        self._turn.is_ready = True
        self._outbox.clear()
        self.engine.start_line(self.line.dialect.output_rate)
        if notice := self._detour.arrived(self.line):
            self._tell(notice)

    def _answer_tool(self, result: SendToolResult) -> None:
        """A tool of ours has an answer: it is part of the conversation, and the model goes on."""
        told = ToolAnswered(result.call_id, result.name, result.output, result.is_error)
        for row in self.conversation.apply(told):
            self._record(row)
        self._listener(told)
        self._turn.asked(time.monotonic())
        self.post(result)

    def _lacks(self, what: capability.What) -> bool:
        """Whether the model cannot do something; told once a model, where it matters."""
        lack = capability.lack(self.line.dialect.profile, self.line.model, what)
        if lack and lack.message not in self._told:
            self._told.add(lack.message)
            self._tell(lack)
        return lack is not None

    def _ask_elsewhere(self, event: Event) -> None:
        """Typed text that this model never answers goes to one that does, by the other way."""
        match event:
            case InputFailed(item_id):
                row = self.conversation.row(item_id)
                if row is not None:
                    self._outbox.keep(SendText(row.text, row.id), self.line.dialect.input_rate)
            case ReplyFinished():
                raise UnansweredError(f"{self.line.model} answers no typed text")

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


def _no_price(model: str, usage: Usage) -> float | None:
    """Nobody knows the prices."""
    return None
