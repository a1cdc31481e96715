"""One live conversation, start to end: the whole data flow, readable downwards.

    microphone -> resample -> gate -> dialect                              (uplink)
    dialect -> link                                                        (writer)
    link -> dialect -> events -> conversation, playout, journal, listener  (downlink)
    playout -> ring -> loudspeaker                                         (pump, in engine.py)

The line stands in four files: `audio/engine.py`, `session/session.py`, `connection/supervisor.py`,
`connection/connection.py`.  Each connection is a `Connection` (one task reads its link, one writes
it); what leads from one to the next is in `ConnectionSupervisor`.  A session outlives them: the
conversation, the sound card and the journal stay while `redial` changes the model or tries again.
It decides nothing about providers, sound cards or screens; it carries things between them.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from voicechat.audio.engine import Engine, VoicePolicy
from voicechat.connection.connection import first
from voicechat.connection.handover import apply_environment
from voicechat.connection.state.backoff import ANY_BUDGET, RetryBudget
from voicechat.connection.supervisor import ConnectionSupervisor, Listener
from voicechat.connection.target import Target
from voicechat.connection.tool_carry import ToolCarry
from voicechat.conversation.conversation import Conversation, Row
from voicechat.conversation.item import spoken_ms
from voicechat.conversation.journal import TranscriptWriter
from voicechat.conversation.notices import Notices
from voicechat.conversation.picture import Limits, Picture
from voicechat.errors import VoiceChatError
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
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
)
from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect
from voicechat.session.capability import What, is_lacking
from voicechat.session.state.barge_in import Act, BargeInFilter
from voicechat.session.state.cost import Bill, Price
from voicechat.session.state.mic_gate import MicGate, MicUplink, ReleaseHangover
from voicechat.session.state.snapshot import Snapshot, shown_chars, take_snapshot
from voicechat.session.state.turn import Turn
from voicechat.session.state.watchdog import Watchdog
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase
from voicechat.tools.consent import Ask
from voicechat.tools.toolbox import Toolbox

__all__ = ["Listener", "Session", "Snapshot"]

SHORTEST_TURN_MS = 100
WORDS_NEED = phrase('interrupt = "words" needs OpenAI or Azure, and their transcription')
TOO_SHORT = phrase("That was too short: press Space, speak, then press Space again")


class Session:
    """Talk to one model after another; ends when `run` is cancelled.

    Args:
        dial: Makes the line; called again by `redial`.
        engine: The sound, both ways; may have no card.
        listener: Gets every event after it was folded in, and every error that ends a line.
        may_be_thin: Whether a line that is slower than speech may carry it as G.711.
        notices: The sink that its parts were given; None: they have nothing to tell.
        budget: How long a lost line is tried again.
    """

    def __init__(
        self,
        dial: Callable[[], Target],
        conversation: Conversation,
        engine: Engine,
        journal: TranscriptWriter,
        listener: Listener,
        *,
        hands_free: bool = False,
        trace: Callable[[str, str | bytes], None] | None = None,
        price: Price | None = None,
        toolbox: Toolbox | None = None,
        may_be_thin: bool = True,
        notices: Notices | None = None,
        budget: RetryBudget = ANY_BUDGET,
    ) -> None:
        self.conversation = conversation
        conversation.received_ms = engine.received_ms
        self.journal = journal
        self.gate = MicGate(hands_free=hands_free)
        self.bill = Bill(price)
        self.notices = notices or Notices(conversation, listener)
        self.engine = engine
        self._listener = listener
        self._uplink = MicUplink(self.gate)
        self._turn = Turn()
        self._tail = ReleaseHangover()
        self._interruption = BargeInFilter()
        self.toolbox = toolbox or Toolbox({}, {}, {})
        self._carry = ToolCarry(self.toolbox)
        self._carry.tell, self._carry.reply = self._tell_tool, self._answer_tool
        self._carry.go_on = self._go_on
        self.lines = ConnectionSupervisor(
            dial,
            self,
            conversation,
            self.notices,
            listener,
            self._carry,
            trace=trace,
            may_be_thin=may_be_thin,
            budget=budget,
        )
        self._watchdog = Watchdog(self.line.dialect.profile.title)
        self._push_policy()

    # -- what a front end may ask ---------------------------------------------------------------

    def say(self, text: str) -> Row | None:
        """Send a typed message; whatever is being said now is cut.

        None: it was empty, or the model reads nothing, which is told.
        """
        if not (text := clean(text).strip()) or self._lacks("text"):
            return None
        self._cut_in()
        row = self.conversation.typed(f"msg_{uuid4().hex[:20]}", text)
        self._record(row)
        self._asked()
        self.lines.post(SendText(text, row.id))
        return row

    def show(self, picture: Picture, text: str = "") -> Row | None:
        """Send a picture, with words or for the next turn.  None: the model sees nothing (told)."""
        if self._lacks("images"):
            return None
        text = clean(text).strip()
        self._cut_in()
        item_id = f"msg_{uuid4().hex[:20]}"
        row = self.conversation.shown(item_id, picture.label, text)
        self._record(row)
        if text:
            self._asked()
        self.lines.post(SendImage(picture.data, picture.mime, item_id, text))
        return row

    def begin_turn(self) -> None:
        """Push-to-talk pressed.  What was said just before belongs to the turn."""
        if self._tail.is_open:
            self._close_turn()
        if self.gate.is_talking:
            return
        self._tail.begin_turn()
        self._cut_in()
        self.lines.post(BeginTurn())
        before = self.gate.press()
        self.engine.record_sent(b"".join(before), self._uplink.rate)
        for pcm in before:
            self.lines.post(SendAudio(pcm))

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
        self.lines.post(EndTurn())

    def drop_turn(self) -> None:
        """Push-to-talk given up: what was said is forgotten."""
        self._tail.begin_turn()
        if self.gate.release():
            self._forget_turn()

    def _forget_turn(self) -> None:
        self.lines.post(BeginTurn())
        self.lines.forget_question()

    def speak(self, pcm: bytes) -> None:
        """Send sound that did not come from the microphone: PCM16 at the model's input rate."""
        self.gate.count(pcm, self.line.dialect.input_rate)
        self.lines.post(SendAudio(pcm))

    def set_hands_free(self, hands_free: bool) -> None:
        """Who finds the end of a turn: the model's VAD, or the key."""
        self._close_turn()
        self.gate.hands_free, self.gate.muted = hands_free, False
        self._judge(self._interruption.drop())
        self.lines.post(SetHandsFree(hands_free))
        self._push_policy()
        self._tell_limits()

    def interrupt(self) -> None:
        """The user stops the model: silence now, and its tools end too."""
        self._cut_in(stops_tools=self.toolbox.is_busy)
        self.lines.forget_question()

    def _cut_in(self, *, by_server: bool = False, stops_tools: bool = False) -> None:
        """Silence now; then tell the model how much of its reply was heard.

        Tools go on as a rule: who says more, or coughs, has not taken back what was asked.
        """
        heard = self.engine.interrupt()
        if not (heard or self._turn.is_thinking or stops_tools):
            return
        cut, is_complete = self.conversation.cut, not self._turn.replying
        for row in filter(None, [cut(part, is_complete=is_complete) for part in heard]):
            self._record(row)
        self.lines.post(Interrupt(heard, by_server))
        if stops_tools:  # Later: what tools of an interrupted reply say is no reason for another.
            self.toolbox.stop()
        self._turn.drop()
        self._watchdog.drop()
        if heard:
            self._lacks("truncation")

    def _lacks(self, what: What) -> bool:
        return is_lacking(self.line, what, self.notices)

    def post(self, command: Command) -> None:
        """Hand a command to the model's dialect, which keeps it until it may be sent."""
        self.lines.post(command)

    def redial(self, dial: Callable[[], Target] | None = None) -> None:
        """Connect again, to another model if `dial` is given; the conversation stays."""
        self.lines.redial(dial)

    def snapshot(self) -> Snapshot:
        """What a screen polls; everything else is pushed to the listener."""
        parts = self.engine, self.gate, self._turn, self.bill
        return take_snapshot(
            *parts,
            time.monotonic(),
            is_ready=self.lines.is_ready,
            has_problem=self.problem is not None,
            is_working=self.toolbox.is_busy,
        )

    def shown(self, row: Row) -> int:
        """How many characters of a row may be shown, so that words keep step with the sound."""
        return shown_chars(row, self.engine)

    @property
    def line(self) -> Target:
        """The line of the moment; it may be lost."""
        return self.lines.line

    @property
    def proxy_label(self) -> str:
        """The proxy on the way to it, without password; empty: none."""
        return self.lines.proxy_label

    @property
    def problem(self) -> VoiceChatError | None:
        """Why there is no line; None: there is one, or it is being made."""
        return self.lines.problem

    @property
    def costs(self) -> dict[str, float]:
        """What the call has cost so far, by currency; empty while nobody knows."""
        return self.bill.costs(time.monotonic())

    @property
    def retry_in_s(self) -> int | None:
        """Seconds until a lost line is tried again by itself; None: it is not, or not lost."""
        return self.lines.retry_in_s

    @property
    def has_microphone(self) -> bool:
        return self.engine.has_microphone

    @property
    def has_loudspeaker(self) -> bool:
        return self.engine.has_loudspeaker

    @property
    def is_hands_free(self) -> bool:
        """Whether the model's VAD finds the end of a turn, and not the key."""
        return self.gate.hands_free

    def toggle_mute(self) -> bool:
        """Hands-free: close the microphone, or open it again; whether it is closed now."""
        self.gate.muted = self.gate.hands_free and not self.gate.muted
        self._push_policy()
        return self.gate.muted

    @property
    def volume(self) -> float:
        """Of the replies, 0 to 2."""
        return self.engine.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self.engine.volume = min(max(volume, 0.0), 2.0)

    @property
    def rows(self) -> list[Row]:
        """What was said so far, notes among it, in order."""
        return self.conversation.rows

    def note(self, code: str, text: str) -> None:
        """Something the front end tells the user, kept among what was said."""
        self.conversation.note(code, text)

    def set_consent(self, ask: Ask | None) -> None:
        """Who asks the user whether a tool may run; None: nobody, and it may not."""
        self.toolbox.ask = ask

    @property
    def model(self) -> str:
        """The model of the moment, as shown to the user."""
        return self.line.model

    @property
    def model_name(self) -> str:
        """A name that leads to the model again; empty for one that only stands in for another."""
        return self.line.name

    @property
    def answer_s(self) -> float:
        """How long the dialect waits for a reply that it has asked for."""
        return self.line.dialect.answer_s

    @property
    def provider_name(self) -> str:
        return self.line.dialect.profile.name

    @property
    def way(self) -> str:
        """How the provider is reached: `websocket` or `http`."""
        return self.line.way

    @property
    def is_exposed(self) -> bool:
        """Whether everybody on the way can read and hear what is said."""
        return self.line.is_exposed

    @property
    def sees_pictures(self) -> bool:
        return self.line.sees

    @property
    def picture_limits(self) -> Limits:
        """What pictures the model takes."""
        profile = self.line.dialect.profile
        return Limits(profile.image_types, profile.image_bytes, profile.image_side)

    @property
    def input_rate(self) -> int:
        """Hz of the sound that the model wants (`speak`)."""
        return self.line.dialect.input_rate

    @property
    def output_rate(self) -> int:
        """Hz of the sound of its replies."""
        return self.line.dialect.output_rate

    @property
    def silence_ms(self) -> int:
        """After so much silence the model's VAD ends a turn."""
        return self.line.dialect.settings.vad.silence_ms

    # -- the life of a session ------------------------------------------------------------------

    async def run(self, *, stay: bool = False, reconnects: bool = False) -> None:
        """Talk until cancelled.

        Args:
            stay: Try a lost line again, and wait for `redial` when it is given up.
            reconnects: Try a lost line again as long as the budget lasts.

        Raises:
            VoiceChatError: the line was given up (without `stay`).
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._run_sound())
                tasks.create_task(self.toolbox.run())
                try:
                    await self.lines.run(tasks, stay=stay, reconnects=reconnects)
                finally:
                    self.lines.hang_up()  # Sound may hang as it closes: first keep what was said.
        except* VoiceChatError as group:
            raise first(group) from None
        finally:
            self.gate.release()
            self.lines.hang_up()

    # -- what the connection asks of its owner (`ConnectionOwner`) --------------------------------

    @property
    def hands_free(self) -> bool:
        """Whether the model's VAD marks the turns; else the user does."""
        return self.gate.hands_free

    @property
    def replying(self) -> str:
        """The id of the reply that is being made; empty: none is."""
        return self._turn.replying

    def stop_reply(self) -> None:
        """The connection is changed on purpose: its reply ends."""
        self._cut_in()

    async def on_link_up(self, link: Link, dialect: Dialect) -> None:
        """The link is up: by now it is known what there is, a loudspeaker and tools among it."""
        self.journal.model = self.line.model
        self._watchdog = Watchdog(dialect.profile.title)
        await apply_environment(dialect, self.engine, self.toolbox)

    def check_overdue(self) -> None:
        """Tell what should have come of a turn and did not."""
        level = self.engine.microphone_dbfs if self.engine.has_microphone else 0.0
        is_on_its_way = not self.lines.is_asking
        now = time.monotonic()
        if notice := self._watchdog.look(now, level, is_on_its_way=is_on_its_way):
            self.notices.tell(notice)

    @property
    def is_answered(self) -> bool:
        """Whether a reply would be cut by a change of the line, or a tool's work."""
        return bool(self._turn.replying) or self.engine.is_playing or self.toolbox.is_busy

    @property
    def is_quiet(self) -> bool:
        """Whether nothing would be lost by changing the line now."""
        turn = self._turn
        busy = turn.is_thinking or turn.is_heard or self.gate.is_talking or self.engine.is_playing
        return self.lines.is_ready and not busy and not self.toolbox.is_busy

    def on_link_lost(self) -> None:
        """The line is gone: nothing on it is still going on."""
        self.bill.disconnect(time.monotonic())
        going_on = self._carry.hang_up()
        self.engine.finish(self._turn.replying)  # What has arrived is heard; no more will come.
        self._turn.hang_up()
        self._judge(self._interruption.drop())
        for row in self.conversation.end(going_on):
            self._record(row)
        if self.lines.is_given_up:
            self.gate.release()  # Nobody will hear the end of the turn.

    def _asked(self) -> None:
        """The user's turn has ended: an answer is due."""
        now = time.monotonic()
        self._turn.asked(now)
        self._watchdog.asked(now)

    # -- uplink ---------------------------------------------------------------------------------

    async def _run_sound(self) -> None:
        await self.engine.run(self._hear, self.notices.tell)

    def _hear(self, chunk: bytes) -> None:
        """Microphone to dialect.  Speech from before the line is up waits in the dialect."""
        self._judge(self._interruption.tick(time.monotonic()))
        self.engine.expect_voice(self.gate.is_open)
        passed = self._uplink.transform(chunk, self.line.dialect)
        if passed is not None:
            self.engine.record_sent(passed, self._uplink.rate)
            self.lines.post(SendAudio(passed))
            if self.gate.is_talking and self._tail.hear(passed, self._uplink.rate):
                self._close_turn()

    # -- downlink -------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        """One event: where it goes, and nothing else."""
        self._push_policy()
        self.bill.take_in(event, time.monotonic())
        if self.line.dialect.waits:
            is_replying = self.engine.is_playing or self._turn.is_thinking
            now = time.monotonic()
            self._judge(self._interruption.on_event(event, now, is_replying=is_replying))
        match event:
            case SessionReady():
                self._arrive()
            case ReplyStarted(reply_id):
                self._turn.replying = reply_id
            case ReplyAudio(reply_id, item_id, pcm):
                self._play(reply_id, item_id, pcm)
            case ReplyText() if not event.spoken or not self.engine.has_loudspeaker:
                self._answered(spoken_ms(event.text))
            case ReplyFinished():
                event = self._finish(event)
            case SpeechStarted():
                self._turn.is_heard = True
                if self.line.dialect.settings.vad.interrupt and not self.line.dialect.waits:
                    self._cut_in(by_server=True)
            case ToolCalled():
                self.lines.called()
                self._carry.call(event)
            case ToolsCancelled(call_ids):
                self._carry.cancel(call_ids)
            case SpeechStopped():
                self._turn.is_heard = False
                if not self.line.dialect.waits:
                    self._asked()
            case Notice(code, message):
                if code == "turn_too_short":
                    self._turn.forget_question()
                    self._watchdog.drop()
                self.conversation.note(code, message)
        self._fold(event)
        if notice := self._watchdog.feed(event, time.monotonic()):
            self.notices.tell(notice)

    def _judge(self, acts: list[Act]) -> None:
        """What the user's voice does to a reply, where the model's VAD leaves that to us."""
        for act in acts:
            match act:
                case "duck" | "go_on":
                    self.engine.duck(act == "duck")
                case "cut":
                    self._cut_in()
                case _:
                    self._asked()
                    self.lines.post(EndTurn())

    def _fold(self, event: Event) -> None:
        """Into the conversation and the journal, then to whoever listens."""
        for row in self.conversation.apply(event):
            self._record(row)
        self._listener(event)

    def _arrive(self) -> None:
        """The line is agreed on: what waited for it is in the dialect's hands."""
        if self.lines.is_asked:
            self._asked()
        dialect, profile = self.line.dialect, self.line.dialect.profile
        if self.line.may_cost and self.line.way == "websocket":
            now = time.monotonic()
            self.bill.connect(self.line.model, lambda: dialect.items_sent, now)
        self.engine.start_line(dialect.output_rate, profile.name, is_paced=profile.paced)
        self._tell_limits()

    def _tell_limits(self) -> None:
        """What the user wants of hands-free talk and this model cannot do."""
        if self.lines.is_ready and self.gate.hands_free and self.line.cuts_by_any_voice:
            told = phrase(
                "{who} lets any voice cut its reply, a cough too; {why}",
                who=self.line.model,
                why=WORDS_NEED,
            )
            self.notices.tell_once(Notice("any_voice_cuts", told))

    def _push_policy(self) -> None:
        """What a voice over a reply means: the user may change that, and with any of its messages
        a server that says who ends a reply."""
        self.engine.policy = VoicePolicy(
            hears_freely=self.gate.hands_free and not self.gate.muted,
            holds_for_voice=self._leaves_it_to_the_model(),
        )

    def _leaves_it_to_the_model(self) -> bool:
        """Whether a reply waits, while the user talks over it, for the model to say so.

        Not where only words shall cut it (`BargeInFilter` judges then), nor where nothing shall,
        nor where the model itself falls silent for a voice, as in full duplex.
        """
        dialect = self.line.dialect
        by_voice = dialect.settings.vad.interrupt and not dialect.waits
        return by_voice and not dialect.profile.paced

    def _answer_tool(self, result: SendToolResult) -> None:
        """A tool of ours has an answer: it is part of the conversation, and the model goes on."""
        self._tell_tool(result)
        self._asked()
        self.lines.post(result)

    def _tell_tool(self, result: SendToolResult) -> None:
        self._fold(ToolAnswered(result.call_id, result.name, result.output, result.is_error))

    def _go_on(self) -> None:
        """The tools of a question have answered that the line before took with it."""
        self._asked()
        self.lines.ask_held()

    def _play(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        self.conversation.reply_row(item_id, reply_id, spoken=True)
        self._answered(len(pcm) / 2 * 1000 / self.line.dialect.output_rate)
        self.engine.play(reply_id, item_id, pcm)

    def _answered(self, ms: float) -> None:
        """The user gets something of an answer, so long to hear or to read."""
        self._turn.answered(time.monotonic())
        self.lines.answering(ms)

    def _finish(self, event: ReplyFinished) -> ReplyFinished:
        """A reply has ended: the same, with all that is billed of it."""
        is_stale = event.status == "completed" and event.reply_id != self._turn.replying
        if event.status != "cancelled" and not is_stale:  # It may answer what was cut in upon.
            self.lines.answered()
        self._turn.finished(event.reply_id, failed=event.status == "failed")
        self.engine.finish(event.reply_id)
        if not self.line.may_cost:
            return event
        usage = self.bill.add(self.line.model, event.usage, time.monotonic())
        return replace(event, usage=usage)

    def _record(self, row: Row) -> None:
        self.journal.record(row, self.conversation.rows)
