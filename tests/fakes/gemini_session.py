"""One connection to the Gemini stand-in: what the client may send now, and whose turn it is."""

import asyncio
import base64
import json
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.fakes.gemini_answer import Turn, pretty
from tests.fakes.gemini_check import Refused, check, kind_of
from tests.fakes.gemini_script import ABORTED, Answer, Script
from tests.fakes.gemini_setup_check import INVALID, Settings, read

if TYPE_CHECKING:
    from tests.fakes.gemini_server import GeminiServer

JsonObject = dict[str, Any]
BYTES_PER_MS = 32
LOUD_RMS = 500.0
SPEECH_MS = 100
LARGEST_CHUNK_MS = 200


class GeminiSession:
    """Speaks for the service on one connection, after `script`.

    Attributes:
        received: Sound that was heard in a turn, PCM16 at 16 kHz.
        pictures: What was shown, in any way.
        said: The conversation, each say as `role: words`.
        tool_answered: Set when the last call of a tool has its answer.
    """

    def __init__(self, server: "GeminiServer", connection: ServerConnection, number: int) -> None:
        self.script: Script = server.script
        self.number = number
        self.received = bytearray()
        self.pictures: list[bytes] = []
        self.texts: list[str] = []
        self.said: list[str] = []
        self.answers_of_tools: list[JsonObject] = []
        self.tool_answered = asyncio.Event()
        self.is_alive = True
        self._server = server
        self._connection = connection
        self._settings: Settings | None = None
        self._is_ready = False
        self._awaits_past = False
        self._in_turn = False
        self._loud_ms = self._quiet_ms = 0.0
        self._is_speaking = False
        self._turn: Turn | None = None
        self._answered = self._calls = self._noises = 0
        self._open_calls: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def settings(self) -> Settings:
        assert self._settings is not None
        return self._settings

    # -- life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        try:
            async for raw in self._connection:
                await self._receive(raw)
        except ConnectionClosed:
            pass
        finally:
            self.is_alive = False
            closed = self._connection
            self.note("closed", code=closed.close_code, reason=closed.close_reason)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        async def until_closed() -> None:
            try:
                await work
            except ConnectionClosed:
                return
            except Exception as error:
                self.note("bug", error=repr(error))
                raise

        task = asyncio.create_task(until_closed())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def note(self, note: str, **data: Any) -> None:
        self._server.log.add(self.number, "note", note=note, **data)

    def violation(self, what: str, **data: Any) -> None:
        """What no client should send."""
        self._server.log.add(self.number, "violation", type=what, **data)

    async def send(self, message: JsonObject) -> None:
        if self.script.noise and self._is_ready:
            await self._connection.send(self.script.noise[self._noises % len(self.script.noise)])
            self._noises += 1
        self._server.log.add(self.number, "out", type=next(iter(message)), message=_shown(message))
        await self._connection.send(pretty(message))

    async def end(self, code: int, reason: str) -> None:
        """Close; a reason has room for 123 bytes."""
        self.note("closing", code=code, reason=reason)
        await self._connection.close(code, reason.encode()[:123].decode("utf-8", "ignore"))

    # -- receiving ------------------------------------------------------------------------------

    async def _receive(self, raw: str | bytes) -> None:
        try:
            if isinstance(raw, bytes):
                raise Refused(1007, "A client sends text messages")
            message = json.loads(raw)
            kind = kind_of(message)
            self._server.log.add(self.number, "in", type=kind, message=_shown(message))
            check(message)
            await self._take(kind, message)
        except Refused as refused:
            self.violation("refused", code=refused.code, reason=refused.reason)
            await self.end(refused.code, refused.reason)

    async def _take(self, kind: str, message: JsonObject) -> None:
        if kind == "setup":
            await self._set_up(message["setup"])
            return
        if not self._is_ready:
            raise Refused(1007, "The first message must be a setup, and it must be answered first")
        if self._awaits_past and kind != "clientContent":
            raise Refused(1007, f"{INVALID} The history must come first")
        name, _, field = kind.partition(".")
        content = message[name]
        match name:
            case "realtimeInput":
                await self._stream(field, content[field])
            case "clientContent":
                await self._take_content(content)
            case "toolResponse":
                self._take_tool(content)
            case _:
                self.violation(kind)

    async def _set_up(self, setup: JsonObject) -> None:
        if self._settings is not None:
            raise Refused(1007, "setup must be the first message and only the first")
        self._settings = read(setup, self._server.take_handle)
        self._awaits_past = self._settings.awaits_past
        if self.script.refusal:
            await self.end(*self.script.refusal)
        elif self.script.answers_setup:
            await self.send({"setupComplete": {}})
            self._is_ready = True
            if self.script.go_away_s:
                self._start(self._go_away())

    async def _go_away(self) -> None:
        await asyncio.sleep(self.script.go_away_s)
        left_s = self.script.go_away_left_s
        await self.send({"goAway": {"timeLeft": f"{left_s:g}s"}})
        await asyncio.sleep(left_s)
        await self.end(*ABORTED)

    # -- streamed input -------------------------------------------------------------------------

    async def _stream(self, field: str, content: Any) -> None:
        is_mark = field in ("audioStreamEnd", "activityStart", "activityEnd")
        if is_mark and self.settings.by_hand == (field == "audioStreamEnd"):
            raise Refused(1007, f"{INVALID} {field} does not fit the turn detection")
        match field:
            case "audio":
                await self._hear(content)
            case "activityStart":
                if self._in_turn:
                    self.violation("activityStart twice")
                self._in_turn = True
                await self.interrupt()
            case "activityEnd":
                if not self._in_turn:
                    raise Refused(1007, f"{INVALID} activityEnd without activityStart")
                self._in_turn = False
                self.answer(self.script.user_text)
            case "video":
                self._see(content)
            case "text":
                await self._read(content)
            case "mediaChunks":
                self.violation("mediaChunks")

    async def _hear(self, blob: JsonObject) -> None:
        pcm = base64.b64decode(blob["data"])
        if blob["mimeType"] != "audio/pcm;rate=16000" or len(pcm) % 2:
            raise Refused(1007, f"{INVALID} {blob['mimeType']}")
        if len(pcm) > LARGEST_CHUNK_MS * BYTES_PER_MS:
            self.violation("chunk too long", ms=len(pcm) // BYTES_PER_MS)
        if not self.settings.by_hand:
            self.received += pcm
            await self._listen(pcm)
        elif self._in_turn:
            self.received += pcm
        else:
            self.violation("sound outside a turn")

    async def _listen(self, pcm: bytes) -> None:
        """Find speech: it begins with loud sound and ends with quiet sound, never with none."""
        ms = len(pcm) / BYTES_PER_MS
        samples = np.frombuffer(pcm, "<i2").astype(np.float64)
        is_loud = bool(samples.size) and float(np.sqrt(np.mean(samples**2))) > LOUD_RMS
        self._loud_ms = self._loud_ms + ms if is_loud else 0.0
        self._quiet_ms = 0.0 if is_loud else self._quiet_ms + ms
        if not self._is_speaking and self._loud_ms >= SPEECH_MS:
            self._is_speaking = True
            await self._mark("ACTIVITY_START")
            if self.settings.interrupts:
                await self.interrupt()
        elif self._is_speaking and self._quiet_ms >= self.settings.silence_ms:
            self._is_speaking = False
            await self._mark("ACTIVITY_END")
            self.answer(self.script.user_text)

    async def _mark(self, kind: str) -> None:
        if self.script.marks_speech:
            await self.send({"voiceActivity": {"type": kind, "audioOffset": "1.200s"}})

    async def _read(self, words: str) -> None:
        self.texts.append(words)
        self.said.append(f"user: {words}")
        if not self._in_turn:
            if self.settings.by_hand:
                self.violation("streamed text outside a turn")
            await self.interrupt()
            self.answer("")

    # -- ordered turns --------------------------------------------------------------------------

    async def _take_content(self, content: JsonObject) -> None:
        for turn in content.get("turns", []):
            if turn.get("role") not in ("user", "model"):
                raise Refused(1007, "Please use a valid role: user, model.")
            for part in turn["parts"]:
                self._take_part(part, turn["role"])
        is_past = self._awaits_past
        if is_past and content.get("turnComplete"):
            self._awaits_past = False
        if not is_past:
            await self.interrupt()
            if content.get("turnComplete"):
                self.answer("")

    def _take_part(self, part: JsonObject, role: str) -> None:
        if "inlineData" in part:
            self._see(part["inlineData"])
        elif "text" in part:
            self.texts.append(part["text"])
            self.said.append(f"{role}: {part['text']}")
        else:
            raise Refused(1007, INVALID)

    def _see(self, blob: JsonObject) -> None:
        if blob["mimeType"] not in ("image/jpeg", "image/png"):
            raise Refused(1007, f"{INVALID} {blob['mimeType']}")
        self.pictures.append(base64.b64decode(blob["data"]))

    # -- tools ----------------------------------------------------------------------------------

    def open_call(self, name: str) -> JsonObject:
        self._calls += 1
        self.tool_answered.clear()
        call_id = f"function-call-{self.number}-{self._calls}" if self.script.has_ids else ""
        self._open_calls[call_id] = name
        call: JsonObject = {"name": name, "args": {"zone": "UTC"}}
        return call | ({"id": call_id} if call_id else {})

    async def cancel_calls(self) -> None:
        ids = list(filter(None, self._open_calls))
        self._open_calls.clear()
        if ids:
            await self.send({"toolCallCancellation": {"ids": ids}})

    def _take_tool(self, content: JsonObject) -> None:
        for answer in content["functionResponses"]:
            name = self._open_calls.pop(answer.get("id", ""), None)
            if name is None or name != answer.get("name") or "response" not in answer:
                raise Refused(1008, "Operation is not implemented, or supported, or enabled.")
            if "scheduling" in answer and not self.settings.schedules_tools:
                self.violation("scheduling")
            self.answers_of_tools.append(answer)
            self.said.append(f"tool: {json.dumps(answer['response'])}")
        if not self._open_calls:
            self.tool_answered.set()

    # -- answers --------------------------------------------------------------------------------

    def answer(self, user_text: str) -> None:
        """Begin a turn of the model."""
        if self.script.is_mute:
            return
        if self.script.error:
            self._start(self.send({"error": self.script.error}))
            return
        plans = self.script.answers
        self._answered += 1
        plan = self.recalled(plans[min(self._answered, len(plans)) - 1])
        self._turn = Turn(self, plan, user_text)
        self._start(self._begin(self._turn))

    def recalled(self, plan: Answer) -> Answer:
        """The answer, with all that the model knows by now if the script says so."""
        if not self.script.recalls:
            return plan
        known = [self.settings.instructions, *self.said]
        return replace(plan, text=" | ".join(" ".join(text.split()) for text in known if text))

    async def _begin(self, turn: Turn) -> None:
        if self.settings.wants_handles:
            await self.send({"sessionResumptionUpdate": {"newHandle": "", "resumable": False}})
        await turn.run()

    async def interrupt(self) -> None:
        """Cut the running turn, and let it say that it was."""
        turn = self._turn
        if turn is None or turn.is_over:
            return
        turn.cut()
        while not turn.is_over:
            await asyncio.sleep(0.002)

    async def send_handle(self) -> None:
        if self.settings.wants_handles:
            handle = self._server.new_handle(self)
            await self.send({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}})

    def next_timecode(self) -> int:
        return self._server.next_timecode()

    def usage(self, sound_bytes: int) -> JsonObject:
        """Tokens of a turn: 25 a second of sound, and 40 of text."""
        heard, said = len(self.received) * 25 // 32_000, sound_bytes * 25 // 48_000
        usage: JsonObject = {
            "promptTokenCount": 40 + heard,
            "responseTokenCount": said,
            "totalTokenCount": str(40 + heard + said),
        }
        if self.script.has_details:
            parts = (("TEXT", 40), ("AUDIO", heard))
            usage["promptTokensDetails"] = [_tokens(*part) for part in parts if part[1]]
            usage["responseTokensDetails"] = [_tokens("AUDIO", said)] if said else []
        return {key: value for key, value in usage.items() if value}


def _tokens(modality: str, count: int) -> JsonObject:
    return {"modality": modality, "tokenCount": count}


def _shown(value: Any) -> Any:
    """A message for the log: sound and pictures as their length."""
    if isinstance(value, dict):
        return {
            key: {"bytes": len(part) * 3 // 4} if key == "data" else _shown(part)
            for key, part in value.items()
        }
    return [_shown(part) for part in value] if isinstance(value, list) else value
