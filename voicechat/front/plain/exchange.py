"""What was asked, what was answered, and when to give a question up.

Rule: one question is open at a time.  It is closed by a reply that says something, by a failure,
or by no sign where a reply should have begun, for a little longer than the dialect waits for one; a
tool may take its time, and while no line is up nobody is late.
"""

import asyncio
from dataclasses import dataclass, field

from voicechat.errors import VoiceChatError
from voicechat.events import (
    Event,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SessionReady,
    SpeechStarted,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
    WentOffline,
)
from voicechat.text.phrase import phrase

MARGIN_S = 2.0
"""How much longer than the dialect to wait for a reply: it knows better why there is none."""
ASKED_AGAIN = ("turn_detected", "asked_again")
"""Why a reply ended that another one follows: the user went on speaking, or the line was lost
before anything of it was heard."""


@dataclass(slots=True)
class Questions:
    """Follows a session by its events; made where the event loop runs."""

    reply_s: float = 10.0
    """How long the dialect waits for a reply that it has asked for."""
    problems: list[str] = field(default_factory=list)
    """What to sum up at the end."""
    unanswered: int = 0
    _is_replying: bool = False
    _has_said: bool = False
    """Whether the reply has had a word or a sound."""
    _running: set[str] = field(default_factory=set)
    """Calls of tools that have no answer yet."""
    _owes_reply: bool = False
    """The reply called a tool: another reply follows once that has answered."""
    _was_lost: bool = False
    """The line went while a question may have been open."""
    _closed: asyncio.Event = field(default_factory=asyncio.Event)
    _doubt: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._closed.set()

    @property
    def is_open(self) -> bool:
        return not self._closed.is_set()

    def open(self) -> None:
        """Something is asked."""
        self._closed.clear()

    async def wait_closed(self) -> None:
        """Until no question is open."""
        await self._closed.wait()

    def give_up(self, why: str) -> None:
        """The question, open or not even asked, gets no answer."""
        self.unanswered += 1
        self.problems.append(why)
        self._closed.set()

    def expect(self, otherwise: str) -> None:
        """A reply must begin soon, or the open question counts as unanswered."""
        self._wait_on()
        if self.is_open and not self._is_replying:
            loop = asyncio.get_running_loop()
            self._doubt = loop.call_later(self.reply_s + MARGIN_S, self.give_up, otherwise)

    def count(self, event: Event | VoiceChatError) -> None:
        """What an event means for the open question."""
        match event:
            case SpeechStarted() | TurnCommitted() | ReplyStarted():
                self._begin(is_reply=isinstance(event, ReplyStarted))
            case ReplyText() | ReplyAudio():
                self._has_said = True
                # Some models go on in the same reply once the tool has answered.
                self._owes_reply = self._owes_reply and bool(self._running)
            case ToolCalled(call_id=call_id):
                self._running.add(call_id)
                self._owes_reply = True
            case ToolAnswered(call_id=call_id):
                self._end_calls(call_id)
            case ToolsCancelled(call_ids):
                self._end_calls(*call_ids)
            case ReplyFinished():
                self._finish(event)
            case WentOffline():
                self._lose_line()
            case SessionReady() if self._was_lost:
                self._was_lost = False
                self.expect(phrase("the line was lost before the answer came"))
            case ProviderFailed("no_reply", message) | Notice("turn_too_short", message):
                self.give_up(message)
            case ProviderFailed(code, message, fatal=False) if code != "no_answer":
                self.problems.append(message)
                self.expect(phrase("a message was not answered"))

    def end(self, error: VoiceChatError) -> None:
        """The line ended: an error that failed a reply first is told once, with its hint."""
        self.unanswered += 1
        self.problems = [
            *(told for told in self.problems if told not in str(error)),
            error.sentence,
        ]

    def _begin(self, *, is_reply: bool) -> None:
        """A turn or a reply: there is something to wait for, and it is on its way."""
        self._closed.clear()
        self._owes_reply = False
        self._has_said, self._is_replying = False, is_reply
        self._wait_on()

    def _finish(self, event: ReplyFinished) -> None:
        self._is_replying = False
        if event.status == "cancelled" and event.code in ASKED_AGAIN:
            return
        if event.status == "completed" and self._owes_reply:
            self._end_calls()
        elif event.status == "completed" and not self._has_said:
            self.expect(phrase("the model answered with nothing"))
        elif event.status == "failed":
            self.give_up(event.message or event.code or phrase("the model failed to answer"))
        elif event.status == "cancelled" and event.code != "client_cancelled":
            self.expect(phrase("the answer was broken off"))  # By nobody here.
        elif event.status == "incomplete" and not self._has_said:
            self.give_up(event.message or phrase("the answer is incomplete"))
        else:
            if event.status == "incomplete":
                self.problems.append(event.message or phrase("the answer is incomplete"))
            self._closed.set()

    def _lose_line(self) -> None:
        """Nothing on the line goes on; what was asked is asked again on the next."""
        self._was_lost, self._is_replying, self._owes_reply = True, False, False
        self._running.clear()
        self._wait_on()

    def _end_calls(self, *call_ids: str) -> None:
        """A tool may take its time; once all have answered, the model must go on soon."""
        self._running.difference_update(call_ids)
        if not self._running:
            self.expect(phrase("the model said nothing after its tools had answered"))

    def _wait_on(self) -> None:
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None
