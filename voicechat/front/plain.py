"""No screen: each line on stdin is a typed message, the reply's text goes to stdout as it arrives.

Errors are summed up on stderr; the exit code is 0 when everything was answered.  With JSON, stdout
holds one object per event (`voicechat.front.report`) and nothing else.
"""

import asyncio
import io
import json
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicechat.audio.wav import WavWriter, read_wav
from voicechat.conversation import Row
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.events import (
    Event,
    InputTranscript,
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
)
from voicechat.front import report
from voicechat.front.orders import (
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
from voicechat.front.signals import on_stop
from voicechat.front.words import Words
from voicechat.session import Session
from voicechat.text import clean

SPEECH_CHUNK_MS = 100
TRAILING_SILENCE_MS = 1000
"""VAD measures silence in received sound, so a spoken file must be followed by what ends a turn
(`Vad.silence_ms`), and a little more."""
PATIENCE_S = 12.0
"""How long to wait for a reply after an error, an empty reply, or a file in which nobody spoke: a
little longer than a dialect waits for a reply it has asked for."""


_ENGLISH = Words("en")
"""Scripts read these lines, so they do not depend on the user's language."""


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


@dataclass(slots=True)
class Plain:
    """Follow one session on stdout; count what was answered and what was not."""

    options: Options
    session: Session | None = None
    problems: list[str] = field(default_factory=list)
    """What to sum up at the end."""
    unanswered: int = 0
    _writer: WavWriter | None = None
    _said: str = ""
    _told: set[str] = field(default_factory=set)
    """Notices that were told when they came."""
    _printed: dict[str, str] = field(default_factory=dict)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether no question is open."""
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _code: int = 0
    _is_replying: bool = False
    _has_said: bool = False
    """Whether the reply has had a word or a sound."""
    _running: set[str] = field(default_factory=set)
    """Calls of tools that have no answer yet."""
    _owes_reply: bool = False
    """The reply called a tool: another reply follows once that has answered."""
    _doubt: asyncio.TimerHandle | None = None
    _rate_read: int = 0
    """Hz at which the file to speak was read."""

    async def run(self, session: Session) -> int:
        """Ask everything there is to ask; return the exit code."""
        self.session = session
        self._answered.set()
        _print_anything()
        stopped: list[int] = []
        main = asyncio.current_task()

        def stop(code: int) -> None:
            stopped.append(code)
            if main is not None:
                main.cancel()

        on_stop(stop, also_interrupt=True)
        try:
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

    async def _converse(self, session: Session) -> None:
        speech = self._speech(session)
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(session.run())
            if speech is not None:
                await self._ask_by_voice(session, speech)
            else:
                async for line in _stdin_lines():
                    await self._ask(session, line)
                if self.options.is_voice:
                    await call
            call.cancel()

    def _speech(self, session: Session) -> bytes | None:
        """The file, read before the call so that a bad one is told at once."""
        self._rate_read = session.line.dialect.input_rate
        return read_wav(self.options.say, self._rate_read) if self.options.say else None

    async def _ask(self, session: Session, line: str) -> None:
        """One line of stdin: a message or an order (`voicechat.front.orders`)."""
        order = read_order(line)
        match order:
            case Say(text):
                row = session.say(text)
                if row is None and clean(text).strip():
                    self._give_up("the message was not sent")
                await self._await_answer(row)
            case ShowFile() | ShowScreen():
                await self._show(session, order)
            case Mistake(key, values):
                self._give_up(_ENGLISH(key, **values))
            case Help():
                _complain(_ENGLISH("help_orders"))
            case Leave():
                raise _Left

    async def _show(self, session: Session, order: Show) -> None:
        await self._ready.wait()  # Only then is it known what the model takes.
        try:
            shown = await carry_out(order, session)
        except ConfigError as error:  # Only this line is wrong: the others may be answered.
            self._give_up(str(error))
            return
        if not shown:
            self._give_up("the picture was not sent")
        for one in shown:
            await self._await_answer(one.row, expects_answer=one.expects_answer)

    async def _await_answer(self, row: Row | None, *, expects_answer: bool = True) -> None:
        if row is None:
            return
        if self.options.as_json:
            _print_json({"event": "user", "id": row.id, "text": row.text, "spoken": False})
        if expects_answer:
            self._answered.clear()
            await self._answered.wait()

    async def _ask_by_voice(self, session: Session, pcm: bytes) -> None:
        """Speak a file: at once with marked turns, at its own pace where VAD finds them."""
        await self._ready.wait()  # What waits for a session is bounded; a file may be long.
        self._answered.clear()
        rate = session.line.dialect.input_rate
        if self.options.say and rate != self._rate_read:  # Only the server knows its rate.
            pcm = read_wav(self.options.say, rate)
        size = rate * SPEECH_CHUNK_MS // 1000 * 2
        if session.gate.hands_free:
            silence_ms = session.line.dialect.settings.vad.silence_ms + TRAILING_SILENCE_MS
            pcm += bytes(rate * silence_ms // 1000 * 2)
        else:
            session.begin_turn()
        for start in range(0, len(pcm), size):
            session.speak(pcm[start : start + size])
            await asyncio.sleep(SPEECH_CHUNK_MS / 1000 if session.gate.hands_free else 0)
        if session.gate.hands_free:
            self._expect("the model heard nobody speak")
        session.end_turn()
        await self._answered.wait()

    def warn(self, text: str) -> None:
        """Something the user should know before the call."""
        if self.options.as_json:
            _print_json({"event": "notice", "code": "warning", "text": text})
        else:
            _complain(text)

    # -- what the session tells -----------------------------------------------------------------

    def hear(self, event: Event | VoiceChatError) -> None:
        """The session's listener."""
        if isinstance(event, ReplyAudio) and self.options.save_reply:
            self._save(event)
        if self.options.as_json:
            self._report(event)
        else:
            self._write(event)
        self._count(event)

    def _count(self, event: Event | VoiceChatError) -> None:
        match event:
            case SessionReady():
                self._ready.set()
            case SpeechStarted() | TurnCommitted() | ReplyStarted():
                self._begin(event)
            case ReplyText() | ReplyAudio():
                self._has_said = True
            case ToolCalled(call_id=call_id):
                self._running.add(call_id)
                self._owes_reply = True
            case ToolAnswered(call_id=call_id):
                self._end_calls(call_id)
            case ToolsCancelled(call_ids):
                self._end_calls(*call_ids)
            case ReplyFinished():
                self._finish(event)
            case ProviderFailed("no_reply", message) | Notice("turn_too_short", message):
                self._give_up(message)
            case ProviderFailed(code, message, fatal=False) if code != "no_answer":
                self.problems.append(message)
                self._expect("a message was not answered")

    def _begin(self, event: SpeechStarted | TurnCommitted | ReplyStarted) -> None:
        """A turn or a reply: there is something to wait for, and it is on its way."""
        self._answered.clear()
        self._owes_reply = False
        self._has_said, self._is_replying = False, isinstance(event, ReplyStarted)
        if self._doubt is not None:
            self._doubt.cancel()

    def _finish(self, event: ReplyFinished) -> None:
        self._is_replying = False
        if event.status == "cancelled" and event.code == "turn_detected":
            return  # The user went on speaking: the next reply is the answer.
        if event.status == "completed" and self._owes_reply:
            self._end_calls()
            return
        if event.status == "completed" and not self._has_said:
            self._expect("the model answered with nothing")
            return
        if event.status == "failed":
            self._give_up(event.message or event.code or "the model failed to answer")
        elif event.status == "incomplete":
            self.problems.append(event.message or "the answer is incomplete")
        self._answered.set()

    def _end_calls(self, *call_ids: str) -> None:
        """A tool may take its time; once all have answered, the model must go on soon."""
        self._running.difference_update(call_ids)
        if not self._running:
            self._expect("the model said nothing after its tools had answered")

    def _expect(self, otherwise: str) -> None:
        """A reply must begin soon, or the open question counts as unanswered."""
        if self._doubt is not None:
            self._doubt.cancel()
        if not (self._answered.is_set() or self._is_replying):
            loop = asyncio.get_running_loop()
            self._doubt = loop.call_later(PATIENCE_S, self._give_up, otherwise)

    def _give_up(self, why: str) -> None:
        self.unanswered += 1
        self.problems.append(why)
        self._answered.set()

    def _write(self, event: Event | VoiceChatError) -> None:
        match event:
            case ReplyText(_, item_id, text, final):
                self._write_reply(item_id, text, final=final)
            case ReplyFinished():
                if self._printed:
                    _print("\n")
                self._printed.clear()
                self._write_said("")
            case InputTranscript(_, text, final=True) if self.options.is_voice:
                self._write_said(f"> {text}\n")
            case Notice(code, message) if code != "turn_too_short":  # That one is summed up.
                self._told.add(message)
                _complain(message)

    def _write_said(self, line: str) -> None:
        """The user's words, on a line of their own: after the reply that is being written."""
        self._said += line
        if not self._printed:
            _print(self._said)
            self._said = ""

    def _write_reply(self, item_id: str, text: str, *, final: bool) -> None:
        if self._printed and item_id not in self._printed:
            _print("\n")
        printed = self._printed.get(item_id, "")
        if not final:
            self._printed[item_id] = printed + text
            _print(text)
        elif text.startswith(printed):
            self._printed[item_id] = text
            _print(text[len(printed) :])

    def _report(self, event: Event | VoiceChatError) -> None:
        assert self.session is not None
        fields = report.describe(event, self.session.line.dialect.output_rate)
        if fields is None:
            return
        if isinstance(event, SessionReady):
            fields |= {"link": self.session.line.way, "proxy": self.session.proxy_label}
        if isinstance(event, ReplyFinished):
            fields["latency_ms"] = self.session.snapshot().latency_ms
        _print_json(fields)

    def _save(self, event: ReplyAudio) -> None:
        assert self.session is not None and self.options.save_reply is not None
        if self._writer is None:
            rate = self.session.line.dialect.output_rate
            self._writer = WavWriter(self.options.save_reply, rate)
        self._writer.write(event.pcm)

    # -- the end --------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        self.unanswered += 1
        # What ended the line may have failed a reply first: it is told once, with its hint.
        self.problems = [told for told in self.problems if told not in str(error)] + [str(error)]
        self._code = 2 if isinstance(error, ConfigError) else 1

    def _end(self, stopped: list[int]) -> int:
        if self._printed and not self.options.as_json:
            _print("\n")
        for problem in dict.fromkeys(self.problems):
            if problem not in self._told:
                _complain(problem)
        code = stopped[0] if stopped else self._code or int(self.unanswered > 0)
        if self.options.as_json:
            _print_json({"event": "end", "exit_code": code})
        return code


async def _stdin_lines() -> AsyncIterator[str]:
    """Lines of stdin, read by a thread: a pipe, a file and a terminal all work, on any system."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # The loop is gone: the program is ending.
            for line in iter(sys.stdin.buffer.readline if sys.stdin else bytes, b""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while line := await lines.get():
        yield line.decode(errors="replace")


def _print_anything() -> None:
    """Let no character that the locale's encoding lacks end the program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _print(text: str) -> None:
    """Write to stdout, now.

    Raises:
        VoiceChatError: nobody reads it any more, or the disk is full; later prints go nowhere.
    """
    if sys.stdout is None:
        raise VoiceChatError("Cannot write to stdout: it is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise VoiceChatError(f"Cannot write to stdout: {error.strerror}") from None


def _print_json(fields: dict[str, Any]) -> None:
    _print(json.dumps(fields, ensure_ascii=False) + "\n")


def _complain(text: str) -> None:
    print(f"voicechat: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this is our output
