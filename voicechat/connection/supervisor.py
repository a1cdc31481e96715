"""One line after another: which is up, how it ended, and what goes from one to the next.

A conversation outlives its lines.  What the user says goes to the line of the moment, and is kept
until somebody has answered it; the next line is told what was said, and asked what is left.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from voicechat.connection.connection import ON_ITS_WAY_S, Connection, Trace, first
from voicechat.connection.fallback import Fallback, keep_ignored
from voicechat.connection.handover import apply_history
from voicechat.connection.outage import Outage
from voicechat.connection.owner import ConnectionOwner
from voicechat.connection.state.backoff import RetryBudget
from voicechat.connection.state.offline_queue import OfflineQueue
from voicechat.connection.state.outcome import Disconnect, ProtocolCheck, classify_close
from voicechat.connection.state.renewal import Renewal, ResumeHandle
from voicechat.connection.state.unanswered_turn import UnansweredTurn
from voicechat.connection.target import Target
from voicechat.connection.tool_carry import ToolCarry
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.notices import Notices
from voicechat.errors import VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    Event,
    Notice,
    ReplyFinished,
    Resumable,
    SendImage,
    SendText,
    SessionEnding,
    SessionReady,
    SpeechStarted,
    TurnCommitted,
)
from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect
from voicechat.text.phrase import phrase

LOOK_S = 1.0
ASKED_AGAIN = "asked_again"
"""Code of a reply that was cut before it said much: another will answer."""
LINE_LOST = "line_lost"
"""Code of a reply that ended with its line, when most of it had been heard."""
CUT_BY_LOSS = phrase("The line was lost in the middle of the answer")
CUT_BY_RENEWAL = phrase("the session had to be renewed in the middle of it")
THIN = phrase(
    "Your line is slower than speech: from now on it carries your voice as a telephone does"
)

Listener = Callable[[Event | VoiceChatError], None]


class ConnectionSupervisor:
    """Follows the lines of one conversation.

    Args:
        dial: Makes the line; called again for each.
        owner: Talks over them.
        listener: Gets what ends a line.
        may_be_thin: Whether a line that is slower than speech may carry it as G.711.
        budget: How long a lost line is tried again.
    """

    def __init__(
        self,
        dial: Callable[[], Target],
        owner: ConnectionOwner,
        conversation: Conversation,
        notices: Notices,
        listener: Listener,
        carry: ToolCarry,
        *,
        trace: Trace | None,
        may_be_thin: bool,
        budget: RetryBudget,
    ) -> None:
        self.line = dial()
        self.proxy_label = ""
        self._dial, self._owner, self._trace = dial, owner, trace
        self._conversation, self._notices, self._listener = conversation, notices, listener
        self.is_ready = False
        """Whether the session is agreed on."""
        self.is_given_up = False
        """Whether it is left to the user to connect again."""
        self._redial = asyncio.Event()
        self._leg: asyncio.Task[None] | None = None
        self._outbox, self._question, self._tool_calls = OfflineQueue(), UnansweredTurn(), carry
        self._places: deque[str] = deque()
        """Where the turns stand that were spoken before the line was up."""
        self._detour, self._outage = Fallback(), Outage(listener, notices, budget)
        self._handle, self._babble = ResumeHandle(), ProtocolCheck()
        self._ending: Disconnect | None = None
        """How the last line ended, where it did so by itself."""
        self._renewal = Renewal(self.line.dialect.profile.max_session_s)
        self._may_be_thin, self._is_thin = may_be_thin, False
        marked = self.line.dialect.settings.hands_free
        apply_history(self.line.dialect, conversation, set(), hands_free=marked, handle="")
        self._call = Connection(self.line, self._on_event, trace)

    # -- what is said ---------------------------------------------------------------------------

    def post(self, command: Command) -> None:
        """Hand a command to the model's dialect, which keeps it until it may be sent.

        Until a line is known to be good, what the user says is kept for the next one as well.
        """
        rate = self.line.dialect.input_rate
        if isinstance(command, BeginTurn | SendText | SendImage):
            self._tool_calls.drop()
        # With no line to come nobody expects to be heard: what is typed waits, speech not.
        if not self.is_ready and (not self.is_given_up or _is_written(command)):
            self._outbox.keep(command, rate, self._conversation.before())
            self._places = deque(self._outbox.places)
        elif isinstance(command, BeginTurn):
            self._places.clear()
        if self._is_up:
            self._send(command)
        elif self.is_ready:  # It went this moment: this belongs to what it took along.
            self._question.say(command, rate)

    @property
    def _is_up(self) -> bool:
        return self.problem is None and not self._redial.is_set()

    def _send(self, command: Command) -> None:
        self._question.say(command, self.line.dialect.input_rate)
        self._call.send(command)

    def ask_held(self) -> None:
        """The tools have answered that a question waited for: it is asked with what they said."""
        before = self._conversation.before()
        for command, rate in self._tool_calls.release():
            if not (self._is_up and self.is_ready):
                self._outbox.keep(command, rate, before)
            if self._is_up:
                self._send(command)

    def forget_question(self) -> None:
        """An answer is not wanted: nothing is asked again."""
        self._question.forget()
        self._tool_calls.drop()

    def called(self) -> None:
        """The model had a tool called for the question."""
        self._question.called()

    def answering(self, ms: float) -> None:
        """The user gets so much more of an answer."""
        self._question.answering(ms, is_going_on=not self._tool_calls.is_running)

    def answered(self) -> None:
        """A reply has ended: nothing is asked again, unless it only had a tool called."""
        if self._question.finished():
            self._tool_calls.drop()

    # -- what is heard --------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        """One event of the connection: what it means to the line, the owner, and the line's end.

        Raises:
            VoiceChatError: it ends the line.
        """
        if keep_ignored(event, self.line, self._conversation, self._outbox):
            return
        event = self._place(event)
        match event:
            case SessionReady(expires_at=expires_at):
                self._arrive(expires_at - time.time() if expires_at else None)
            case SpeechStarted():
                self._question.heard()
        self._owner.on_event(event)
        self._follow(event)
        self._check_end(event)

    def _place(self, event: Event) -> Event:
        """The same; a turn that waited for the line stands where it was spoken."""
        if not isinstance(event, TurnCommitted) or not self._places:
            return event
        place = self._places.popleft()
        return event if event.previous_item_id else replace(event, previous_item_id=place)

    def _follow(self, event: Event) -> None:
        """What an event tells of this line's time, and of what the next one must know."""
        match event:
            case TurnCommitted(item_id):
                self._question.committed(item_id)
            case Resumable(handle):
                self._handle.keep(handle)
            case SessionEnding(time_left_s) if time_left_s <= 0 and self._outage.has_room:
                self._renew()
            case SessionEnding(time_left_s):
                self._renewal.ending(time.monotonic(), time_left_s)

    def _check_end(self, event: Event) -> None:
        """Is it the end of the line?

        Raises:
            VoiceChatError: it is.
        """
        if ending := classify_close(event, self.line.dialect, is_ready=self.is_ready):
            raise ending.error
        if foreign := self._babble.on_event(event, time.monotonic()):
            raise foreign

    def _arrive(self, left_s: float | None) -> None:
        """The line is agreed on, for `left_s` seconds."""
        self.is_ready = True
        self._outbox.clear()  # What waited is in the dialect's hands.
        self._outage.end()
        self._renewal.begin(time.monotonic(), left_s)
        if notice := self._detour.arrived(self.line):
            self._notices.tell(notice)

    # -- how it is ------------------------------------------------------------------------------

    @property
    def problem(self) -> VoiceChatError | None:
        """Why there is no line; None: there is one, or it is being made."""
        return self._ending.error if self._ending else None

    @property
    def retry_in_s(self) -> int | None:
        """Seconds until a lost line is tried again by itself; None: it is not, or not lost."""
        return self._outage.retry_in_s

    @property
    def is_asked(self) -> bool:
        """Whether an answer is awaited to what this line was given."""
        return self._question.is_asked

    @property
    def is_asking(self) -> bool:
        """Whether what was asked last may have arrived by now."""
        return self.is_ready and self._call.waiting_s <= ON_ITS_WAY_S

    # -- one after another ----------------------------------------------------------------------

    def redial(self, dial: Callable[[], Target] | None = None) -> None:
        """Connect again, to another model if `dial` is given."""
        if self._question.stopped():
            self._tool_calls.drop()
        self._change_line(dial)

    def _change_line(self, dial: Callable[[], Target] | None = None) -> None:
        self._owner.stop_reply()
        self._detour.leave()
        self._outage.forget()
        if dial:
            self._handle.forget()
        self._dial = dial or self._dial
        self._redial.set()
        if self._leg is not None:
            self._leg.cancel()

    async def run(self, tasks: asyncio.TaskGroup, *, stay: bool, reconnects: bool) -> NoReturn:
        """Line after line.

        Args:
            stay: Wait for `redial` when a line is given up.
            reconnects: Try a lost line again; `stay` does too.

        Raises:
            VoiceChatError: a line is given up (without `stay`).
        """
        reconnects = reconnects or stay
        while True:
            self._leg = tasks.create_task(self._carry(self.line))
            await asyncio.wait([self._leg])
            is_asked = self._redial.is_set()
            if not is_asked and (instead := self._take_detour()):
                self._change(instead)
                continue
            ending = None if is_asked else self._ending
            if ending and self._owner.replying and not reconnects and not self._is_asked_again:
                ending = replace(ending, act="fatal")  # Somebody waits for the rest of an answer.
            wait_s = self._end(ending) if ending else None
            self.is_given_up = ending is not None and wait_s is None
            may_go_on = wait_s is not None and (reconnects or (ending and ending.act == "renew"))
            if ending and may_go_on:
                self._tell_cut(is_renewed=ending.act == "renew")
            self.hang_up()
            if not stay and ending and not may_go_on:
                raise ending.error
            await self._outage.wait(self._redial, wait_s)
            self._detour.leave()
            self._change(self._dial())

    def hang_up(self) -> None:
        """The line is gone.  What got no answer is asked again."""
        if self.is_ready:
            self._keep_question()
        self.is_ready = False
        self._owner.on_link_lost()

    def _tell_cut(self, *, is_renewed: bool) -> None:
        """The rest of a reply will not come; one of which little was heard is asked for again."""
        cut = self._owner.replying
        if not cut:
            return
        if self._is_asked_again:
            self._listener(ReplyFinished(cut, "cancelled", ASKED_AGAIN))
        elif is_renewed:
            self._listener(ReplyFinished(cut, "incomplete", "renewed", CUT_BY_RENEWAL))
        else:
            self._listener(ReplyFinished(cut, "incomplete", LINE_LOST, CUT_BY_LOSS))

    def _end(self, ending: Disconnect) -> float | None:
        """A line ended by itself: seconds until the next one; None: that is left to the user."""
        if ending.act == "retry":
            self._handle.failed(is_gone=ending.forgets_session)
        if ending.forgets_message:
            self._question.forget()
        return self._outage.begin(ending)

    def _take_detour(self) -> Target | None:
        """Another way to the model when this one was never open; what is being said goes on."""
        was_good = self.is_ready
        instead = self._detour.next_target(self.line, self.problem, was_good=was_good)
        if instead is not None and was_good:
            self.hang_up()
        return instead

    def _change(self, line: Target) -> None:
        """The next line knows what was said so far, and how turns are marked now."""
        is_thin = self._is_thin or self._should_be_thin()
        self.line, self._is_thin, dialect = line, is_thin, line.dialect
        unsent = self._outbox.item_ids | self._tool_calls.held_ids
        hands_free, handle = self._owner.hands_free, self._handle
        apply_history(
            dialect, self._conversation, unsent, hands_free=hands_free, handle=handle.value
        )
        if is_thin and dialect.profile.g711:
            dialect.settings = replace(dialect.settings, codec="g711")
        self._call = Connection(line, self._on_event, self._trace)
        self._question.forget()
        self._places = deque(self._outbox.places)
        for command in self._outbox.commands(dialect.input_rate):
            self._send(command)

    def _keep_question(self) -> None:
        """What the line took with it before an answer began waits for the next one."""
        spoken = self._conversation.row(self._question.item_id)
        reads = self.line.dialect.profile.text_input != "no"
        words = spoken.text if spoken and spoken.is_finished and reads else ""
        row_id = spoken.id if spoken else ""
        is_lost = self.problem is not None or self._call.waiting_s > ON_ITS_WAY_S
        before = self._conversation.before(spoken)
        left = self._question.left(words, row_id, is_lost=is_lost)
        for command, rate in [] if self._tool_calls.hold(left) else self._tool_calls.told(left):
            self._outbox.keep(command, rate or self.line.dialect.input_rate, before)
        if spoken and left and not words:
            self._conversation.forget(spoken)

    # -- one ------------------------------------------------------------------------------------

    async def _carry(self, line: Target) -> None:
        """One connection, from dialling to its end; how it ended is kept."""
        self._ending, self._babble = None, ProtocolCheck()
        self.is_given_up = False
        self._renewal = Renewal(line.dialect.profile.max_session_s)
        for words in filter(None, (line.notice, *line.replaced)):
            self._notices.tell_once(Notice("model", words))
        for words in line.announced:
            self._notices.tell_once(Notice("model_ends", words))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._detour.watch(lambda: self._owner.is_quiet, self.redial))
                tasks.create_task(self._watch_time())
                await self._call.run(self._prepare)
        except* VoiceChatError as group:
            self._ending = self._judge(first(group))

    async def _prepare(self, link: Link, dialect: Dialect) -> None:
        self.proxy_label = self.line.proxy_label or link.proxy_label
        self._handle.used()
        await self._owner.on_link_up(link, dialect)

    def _judge(self, error: VoiceChatError) -> Disconnect:
        is_ready, dialect = self.is_ready, self.line.dialect
        ending = classify_close(error, dialect, is_ready=is_ready)
        told = ending.error if is_ready else self._detour.explain(ending.error)
        return ending if told is ending.error else classify_close(told, dialect, is_ready=is_ready)

    async def _watch_time(self) -> None:
        """Change the line before the provider ends the session, in a pause if there is one, or
        where it is slower than speech."""
        while not self._is_time_to_renew():
            self._owner.check_overdue()
            if self._should_be_thin() and self.is_ready and not self._owner.is_answered:
                self._notices.tell(Notice("thin", THIN))
                return self.redial()
            await asyncio.sleep(LOOK_S)
        self._notices.tell(
            Notice("renewed", phrase("The session is renewed before its time is up"))
        )
        return self._renew()

    def _renew(self) -> None:
        """Change the line where that cannot wait: who waits for the rest of an answer is told."""
        self._tell_cut(is_renewed=True)
        self._change_line()

    @property
    def _is_asked_again(self) -> bool:
        """Whether what the line was asked is left for the next one: too little was answered."""
        return bool(self._question.left())

    def _is_time_to_renew(self) -> bool:
        is_due = self._renewal.is_due(time.monotonic(), is_quiet=self._owner.is_quiet)
        return is_due and self._outage.has_room

    def _should_be_thin(self) -> bool:
        """Whether the line is slower than speech, and could carry less of it."""
        may = self._may_be_thin and self.line.dialect.profile.g711 and not self._is_thin
        return may and self._call.is_slow


def _is_written(command: Command) -> bool:
    return isinstance(command, SendText | SendImage)
