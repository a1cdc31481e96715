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
from dataclasses import replace
from uuid import uuid4

from voicechat.babble import Babble
from voicechat.bill import Bill, Price
from voicechat.briefing import tell_past, tell_present
from voicechat.call import Call, first
from voicechat.conversation import Conversation, Row
from voicechat.detour import Detour
from voicechat.endings import Ending, judge
from voicechat.engine import Engine
from voicechat.errors import DeviceError, VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
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
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
)
from voicechat.gate import Gate
from voicechat.handle import Handle
from voicechat.ignored import keep_ignored
from voicechat.interruption import Act, Interruption
from voicechat.journal import Recorder
from voicechat.line import Line
from voicechat.links.websocket import Link
from voicechat.notices import Notices
from voicechat.outage import Outage
from voicechat.outbox import Outbox
from voicechat.pictures import Picture
from voicechat.providers.base import Dialect
from voicechat.question import Question
from voicechat.renewal import Renewal
from voicechat.snapshot import Snapshot, shown_chars, take_snapshot
from voicechat.tail import Tail
from voicechat.text import clean
from voicechat.tools.toolbox import Toolbox
from voicechat.turn import Turn
from voicechat.uplink import Uplink
from voicechat.watchdog import Watchdog

__all__ = ["Listener", "Session", "Snapshot"]

SHORTEST_TURN_MS = 100
AGE_LOOK_S = 1.0
CUT_BY_RENEWAL = "the session had to be renewed in the middle of it"
ON_ITS_WAY_S = 0.5
"""Of sound that waits to be sent: what was asked after it has not been asked yet."""
THIN = "Your line is slower than speech: from now on it carries your voice as a telephone does"
WORDS_NEED = 'interrupt = "words" needs OpenAI or Azure, and their transcription'
TOO_SHORT = "That was too short: press Space, speak, then press Space again"

Listener = Callable[[Event | VoiceChatError], None]


