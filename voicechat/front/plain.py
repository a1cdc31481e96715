"""No screen: each line on stdin is a typed message, the reply's text goes to stdout as it arrives.

Errors are summed up on stderr; the exit code is 0 when everything was answered.  With JSON, stdout
holds one object per event (`voicechat.front.report`) and nothing else.
"""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicechat.audio.wav import WavWriter, read_wav
from voicechat.errors import VoiceChatError
from voicechat.events import (
    Event,
    InputTranscript,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SessionReady,
)
from voicechat.front import report
from voicechat.front.signals import on_stop
from voicechat.session import Session

SPEECH_CHUNK_MS = 100
TRAILING_SILENCE_MS = 1500
"""VAD measures silence in received sound, so a spoken file must be followed by some."""


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
    _printed: dict[str, str] = field(default_factory=dict)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, session: Session) -> int:
        """Ask everything there is to ask; return the exit code."""
        self.session = session
        stopped: list[int] = []
        main = asyncio.current_task()

        def stop(code: int) -> None:
            stopped.append(code)
            if main is not None:
                main.cancel()

        on_stop(stop, also_interrupt=True)
        try:
            await self._converse(session)
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
        rate = session.line.dialect.input_rate
        return read_wav(self.options.say, rate) if self.options.say else None

    async def _ask(self, session: Session, line: str) -> None:
        self._answered.clear()
        row = session.say(line)
        if row is not None:
            if self.options.as_json:
                said = {"event": "user", "id": row.id, "text": row.text, "spoken": False}
                _print_json(said)
            await self._answered.wait()

    async def _ask_by_voice(self, session: Session, pcm: bytes) -> None:
        """Speak a file: at once with marked turns, at its own pace where VAD finds them."""
        rate = session.line.dialect.input_rate
        size = rate * SPEECH_CHUNK_MS // 1000 * 2
        if session.gate.hands_free:
            pcm += bytes(rate * TRAILING_SILENCE_MS // 1000 * 2)
        else:
            session.begin_turn()
        for start in range(0, len(pcm), size):
            session.speak(pcm[start : start + size])
            await asyncio.sleep(SPEECH_CHUNK_MS / 1000 if session.gate.hands_free else 0)
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
            case ReplyFinished(_, status, code, message):
                if status == "failed":
                    self.unanswered += 1
                    self.problems.append(message or code or "the model failed to answer")
                self._answered.set()
            case ProviderFailed(_, message, fatal=False):
                self.problems.append(message)
            case Notice("turn_too_short", message):
                self.unanswered += 1
                self.problems.append(message)
                self._answered.set()

    def _write(self, event: Event | VoiceChatError) -> None:
        match event:
            case ReplyText(_, item_id, text, final):
                self._write_reply(item_id, text, final=final)
            case ReplyFinished():
                if self._printed:
                    _print("\n")
                self._printed.clear()
            case InputTranscript(_, text, final=True) if self.options.is_voice:
                _print(f"> {text}\n")
            case Notice(_, message):
                _complain(message)

    def _write_reply(self, item_id: str, text: str, *, final: bool) -> None:
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
            fields["proxy"] = self.session.proxy_label
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
        self.problems.append(str(error))

    def _end(self, stopped: list[int]) -> int:
        if self._printed and not self.options.as_json:
            _print("\n")
        for problem in dict.fromkeys(self.problems):
            _complain(problem)
        code = stopped[0] if stopped else int(self.unanswered > 0)
        if self.options.as_json:
            _print_json({"event": "end", "exit_code": code})
        return code


async def _stdin_lines() -> AsyncIterator[str]:
    """Lines of stdin, read by a thread: a pipe, a file and a terminal all work, on any system."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # The loop is gone: the program is ending.
            for line in iter(sys.stdin.buffer.readline, b""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while line := await lines.get():
        yield line.decode(errors="replace")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _print_json(fields: dict[str, Any]) -> None:
    _print(json.dumps(fields, ensure_ascii=False) + "\n")


def _complain(text: str) -> None:
    print(f"voicechat: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this is our output
