"""One connection to the GPT-Live stand-in.

The session's clock is the sound it gets: every 100 ms of input move it on by as much, and give one
message of output, silence included.  A client that stops sending stops the model.
"""

import asyncio
import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.fakes.ga_signal import timecode
from tests.fakes.gptlive_check import Refused, check
from tests.fakes.gptlive_script import Answer, Fault

if TYPE_CHECKING:
    from tests.fakes.gptlive_server import GptLiveServer

JsonObject = dict[str, Any]
STEP_MS = 100
STEP_BYTES = STEP_MS * 48
LOUD_RMS = 300.0
SPEECH_MS = 200
"""Of loud input until it counts as speech."""
END_MS = 500
"""Of silence after speech until the model answers."""
QUIET = bytes(STEP_BYTES)
MODELS = frozenset({"gpt-live-1", "gpt-live-1.1"})
POLICY = "delegation policy"
"""A heading of the instructions, without which the model never hands work over."""
MARKER = "<|SpawnThinking|>"
"""What that of the first model must name."""
MOST_TOKENS = 16_384
"""Of the instructions, counted generously."""


class GptLiveSession:
    """Speaks for the service on one connection.

    Attributes:
        settings: Of `session.start`, once it was accepted.
        heard: What the model heard, PCM16 at 24 kHz: silence where it was deaf.
        clock_ms: The session's clock.
        paused_ms: How much of it inference was paused.
        results: Content that was appended for delegated work, and what tools answered.
    """

    def __init__(self, server: "GptLiveServer", connection: ServerConnection, number: int) -> None:
        self.script = server.script
        self.number = number
        self.settings: JsonObject = {}
        self.heard = bytearray()
        self.clock_ms = self.paused_ms = 0
        self.is_paused = False
        self.results: list[str] = []
        self.is_deaf = False
        self._server = server
        self._connection = connection
        self._input = bytearray()
        self._events = self._noises = self._answered = 0
        self._is_started = False
        self._loud_ms = self._quiet_ms = 0
        self._speech_from_ms: int | None = None
        self._words_told = 0
        self._delegation = ""
        self._waits_for_result = False
        self._calls: list[str] = []
        """Ids of the helper's calls that have no answer."""
        self._answer: Answer | None = None
        self._sound = b""
        self._said_ms = 0
        self._late_words: tuple[int, int] | None = None

    # -- life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        try:
            async for raw in self._connection:
                await self._receive(raw)
        except ConnectionClosed:
            pass
        closed = self._connection
        self.note("closed", code=closed.close_code, reason=closed.close_reason)

    def note(self, note: str, **data: Any) -> None:
        self._server.log.add(self.number, "note", note=note, **data)

    def violation(self, what: str, **data: Any) -> None:
        """What no client should send."""
        self._server.log.add(self.number, "violation", type=what, **data)

    async def send(self, kind: str, **fields: Any) -> None:
        self._events += 1
        message = {"type": kind, "event_id": f"event_{self.number}_{self._events}", **fields}
        shown = {key: value for key, value in message.items() if key != "delta"}
        self._server.log.add(self.number, "out", type=kind, message=shown)
        await self._connection.send(json.dumps(message))

    async def fail(self, fault: Fault, client_event_id: str | None = None) -> None:
        error = {
            "type": fault.kind,
            "code": fault.code,
            "message": fault.message,
            "param": fault.param or None,
            "client_event_id": client_event_id,
        }
        await self.send("error", error=error)
        if fault.close:
            await self._connection.close(fault.close, fault.reason or fault.message)

    # -- receiving ------------------------------------------------------------------------------

    async def _receive(self, raw: str | bytes) -> None:
        message: JsonObject = json.loads(raw)
        kind = str(message.get("type"))
        shown = {**message, "audio": len(message["audio"])} if "audio" in message else message
        self._server.log.add(self.number, "in", type=kind, message=shown)
        try:
            check(message)
            await self._take(kind, message)
        except Refused as refused:
            self.violation("refused", code=refused.code, words=refused.words)
            fault = Fault(refused.code, refused.words, param=refused.param)
            await self.fail(fault, message.get("event_id"))

    async def _take(self, kind: str, message: JsonObject) -> None:
        if kind == "session.start":
            await self._start(message["session"])
            return
        if not self._is_started:
            raise Refused("session_not_started", "Send session.start, and wait for its answer.")
        match kind:
            case "session.input_audio.append":
                await self._hear(base64.b64decode(message["audio"]))
            case "session.input_audio.mute" | "session.input_audio.unmute":
                self.is_deaf = kind.endswith(".mute")
                await self.send(f"{kind}d")
            case "session.commentary.append" | "session.thinking.append":
                await self._take_result(kind, message)
            case "session.instructions.append":
                await self.send("session.instructions.appended", **self._here())
            case "session.close":
                await self.close("close_requested")
            case "response.item.create" if self._has_helper:
                await self._take_output(message["item"])
            case "response.create" if self._has_helper:
                await self._go_on()
            case _:
                raise Refused("invalid_request", f"{kind} requires Responses delegation.")

    async def _start(self, session: JsonObject) -> None:
        if self._is_started:
            raise Refused("session_already_started", "session.start comes once.")
        if session["audio"]["format"] != {"type": "audio/pcm", "rate": 24_000}:
            self.violation("format", format=session["audio"]["format"])
        if len(session.get("instructions", "")) > 4 * MOST_TOKENS:
            raise Refused("invalid_value", "Too many tokens.", "session.instructions")
        if session["model"] not in MODELS:
            raise Refused("model_not_found", f"The model '{session['model']}' does not exist.")
        script, has_helper = self.script, session["delegation"]["type"] == "responses"
        fault = script.voice_refusal if "output" in session["audio"] else None
        fault = script.helper_refusal if has_helper else fault
        if fault := script.refusal or fault:
            await self.fail(fault)
        elif script.starts:
            self._is_started, self.settings = True, session
            await self.send("session.started", session=self._resource())
            if script.info:
                await self.send("info", code="recording", message=script.info)

    async def _take_result(self, kind: str, message: JsonObject) -> None:
        given = message["delegation_id"]
        if given is not None and given != self._delegation:
            raise Refused("delegation_not_found", f"There is no delegation '{given}'.")
        self.results.append(message["content"])
        self._waits_for_result = False
        await self.send(f"{kind}ed", **self._here())

    @property
    def _has_helper(self) -> bool:
        return bool(self.settings["delegation"]["type"] == "responses")

    @property
    def _hands_over(self) -> bool:
        """Whether the instructions say when to hand work over, in the model's own way."""
        policy = self.settings.get("instructions", "").lower().partition(POLICY)[2]
        has_marker = MARKER.lower() in policy
        return bool(policy) and (has_marker or self.settings["model"] != "gpt-live-1")

    async def _call_tools(self, names: tuple[str, ...]) -> None:
        """The helper works, and needs our tools for it."""
        self._delegation, self._waits_for_result = f"deleg_{self._answered}", True
        work = {"id": self._delegation, "type": "delegation", "target": "responses"}
        offset_ms = self.clock_ms
        await self.send("session.delegation.created", delegation=work, offset_ms=offset_ms)
        await self._work("response.created", response={"id": "resp_1", "status": "in_progress"})
        for at, name in enumerate(names, 1):
            call = {"type": "function_call", "id": f"fc_{at}", "call_id": f"call_{at}"}
            item = {**call, "name": name, "arguments": self.script.arguments, "status": "completed"}
            self._calls.append(f"call_{at}")
            await self._work("response.output_item.done", output_index=at - 1, item=item)
        await self._work("response.completed", response={"id": "resp_1", "status": "completed"})

    async def _work(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "sequence_number": self._events, **fields}
        await self.send("response.event", delegation_id=self._delegation, event=event)

    async def _take_output(self, item: JsonObject) -> None:
        if item["call_id"] not in self._calls:
            raise Refused("invalid_value", f"No call '{item['call_id']}' waits.", "item.call_id")
        self._calls.remove(item["call_id"])
        self.results.append(item["output"])

    async def _go_on(self) -> None:
        if self._calls or not self._waits_for_result:
            raise Refused("invalid_request", f"Calls have no output: {self._calls}")
        self._waits_for_result = False
        if self.script.recalls and self._answer is not None:
            self._answer = replace(self._answer, text=" ".join(self.results))
        for kind in ("created", "completed"):
            response = {"id": "resp_2", "status": kind}
            await self._work(f"response.{kind}", response=response)

    async def close(self, reason: str) -> None:
        session, usage = self._resource(), self._usage()
        await self.send("session.closed", reason=reason, session=session, usage=usage)
        await self._connection.close(1000)

    def _resource(self) -> JsonObject:
        fixed = {"id": f"live_{self.number}", "status": "active", "expires_at": 1_900_000_000}
        return {**self.settings, **fixed}

    def _usage(self) -> JsonObject:
        """All of it whole seconds; without a pause there is nothing to tell apart."""
        seconds, paused = self.clock_ms // 1000, self.paused_ms // 1000
        if not (self.script.idle_ms and self.script.splits_usage):
            return {"seconds": seconds}
        return {"seconds": seconds, "active_seconds": seconds - paused, "paused_seconds": paused}

    def _here(self) -> JsonObject:
        return {"start_ms": self.clock_ms, "end_ms": self.clock_ms}

    # -- one step of the clock ------------------------------------------------------------------

    async def _hear(self, pcm: bytes) -> None:
        self._input += bytes(len(pcm)) if self.is_deaf else pcm
        while len(self._input) >= STEP_BYTES:
            step = bytes(self._input[:STEP_BYTES])
            del self._input[:STEP_BYTES]
            await self._step(step)

    async def _step(self, pcm: bytes) -> None:
        self.heard += pcm
        self.clock_ms += STEP_MS
        await self._listen(pcm)
        await self._idle()
        if not self.is_paused:
            await self._speak()
        if self.script.counts and self.clock_ms % 1000 == 0:
            await self.send("session.usage.updated", usage=self._usage())

    async def _listen(self, pcm: bytes) -> None:
        if _rms(pcm) >= LOUD_RMS:
            self._loud_ms, self._quiet_ms = self._loud_ms + STEP_MS, 0
            if self._loud_ms == SPEECH_MS:
                self._speech_from_ms, self._words_told = self.clock_ms - SPEECH_MS, 0
                if self.script.yields:
                    self._answer = None
                await self._tell_words(1)
            return
        self._quiet_ms += STEP_MS
        if self._quiet_ms == END_MS and self._speech_from_ms is not None:
            await self._tell_words(2)
            if self._answer is None:
                await self._be_asked()
        if self._quiet_ms >= END_MS:
            self._loud_ms, self._speech_from_ms = 0, None

    async def _idle(self) -> None:
        """Inference is paused while nobody speaks, on either side."""
        is_idle = self._answer is None and self._quiet_ms >= self.script.idle_ms > 0
        if is_idle != self.is_paused:
            self.is_paused = is_idle
            await self.send("session.paused" if is_idle else "session.resumed")
        if self.is_paused:
            self.paused_ms += STEP_MS

    async def _tell_words(self, most: int) -> None:
        """The user's words, in two fragments."""
        assert self._speech_from_ms is not None
        if self.script.is_late and most == 1:
            return
        if self.script.is_late and self._late_words is None:
            self._late_words = (self._speech_from_ms, self.clock_ms - END_MS)
            return
        await self._tell_fragments(most, self._speech_from_ms, self.clock_ms)

    async def _tell_fragments(self, most: int, start_ms: int, end_ms: int) -> None:
        words = self.script.user_text
        half = words.find(" ", len(words) // 2)
        fragments = [words[:half], words[half:]]
        for at in range(self._words_told, most):
            middle = start_ms + (end_ms - start_ms) * at // 2
            times = {"start_ms": middle, "end_ms": max(middle, end_ms - (1 - at) * 50)}
            await self.send("session.input_transcript.delta", delta=fragments[at], **times)
        self._words_told = most

    async def _be_asked(self) -> None:
        if self.script.is_mute:
            return
        plans = self.script.answers
        self._answer = plans[min(self._answered, len(plans) - 1)]
        self._answered += 1
        self._said_ms, half = 0, self._answer.audio_ms // 2 * 48
        sound = timecode(self._server.next_timecode(), self._answer.audio_ms)
        self._sound = sound[:half] + bytes(self._answer.pause_ms * 48) + sound[half:]
        calls_tools = self.script.calls and self._has_helper and self._hands_over
        if calls_tools and self._answered == 1:
            await self._call_tools(self.script.calls)
        elif self.script.delegates:
            self._delegation, self._waits_for_result = f"deleg_{self._answered}", True
            work = {"id": self._delegation, "type": "delegation", "target": "client"}
            offset_ms = self.clock_ms
            await self.send("session.delegation.created", delegation=work, offset_ms=offset_ms)

    async def _speak(self) -> None:
        if self._answer is None or self._waits_for_result:
            if self.script.sends_silence:
                await self._say_sound(QUIET)
            return
        at, total = self._said_ms * 48, len(self._sound)
        piece = self._sound[at : at + STEP_BYTES]
        await self._tell_reply_words(at, at + len(piece), total)
        await self._say_sound(piece if not self.script.is_odd else piece[:-1])
        if self.script.is_odd:
            await self._say_sound(piece[-1:])
        self._said_ms += STEP_MS
        await self._after_piece()
        if at + STEP_BYTES >= total:
            self._answer = None

    async def _after_piece(self) -> None:
        if self._late_words and self._said_ms == 300:
            (start_ms, end_ms), self._late_words = self._late_words, None
            await self._tell_fragments(2, start_ms, end_ms)
        if self._said_ms != 500 or self._answered != 1:
            return
        if self.script.fault_in_answer:
            await self.fail(self.script.fault_in_answer)
        if self.script.closed_in_answer:
            await self.close(self.script.closed_in_answer)
        if self.script.breaks_in_answer:
            self._connection.transport.abort()

    async def _tell_reply_words(self, at: int, end: int, total: int) -> None:
        assert self._answer is not None
        words = self._answer.text.split(" ")
        first, last = at * len(words) // total, end * len(words) // total
        if last == first:
            return
        said = " ".join(words[first:last])
        times = {"start_ms": self.clock_ms, "end_ms": self.clock_ms + STEP_MS}
        delta = f" {said}" if first else said
        await self.send("session.output_transcript.delta", delta=delta, **times)

    async def _say_sound(self, pcm: bytes) -> None:
        if self.script.noise:
            await self._connection.send(self.script.noise[self._noises % len(self.script.noise)])
            self._noises += 1
        # Unlike all else, sound has no `event_id`.
        message = {"type": "session.output_audio.delta", "delta": base64.b64encode(pcm).decode()}
        self._server.log.add(self.number, "out", type=message["type"], bytes=len(pcm))
        await self._connection.send(json.dumps(message))
        await asyncio.sleep(0)


def _rms(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(np.float64) ** 2)))