class Session:
    """Talk to one model after another; ends when `run` is cancelled.

    Args:
        dial: Makes the line; called again by `redial`.
        engine: The sound, both ways; may have no card.
        listener: Gets every event after it was folded in, and every error that ends a line.
        may_be_thin: Whether a line that is slower than speech may carry it as G.711.
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
        price: Price | None = None,
        toolbox: Toolbox | None = None,
        may_be_thin: bool = True,
    ) -> None:
        self.conversation = conversation
        self.journal = journal
        self.gate = Gate(hands_free=hands_free)
        self.line = dial()
        marked = self.line.dialect.settings.hands_free
        tell_past(self.line.dialect, conversation, set(), hands_free=marked, handle="")
        self._call_now = Call(self.line, self._take, trace)
        self.proxy_label = ""
        self.bill = Bill(price)
        self.notices = Notices(conversation, listener)
        self.engine = engine
        engine.tell = self.notices.tell_of_sound
        engine.hears_freely = lambda: self.gate.hands_free and not self.gate.muted
        engine.holds_for_voice = self._leaves_it_to_the_model
        self._dial = dial
        self._listener = listener
        self._trace = trace
        self._redial = asyncio.Event()
        self._leg: asyncio.Task[None] | None = None
        self._uplink = Uplink(self.gate)
        self._turn = Turn()
        self._tail = Tail()
        self._interruption = Interruption()
        self._outbox = Outbox()
        self._detour = Detour()
        self._outage = Outage(listener, self.notices)
        self.toolbox = toolbox or Toolbox({}, {}, {})
        self.toolbox.tell = lambda code, line: self.notices.tell(Notice(code, line))
        self._handle = Handle()
        self._babble = Babble()
        self._ending: Ending | None = None
        """How the last line ended, where it did so by itself."""
        self._question = Question()
        self._renewal = Renewal(self.line.dialect.profile.max_session_s)
        self._watchdog = Watchdog(self.line.dialect.profile.title)
        self._may_be_thin, self._is_thin = may_be_thin, False

    # -- what a front end may ask ---------------------------------------------------------------

    def say(self, text: str) -> Row | None:
        """Send a typed message; whatever is being said now is cut.

        None: it was empty, or the model reads nothing, which is told.
        """
        if not (text := clean(text).strip()) or self.notices.lacks(self.line, "text"):
            return None
        self._cut_in()
        row = self.conversation.typed(f"msg_{uuid4().hex[:20]}", text)
        self._record(row)
        self._asked()
        self.post(SendText(text, row.id))
        return row

    def show(self, picture: Picture, text: str = "") -> Row | None:
        """Send a picture, with words or for the next turn.  None: the model sees nothing (told)."""
        if self.notices.lacks(self.line, "images"):
            return None
        text = clean(text).strip()
        self._cut_in()
        item_id = f"msg_{uuid4().hex[:20]}"
        row = self.conversation.shown(item_id, picture.label, text)
        self._record(row)
        if text:
            self._asked()
        self.post(SendImage(picture.data, picture.mime, item_id, text))
        return row

    def begin_turn(self) -> None:
        """Push-to-talk pressed.  What was said just before belongs to the turn."""
        if self._tail.is_open:
            self._close_turn()
        if self.gate.is_talking:
            return
        self._tail.begin_turn()
        self._cut_in()
        self.post(BeginTurn())
        before = self.gate.press()
        self.engine.record_sent(b"".join(before), self._uplink.rate)
        for pcm in before:
            self.post(SendAudio(pcm))

    def end_turn(self) -> None:
        """Push-to-talk released: the model shall answer, unless nothing can have been said.

        What was heard before the key makes no turn by itself: a key touched twice is a mistake.
        Who is still in the middle of a word may finish it.
        """
        is_long = self.gate.is_talking and self.gate.talked_ms >= SHORTEST_TURN_MS
        if not (is_long and not self._tail.is_open and self._tail.let_go(self.engine.lag_ms)):
            self._close_turn()

    def _close_turn(self) -> None:
        self._tail.begin_turn()
        if not self.gate.release():
            return
        if self.gate.talked_ms < SHORTEST_TURN_MS:
            self._forget_turn()
            self.notices.tell(Notice("turn_too_short", TOO_SHORT))
            return
        self._asked()
        self.post(EndTurn())

    def drop_turn(self) -> None:
        """Push-to-talk given up: what was said is forgotten."""
        self._tail.begin_turn()
        if self.gate.release():
            self._forget_turn()

    def _forget_turn(self) -> None:
        self.post(BeginTurn())
        self._question.forget()

    def speak(self, pcm: bytes) -> None:
        """Send sound that did not come from the microphone: PCM16 at the model's input rate."""
        self.gate.count(pcm, self.line.dialect.input_rate)
        self.post(SendAudio(pcm))

    def set_hands_free(self, hands_free: bool) -> None:
        """Who finds the end of a turn: the model's VAD, or the key."""
        self._close_turn()
        self.gate.hands_free, self.gate.muted = hands_free, False
        self._judge(self._interruption.drop())
        self.post(SetHandsFree(hands_free))
        self._tell_limits()

    def interrupt(self) -> None:
        """The user stops the model: silence now, and its tools end too."""
        self._cut_in(stops_tools=self.toolbox.is_busy)
        self._question.forget()

    def _cut_in(self, *, by_server: bool = False, stops_tools: bool = False) -> None:
        """Silence now; then tell the model how much of its reply was heard.

        Tools go on as a rule: who says more, or coughs, has not taken back what was asked.
        """
        heard = self.engine.interrupt()
        if not (heard or self._turn.is_thinking or stops_tools):
            return
        for part in heard:
            if row := self.conversation.cut(part, is_complete=not self._turn.replying):
                self._record(row)
        self.post(Interrupt(heard, by_server))
        if stops_tools:  # Later: what tools of an interrupted reply say is no reason for another.
            self.toolbox.stop()
        self._turn.drop()
        self._watchdog.drop()
        if heard:
            self.notices.lacks(self.line, "truncation")

    def post(self, command: Command) -> None:
        """Hand a command to the model's dialect, which keeps it until it may be sent.

        Until a line is known to be good, what the user says is kept for the next one as well.
        """
        is_up = self.problem is None and not self._redial.is_set()
        is_good = is_up and self._turn.is_ready
        # With no line at all nobody expects to be heard: what is typed waits, what is spoken not.
        is_hopeless = self.problem is not None and self.retry_in_s is None
        if not is_good and (not is_hopeless or isinstance(command, SendText | SendImage)):
            self._outbox.keep(command, self.line.dialect.input_rate)
        if is_up:
            self._send(command)

    def _send(self, command: Command) -> None:
        self._question.say(command, self.line.dialect.input_rate)
        self._call_now.send(command)

    def redial(self, dial: Callable[[], Line] | None = None) -> None:
        """Connect again, to another model if `dial` is given; the conversation stays."""
        self._cut_in()
        self._detour.leave()
        self._outage.forget()
        if dial:
            self._handle.forget()
        self._dial = dial or self._dial
        self._redial.set()
        if self._leg is not None:
            self._leg.cancel()

    def snapshot(self) -> Snapshot:
        """What a screen polls; everything else is pushed to the listener."""
        parts = self.engine, self.gate, self._turn, self.bill
        has_problem, is_working = self.problem is not None, self.toolbox.is_busy
        return take_snapshot(*parts, has_problem=has_problem, is_working=is_working)

    def shown(self, row: Row) -> int:
        """How many characters of a row may be shown, so that words keep step with the sound."""
        return shown_chars(row, self.engine)

    def tell_from_thread(self, error: VoiceChatError) -> None:
        """Something went wrong in a thread (the journal's): told where everything is told."""
        self.notices.tell_from_thread(error)

    @property
    def problem(self) -> VoiceChatError | None:
        """Why there is no line; None: there is one, or it is being made."""
        return self._ending.error if self._ending else None

    @property
    def cost_usd(self) -> float | None:
        return self.bill.cost_usd

    @property
    def retry_in_s(self) -> int | None:
        """Seconds until a lost line is tried again by itself; None: it is not, or not lost."""
        return self._outage.retry_in_s

    @property
    def has_microphone(self) -> bool:
        return self.engine.has_microphone

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
                try:
                    await self._run_lines(tasks, stay=stay)
                finally:
                    self._hang_up()  # Sound may hang as it closes: what was said is kept first.
                for helper in helpers:
                    helper.cancel()
        except* VoiceChatError as group:
            raise first(group) from None
        finally:
            self.gate.release()
            self._hang_up()

    async def _run_lines(self, tasks: asyncio.TaskGroup, *, stay: bool) -> None:
        while True:
            self._leg = tasks.create_task(self._call(self.line))
            await asyncio.wait([self._leg])
            is_asked = self._redial.is_set()
            if not is_asked and (instead := self._take_detour()):
                self._change_line(instead)
                continue
            ending = None if is_asked else self._ending
            if ending and self._turn.replying and not stay:
                ending = replace(ending, act="fatal")  # Somebody waits for the rest of an answer.
            wait_s = self._end_line(ending) if ending else None
            self._hang_up()
            if self.problem and wait_s is None:
                self.gate.release()  # Nobody will hear the end of the turn.
            if not stay and ending and (ending.act != "renew" or wait_s is None):
                raise ending.error
            await self._outage.wait(self._redial, wait_s)
            self._detour.leave()
            self._change_line(self._dial())

    def _end_line(self, ending: Ending) -> float | None:
        """A line ended by itself: seconds until the next one; None: that is left to the user."""
        if ending.act == "retry":
            self._handle.failed(is_gone=ending.forgets_session)
        if ending.forgets_message:
            self._question.forget()
        return self._outage.begin(ending)

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
        unsent, hands_free = self._outbox.item_ids, self.gate.hands_free
        tell_past(
            dialect, self.conversation, unsent, hands_free=hands_free, handle=self._handle.value
        )
        self._is_thin |= self._should_be_thin()
        if self._is_thin and dialect.profile.g711:
            dialect.settings = replace(dialect.settings, codec="g711")
        self._call_now = Call(line, self._take, self._trace)
        self._watchdog = Watchdog(dialect.profile.title)
        self._question.forget()
        for command in self._outbox.take(dialect.input_rate):
            self._send(command)

    async def _call(self, line: Line) -> None:
        """One connection, from dialling to its end; how it ended is kept."""
        self._ending, self._babble, self.journal.model = None, Babble(), line.model
        self._renewal = Renewal(line.dialect.profile.max_session_s)
        if line.notice:
            self.notices.tell_once(Notice("model", line.notice))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._detour.watch(self._is_quiet, self.redial))
                tasks.create_task(self._watch_time())
                await self._call_now.run(self._prepare)
        except* VoiceChatError as group:
            self._ending = self._judge_end(first(group))

    def _judge_end(self, error: VoiceChatError) -> Ending:
        is_ready, dialect = self._turn.is_ready, self.line.dialect
        ending = judge(error, dialect, is_ready=is_ready)
        told = ending.error if is_ready else self._detour.explain(ending.error)
        return ending if told is ending.error else judge(told, dialect, is_ready=is_ready)

    async def _prepare(self, link: Link, dialect: Dialect) -> None:
        """The link is up: by now it is known what there is, a loudspeaker and tools among it."""
        self.proxy_label = self.line.proxy_label or link.proxy_label
        self._handle.used()
        await tell_present(dialect, self.engine, self.toolbox)

    async def _watch_time(self) -> None:
        """Tell what is overdue; change the line before the provider ends the session, in a pause
        if there is one, or where it is slower than speech."""
        while not self._is_time_to_renew():
            self._look_after_turns()
            if self._should_be_thin() and self._may_change_line():
                self.notices.tell(Notice("thin", THIN))
                return self.redial()
            await asyncio.sleep(AGE_LOOK_S)
        self.notices.tell(Notice("renewed", "The session is renewed before its time is up"))
        return self._renew()

    def _renew(self) -> None:
        """Change the line where that cannot wait: who waits for the rest of an answer is told."""
        cut = self._turn.replying
        self.redial()
        if cut:
            self._listener(ReplyFinished(cut, "incomplete", "renewed", CUT_BY_RENEWAL))

    def _is_time_to_renew(self) -> bool:
        is_due = self._renewal.is_due(time.monotonic(), is_quiet=self._is_quiet())
        return is_due and self._outage.has_room

    def _look_after_turns(self) -> None:
        level = self.engine.microphone_dbfs if self.engine.has_microphone else 0.0
        waits = not self._turn.is_ready or self._call_now.waiting_s > ON_ITS_WAY_S
        if notice := self._watchdog.look(time.monotonic(), level, is_on_its_way=waits):
            self.notices.tell(notice)

    def _should_be_thin(self) -> bool:
        """Whether the line is slower than speech, and could carry less of it."""
        may = self._may_be_thin and self.line.dialect.profile.g711 and not self._is_thin
        return may and self._call_now.is_slow

    def _may_change_line(self) -> bool:
        """Whether no reply would be cut; what is asked, or being said, goes to the next line."""
        is_answered = bool(self._turn.replying) or self.engine.is_playing
        return self._turn.is_ready and not is_answered and not self.toolbox.is_busy

    def _is_quiet(self) -> bool:
        """Whether nothing would be lost by changing the line now."""
        turn = self._turn
        busy = turn.is_thinking or turn.is_heard or self.gate.is_talking or self.engine.is_playing
        return turn.is_ready and not busy and not self.toolbox.is_busy

    def _hang_up(self) -> None:
        """The line is gone: nothing on it is still going on.  What got no answer is asked again."""
        self.toolbox.cancel_all()
        if self._turn.is_ready:
            self._keep_question()
        self.engine.finish(self._turn.replying)  # What has arrived is heard; no more will come.
        self._turn.hang_up()
        self._judge(self._interruption.drop())
        for row in self.conversation.end():
            self._record(row)

    def _keep_question(self) -> None:
        """What the line took with it before an answer began waits for the next one."""
        spoken = self.conversation.row(self._question.item_id)
        words = spoken.text if spoken and spoken.is_finished else ""
        row_id = spoken.id if spoken else ""
        is_lost = self.problem is not None or self._call_now.waiting_s > ON_ITS_WAY_S
        for command, rate in self._question.left(words, row_id, is_lost=is_lost):
            self._outbox.keep(command, rate or self.line.dialect.input_rate)
        if spoken and not words:
            self.conversation.forget(spoken)

    def _asked(self) -> None:
        """The user's turn has ended: an answer is due."""
        now = time.monotonic()
        self._turn.asked(now)
        self._watchdog.asked(now)

    # -- uplink ---------------------------------------------------------------------------------

    async def _run_sound(self) -> None:
        try:
            await self.engine.run(self._hear)
        except* DeviceError as group:
            self.notices.tell(Notice("no_sound", str(first(group))))

    def _hear(self, chunk: bytes) -> None:
        """Microphone to dialect.  Speech from before the line is up waits in the dialect."""
        self._judge(self._interruption.tick(time.monotonic()))
        passed = self._uplink.take(chunk, self.line.dialect)
        if passed is not None:
            self.engine.record_sent(passed, self._uplink.rate)
            self.post(SendAudio(passed))
            if self.gate.is_talking and self._tail.hear(passed, self._uplink.rate):
                self._close_turn()

    # -- downlink -------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        """One event: where it goes, and nothing else."""
        if keep_ignored(event, self.line, self.conversation, self._outbox):
            return
        if self.line.dialect.waits:
            is_replying = self.engine.is_playing or self._turn.is_thinking
            now = time.monotonic()
            self._judge(self._interruption.take(event, now, is_replying=is_replying))
        match event:
            case SessionReady(expires_at=expires_at):
                self._arrive(expires_at - time.time() if expires_at else None)
            case ReplyStarted(reply_id):
                self._turn.replying = reply_id
            case ReplyAudio(reply_id, item_id, pcm):
                self._play(reply_id, item_id, pcm)
            case ReplyText() if not event.spoken or not self.engine.has_loudspeaker:
                self._answered()
            case ReplyFinished():
                self._finish(event)
            case TurnCommitted(item_id):
                self._question.committed(item_id)
            case SpeechStarted():
                self._turn.is_heard = True
                self._question.heard()
                if self.line.dialect.settings.vad.interrupt and not self.line.dialect.waits:
                    self._cut_in(by_server=True)
            case ToolCalled():
                self.toolbox.call(event, self._answer_tool)
            case ToolsCancelled(call_ids):
                self.toolbox.cancel(call_ids)
            case SpeechStopped():
                self._turn.is_heard = False
                if not self.line.dialect.waits:
                    self._asked()
            case Resumable(handle):
                self._handle.keep(handle)
            case SessionEnding(time_left_s) if time_left_s <= 0 and self._outage.has_room:
                self._renew()
            case SessionEnding(time_left_s):
                self._renewal.ending(time.monotonic(), time_left_s)
            case Notice(code, message):
                if code == "turn_too_short":
                    self._turn.forget_question()
                    self._watchdog.drop()
                self.conversation.note(code, message)
        self._fold(event)
        if notice := self._watchdog.feed(event, time.monotonic()):
            self.notices.tell(notice)
        if ending := judge(event, self.line.dialect, is_ready=self._turn.is_ready):
            raise ending.error
        if foreign := self._babble.take(event, time.monotonic()):
            raise foreign

    def _judge(self, acts: list[Act]) -> None:
        """What the user's voice does to a reply, where the model's VAD leaves that to us."""
        for act in acts:
            match act:
                case "duck" | "go_on":
                    self.engine.duck(act == "duck")
                case "cut":
                    self._cut_in()
                case "answer":
                    self._asked()
                    self.post(EndTurn())

    def _fold(self, event: Event) -> None:
        """Into the conversation and the journal, then to whoever listens."""
        for row in self.conversation.apply(event):
            self._record(row)
        self._listener(event)

    def _arrive(self, left_s: float | None) -> None:
        """The line is agreed on: what waited for it is in the dialect's hands."""
        self._turn.is_ready = True
        self._outbox.clear()
        if self._question.is_asked:
            self._asked()
        self._outage.end()
        self._renewal.begin(time.monotonic(), left_s)
        dialect, profile = self.line.dialect, self.line.dialect.profile
        self.engine.start_line(dialect.output_rate, profile.name, is_paced=profile.paced)
        if notice := self._detour.arrived(self.line):
            self.notices.tell(notice)
        self._tell_limits()

    def _tell_limits(self) -> None:
        """What the user wants of hands-free talk and this model cannot do."""
        if self._turn.is_ready and self.gate.hands_free and self.line.cuts_by_any_voice:
            told = f"{self.line.model} lets any voice cut its reply, a cough too; {WORDS_NEED}"
            self.notices.tell_once(Notice("any_voice_cuts", told))

    def _leaves_it_to_the_model(self) -> bool:
        """Whether a reply waits, while the user talks over it, for the model to say so.

        Not where only words shall cut it (`Interruption` judges then), nor where nothing shall, nor
        where the model itself falls silent for a voice, as in full duplex.
        """
        dialect = self.line.dialect
        by_voice = dialect.settings.vad.interrupt and not dialect.waits
        return by_voice and not dialect.profile.paced

    def _answer_tool(self, result: SendToolResult) -> None:
        """A tool of ours has an answer: it is part of the conversation, and the model goes on."""
        self._fold(ToolAnswered(result.call_id, result.name, result.output, result.is_error))
        self._asked()
        self.post(result)

    def _play(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        self.conversation.reply_row(item_id, reply_id, spoken=True)
        self._answered()
        self.engine.play(reply_id, item_id, pcm)

    def _answered(self) -> None:
        """The user gets something of an answer: what was asked is not asked again."""
        self._turn.answered(time.monotonic())
        self._question.forget()

    def _finish(self, event: ReplyFinished) -> None:
        is_stale = event.status == "completed" and event.reply_id != self._turn.replying
        if event.status != "cancelled" and not is_stale:  # It may answer what was cut in upon.
            self._question.forget()
        self._turn.finished(event.reply_id, failed=event.status == "failed")
        self.bill.add(self.line.model, event.usage)
        self.engine.finish(event.reply_id)

    def _record(self, row: Row) -> None:
        self.journal.record(row, self.conversation.rows)
