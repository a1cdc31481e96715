"""No screen: each line on stdin is a typed message, the reply's text goes to stdout as it arrives.

Errors are summed up on stderr; the exit code is 0 when everything was answered.  With JSON, stdout
holds one object per event (`voicechat.front.plain.json_events`) and nothing else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from voicechat.audio.recording.wav import WavWriter
from voicechat.conversation.conversation import Row
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.events import (
    Event,
    InputTranscript,
    Notice,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    Retrying,
    SessionReady,
    WentOffline,
)
from voicechat.front.app_api import TypedKey
from voicechat.front.plain import json_events
from voicechat.front.plain.exchange import Questions
from voicechat.front.plain.output import (
    TextPage,
    allow_any_text,
    complain,
    keep_libraries_quiet,
    stop_waiting,
    write_json,
)
from voicechat.front.plain.signals import on_stop
from voicechat.front.plain.spoken import Recording
from voicechat.front.plain.stdin import read_lines
from voicechat.front.slash_commands import (
    Help,
    Leave,
    Mistake,
    Say,
    Show,
    ShowFile,
    ShowScreen,
    carry_out,
    read_order,
)
from voicechat.front.words.words import IN_ENGLISH, Words
from voicechat.session.session import Session
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

SUMMED_UP = ("turn_too_short", "no_answer_yet", "empty_answer")
"""Notices of what `Questions` finds out and tells itself."""


class _Left(Exception):
    """`/quit` was read."""


@dataclass(slots=True)
class Options:
    """What the command line asked of the plain front end."""

    as_json: bool = False
    say: Path | None = None
    save_reply: Path | None = None
    is_voice: bool = False
    """Microphone and loudspeaker are open: go on listening when stdin has ended."""
    find_key: Callable[[str, str], TypedKey | None] = lambda line, provider: None
    """The key in a line, for one who talks to that provider."""
    reconnects: bool = True
    """A line that is lost is tried again."""


@dataclass(slots=True)
class Plain:
    """Follow one session on stdout; count what was answered and what was not."""

    options: Options
    words: Words
    """Of what stderr tells; JSON is for scripts, and English."""
    session: Session | None = None
    questions: Questions = field(default_factory=Questions)
    _page: TextPage = field(default_factory=TextPage)
    _writer: WavWriter | None = None
    _told: set[str] = field(default_factory=set)
    """Notices that were told when they came."""
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _no_sound: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Why there is neither microphone nor loudspeaker."""
    _code: int = 0

    async def run(self, session: Session) -> int:
        """Ask everything there is to ask; return the exit code."""
        self.session = session
        allow_any_text(as_json=self.options.as_json)
        if self.options.is_voice:
            keep_libraries_quiet()
        stopped: list[int] = []
        main = asyncio.current_task()

        def stop(code: int) -> None:
            stopped.append(code)
            if main is not None:
                main.cancel()

        on_stop(stop, also_interrupt=True, unblock=stop_waiting)
        try:
            self._show_past(session)
            await self._converse(session)
        except* _Left:
            pass
        except* VoiceChatError as group:
            self._fail(group.exceptions[0])
        except* asyncio.CancelledError:
            if not stopped:
                raise
        finally:
            if self._writer:
                self._writer.close()
        return self._end(stopped)

    def _show_past(self, session: Session) -> None:
        """Rows of a conversation that is resumed: for scripts; stdout is for replies otherwise."""
        for row in session.rows if self.options.as_json else ():
            write_json({"event": "past", "id": row.id, "role": row.role, "text": row.text})

    async def _converse(self, session: Session) -> None:
        rate, path = session.input_rate, self.options.say
        recording = Recording(path, rate) if path else None  # A bad one is told before the call.
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(session.run(reconnects=self.options.reconnects))
            others = [call]
            if self.options.is_voice:
                others.append(tasks.create_task(self._need_sound()))
            if recording is not None:
                await self._ask_by_voice(session, recording)
            else:
                async for line in read_lines():
                    await self._ask(session, line)
                if self.options.is_voice:
                    await call
            for task in others:
                task.cancel()

    async def _need_sound(self) -> None:
        """A voice call without microphone and loudspeaker is none."""
        raise VoiceChatError(await self._no_sound.get())

    async def _ask(self, session: Session, line: str) -> None:
        """One line of stdin: a message or an order (`front.slash_commands`); no key is sent."""
        typed = self.options.find_key(line, session.provider_name)
        if typed is not None:
            self._refuse_key(typed)
            return
        order = read_order(line)
        match order:
            case Say(text):
                row = session.say(text)
                if row is None and clean(text).strip():
                    self.questions.give_up(phrase("the message was not sent"))
                await self._await_answer(row)
            case ShowFile() | ShowScreen():
                await self._show(session, order)
            case Mistake(key, values):
                self.questions.give_up(self.words(key, **values))
            case Help():
                complain(self.words("help_orders"))
            case Leave():
                raise _Left

    def _refuse_key(self, typed: TypedKey) -> None:
        """Nobody can be asked here: a line with a key in it is not sent."""
        key, owner = "key_not_sent", {}
        if typed.provider:
            key = "key_not_sent_of"
            owner = {"title": typed.title, "provider": typed.provider, "env": typed.variable}
        if self.options.as_json:
            text = IN_ENGLISH(key, **owner)
            write_json({"event": "notice", "code": "key_not_sent", "text": text})
        self.questions.give_up(self.words(key, **owner))

    async def _show(self, session: Session, order: Show) -> None:
        await self._ready.wait()  # Only then is it known what the model takes.
        try:
            shown = await carry_out(order, session)
        except ConfigError as error:  # Only this line is wrong: the others may be answered.
            self.questions.give_up(error.sentence)
            return
        if not shown:
            self.questions.give_up(phrase("the picture was not sent"))
        for one in shown:
            await self._await_answer(one.row, expects_answer=one.expects_answer)

    async def _await_answer(self, row: Row | None, *, expects_answer: bool = True) -> None:
        if row is None:
            return
        if self.options.as_json:
            write_json({"event": "user", "id": row.id, "text": row.text, "spoken": False})
        if expects_answer:
            self.questions.open()
            await self.questions.wait_closed()

    async def _ask_by_voice(self, session: Session, recording: Recording) -> None:
        await self._ready.wait()  # What waits for a session is bounded; a file may be long.
        self.questions.open()
        await recording.speak(session)
        if session.is_hands_free:
            self.questions.expect(phrase("the model heard nobody speak"))
        session.end_turn()
        await self.questions.wait_closed()

    def warn(self, text: str) -> None:
        """Something the user should know before the call."""
        if self.options.as_json:
            write_json({"event": "notice", "code": "warning", "text": text})
        else:
            complain(self.words.told(text))

    # -- what the session tells -----------------------------------------------------------------

    def hear(self, event: Event | VoiceChatError) -> None:
        """The session's listener."""
        if isinstance(event, ReplyAudio) and self.options.save_reply:
            self._save(event)
        if self.options.as_json:
            self._report(event)
        else:
            self._write(event)
        if isinstance(event, Notice) and event.code == "no_sound":
            self._no_sound.put_nowait(event.message)
        if isinstance(event, SessionReady):
            self._ready.set()
            if self.session is not None:
                self.questions.reply_s = self.session.answer_s
        self.questions.count(event)

    def _write(self, event: Event | VoiceChatError) -> None:
        match event:
            case ReplyText(_, item_id, text, final):
                self._page.write_reply(item_id, text, final=final)
            case ReplyFinished():
                self._page.end_reply()
            case InputTranscript(_, text, final=True) if self.options.is_voice:
                self._page.write_said(text)
            case WentOffline(message):
                self._page.end_reply()
                complain(self.words.told(phrase("Offline: {why}", why=message)))
            case Retrying(seconds):
                text = phrase("Connecting again in {seconds:.0f} s", seconds=seconds)
                complain(self.words.told(text))
            case Notice(code, message) if code not in SUMMED_UP:
                self._told.add(message)
                complain(self.words.told(message))

    def _report(self, event: Event | VoiceChatError) -> None:
        assert self.session is not None
        fields = json_events.describe(event, self.session.output_rate)
        if fields is None:
            return
        if isinstance(event, SessionReady):
            fields |= {"link": self.session.way, "proxy": self.session.proxy_label}
        if isinstance(event, ReplyFinished):
            seen = self.session.snapshot()
            fields |= {"latency_ms": seen.latency_ms, "sound": json_events.describe_sound(seen)}
            fields |= json_events.describe_cost(seen)
        write_json(fields)

    def _save(self, event: ReplyAudio) -> None:
        assert self.session is not None and self.options.save_reply is not None
        if self._writer is None:
            rate = self.session.output_rate
            self._writer = WavWriter(self.options.save_reply, rate)
        self._writer.write(event.pcm)

    # -- the end --------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        assert isinstance(error, VoiceChatError)
        self.questions.end(error)
        self._code = 2 if isinstance(error, ConfigError) else 1

    def _end(self, stopped: list[int]) -> int:
        if not self.options.as_json:
            self._page.end_reply()
        for problem in dict.fromkeys(self.questions.problems):
            if problem not in self._told:
                complain(self.words.told(problem))
        code = stopped[0] if stopped else self._code or int(self.questions.unanswered > 0)
        if self.options.as_json:
            seen = self.session.snapshot() if self.session is not None else None
            sound = json_events.describe_sound(seen) if seen is not None else None
            cost = json_events.describe_cost(seen) if seen is not None else {}
            write_json({"event": "end", "exit_code": code, "sound": sound, **cost})
        return code
