"""One response of the GLM stand-in: its events, in the order the live service sends them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.fakes.ga_signal import BYTES_PER_MS, timecode
from tests.fakes.glm_script import Reply, Script

JsonObject = dict[str, Any]
Emit = Callable[..., Awaitable[None]]
USAGE: JsonObject = {
    "total_tokens": 90,
    "input_tokens": 50,
    "output_tokens": 40,
    "input_token_details": {"text_tokens": 20, "audio_tokens": 30},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 30},
}


class ReplyRun:
    """One run of the model; `cancel` ends it at its next step."""

    def __init__(self, emit: Emit, script: Script, plan: Reply, number: int) -> None:
        self.id = f"resp_{number:06d}"
        self.is_cancelled = False
        self.plan = plan
        self.call_ids: list[str] = []
        """Of the calls it made; empty for one without an id."""
        self._emit, self._script, self._number = emit, script, number
        self._item_id = f"item_a{number:06d}"
        self._stop = asyncio.Event()
        self._said: list[JsonObject] = []

    def cancel(self) -> None:
        """Stop; the end is announced by `run`."""
        self.is_cancelled = True
        self._stop.set()

    async def run(self, over: Callable[[], None], *, is_empty: bool, with_sound: bool) -> None:
        """Send it all; `over` is called just before `response.done`.

        `is_empty`: there is nothing to answer, so there is no word and no sound.
        """
        await self._emit("response.created", response=self._response("in_progress"))
        if not is_empty and not self.plan.failure:
            await self._say(with_sound)
        if self.is_cancelled:
            await self._emit("response.cancelled", response=self._response("cancelled"))
        over()
        await self._emit("response.done", response=self._end())

    def _end(self) -> JsonObject:
        if self.is_cancelled:
            return self._response("cancelled", type="cancelled", reason="client_cancelled")
        if self.plan.failure:
            return self._response("failed", type="failed", error=self.plan.failure)
        output = self._said if self._script.has_items else []
        return {**self._response("completed"), "usage": USAGE, "output": output}

    def _response(self, status: str, **details: Any) -> JsonObject:
        response = {"id": self.id, "object": "realtime.response", "status": status}
        return {**response, "status_details": details or None, "usage": None}

    async def _say(self, with_sound: bool) -> None:
        if self.plan.calls:
            await self._call()
            return
        await self._frame("added", "in_progress", "")
        told = ""
        async for words, sound in self._pieces(with_sound):
            await self._words("delta", words)
            told += words
            if sound:
                await self._tell("audio.delta", delta=base64.b64encode(sound).decode())
        if with_sound:
            await self._tell("audio.done")
        if told and not self.is_cancelled:
            await self._words("done", told)
            await self._frame("done", "completed", told)

    async def _pieces(self, with_sound: bool) -> AsyncIterator[tuple[str, bytes]]:
        pcm = timecode(self._number, self.plan.audio_ms) if with_sound else b""
        size = self._script.delta_ms * BYTES_PER_MS
        count = max(1, -(-len(pcm) // size))
        step = -(-len(self.plan.text) // count)
        for at in range(count):
            if self.is_cancelled:
                return
            words = self.plan.text[at * step : (at + 1) * step]
            yield words, pcm[at * size : (at + 1) * size]
            await self._pause(self._script.delta_ms)

    async def _pause(self, ms: int) -> None:
        seconds = ms / 1000 / self._script.pace if self._script.pace else 0.0
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _words(self, step: str, words: str) -> None:
        if not words or (step == "delta" and not self._script.has_deltas):
            return
        for stream in self._script.streams:
            done = "text" if stream == "text" else "transcript"
            name = "delta" if step == "delta" else done
            await self._tell(f"{stream}.{step}", **{name: words})

    async def _tell(self, kind: str, **fields: Any) -> None:
        place = {"item_id": self._item_id, "output_index": 0, "content_index": 0}
        await self._emit(f"response.{kind}", response_id=self.id, **place, **fields)

    async def _frame(self, step: str, status: str, told: str) -> None:
        """The item and the part around words and sound."""
        content = [{"type": "audio", "transcript": told}] if told else []
        item: JsonObject = {"id": self._item_id, "object": "realtime.item", "type": "message"}
        item |= {"status": status, "role": "assistant", "content": content}
        self._said = [item]
        if not self._script.has_items:
            return
        where = {"response_id": self.id, "output_index": 0}
        part = {"type": "audio", "transcript": told}
        events = [("output_item", {"item": item}), ("content_part", {"part": part})]
        for kind, fields in events if step == "added" else reversed(events):
            named = {} if kind == "output_item" else {"item_id": self._item_id, "content_index": 0}
            await self._emit(f"response.{kind}.{step}", **where, **named, **fields)

    async def _call(self) -> None:
        """Whole calls, one event each; their deltas do not exist."""
        for index, call in enumerate(self.plan.calls):
            call_id = f"call_{self._number}_{index}" if call.has_id else ""
            self.call_ids.append(call_id)
            json.loads(call.arguments)
            named = {"call_id": call_id} if call_id else {}
            fields = {"name": call.name, "arguments": call.arguments, **named}
            item = {"id": f"fc_{self._number}_{index}", "type": "function_call", **fields}
            self._said.append(item)
            where = {"response_id": self.id, "output_index": index}
            await self._emit("response.function_call_arguments.done", **where, **fields)
            if self._script.has_items:
                await self._emit("response.output_item.done", **where, item=item)
