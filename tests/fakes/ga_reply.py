"""One run of the model: its events in the order the live service sends them.

A cancelled run ends by itself at its next step: it closes what it had opened as `incomplete` and
sends `response.done`, as the service does.
"""

import asyncio
import base64
from typing import Any, Literal, Protocol

from tests.fakes.ga_script import Reply, Script
from tests.fakes.ga_settings import Settings
from tests.fakes.ga_signal import BYTES_PER_MS, ms_of, read_wav, timecode

JsonObject = dict[str, Any]
CancelReason = Literal["turn_detected", "client_cancelled"]


class Item:
    """An entry of the conversation; `audio_bytes` counts the model's sound sent so far."""

    def __init__(self, data: JsonObject) -> None:
        self.data = data
        self.audio_bytes = 0
        self.previous: str | None = None

    @property
    def id(self) -> str:
        """The service's name for it."""
        return str(self.data["id"])


class Stage(Protocol):
    """What a reply needs of its session."""

    script: Script
    settings: Settings

    async def emit(self, kind: str, **fields: Any) -> None:
        """Send an event."""

    def new_id(self, prefix: str) -> str:
        """A name nobody has yet."""

    def place(self, item: Item) -> str | None:
        """Append to the conversation; the id of the item before it."""

    def sound_of(self, item_id: str, reply: Reply) -> bytes:
        """What this item sounds like."""

    def usage(self, output: list[Item]) -> JsonObject:
        """Tokens of a reply."""

    def reply_is_over(self, run: "ReplyRun") -> None:
        """`response.done` goes out now: another may begin."""

    async def reset(self) -> None:
        """Break the TCP connection."""


class ReplyRun:
    """One response.  `request` is the client's `response`, empty for one the VAD made."""

    def __init__(self, stage: Stage, plan: Reply, request: JsonObject) -> None:
        self._stage = stage
        self._plan = plan
        self._request = request
        self._cancelled = asyncio.Event()
        self._stale: list[tuple[JsonObject, bytes]] = []
        self.reason: CancelReason | None = None
        self.id = stage.new_id("resp")
        self.output: list[Item] = []
        default = stage.settings.data["output_modalities"]
        self.modalities: list[str] = request.get("output_modalities") or default
        self.is_out_of_band = request.get("conversation") == "none"

    def cancel(self, reason: CancelReason) -> None:
        """Stop at the next step; a second call changes nothing."""
        self.reason = self.reason or reason
        self._cancelled.set()

    async def run(self) -> None:
        """Send it all, up to `response.done` and what may follow it."""
        await self._stage.emit("response.created", response=self._response("in_progress"))
        if self._plan.failure:
            await self._finish("failed", {"type": "failed", "error": self._plan.failure})
            return
        await self._pause(self._stage.script.first_delay_ms / 1000)
        for index, name in enumerate(self._plan.tool.split()):
            await self._call_tool(index, name)
        for index in range(0 if self._plan.tool else self._plan.items):
            if not self.reason:
                await self._message(index)
        await self._end()
        await self._send_stale()

    async def _end(self) -> None:
        if self.reason:
            await self._finish("cancelled", {"type": "cancelled", "reason": self.reason})
        elif self._plan.incomplete:
            details = {"type": "incomplete", "reason": self._plan.incomplete}
            await self._finish("incomplete", details)
        else:
            await self._finish("completed", None)

    async def _finish(self, status: str, details: JsonObject | None) -> None:
        self._stage.reply_is_over(self)
        await self._stage.emit("response.done", response=self._response(status, details))

    def _response(self, status: str, details: JsonObject | None = None) -> JsonObject:
        running = status == "in_progress"
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [] if running else [item.data for item in self.output],
            "conversation_id": None if self.is_out_of_band else "conv_stand_in",
            "output_modalities": self.modalities,
            "max_output_tokens": "inf",
            "usage": None if running or status == "failed" else self._stage.usage(self.output),
            "metadata": self._request.get("metadata"),
        }

    async def _pause(self, seconds: float) -> None:
        """Wait, or until cancelled."""
        if seconds > 0 and not self._cancelled.is_set():
            try:
                await asyncio.wait_for(self._cancelled.wait(), seconds)
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)

    # -- items --------------------------------------------------------------------------------

    async def _open_item(self, index: int, data: JsonObject) -> Item:
        item = Item(data)
        self.output.append(item)
        await self._say("response.output_item.added", output_index=index, item=dict(data))
        if not self.is_out_of_band:
            before = self._stage.place(item)
            await self._stage.emit(
                "conversation.item.added", previous_item_id=before, item=dict(data)
            )
            item.previous = before
        return item

    async def _close_item(self, index: int, item: Item) -> None:
        item.data["status"] = "incomplete" if self.reason else "completed"
        if not self.is_out_of_band:
            await self._stage.emit(
                "conversation.item.done", previous_item_id=item.previous, item=dict(item.data)
            )
        await self._say("response.output_item.done", output_index=index, item=dict(item.data))

    async def _say(self, kind: str, **fields: Any) -> None:
        await self._stage.emit(kind, response_id=self.id, **fields)

    async def _message(self, index: int) -> None:
        data = {"id": self._stage.new_id("item"), "object": "realtime.item", "type": "message"}
        item = await self._open_item(
            index, data | {"status": "in_progress", "role": "assistant", "content": []}
        )
        where = {"item_id": item.id, "output_index": index, "content_index": 0}
        if self.modalities == ["text"]:
            await self._write(item, where)
        else:
            await self._speak(item, where)
        await self._close_item(index, item)

    async def _write(self, item: Item, where: JsonObject) -> None:
        await self._say("response.content_part.added", **where, part={"type": "text", "text": ""})
        said = ""
        for word in _words(self._plan.text):
            if self.reason:
                break
            said += word
            await self._say("response.output_text.delta", **where, delta=word, obfuscation="x8fK2")
            await self._pause(0.005)
        await self._say("response.output_text.done", **where, text=said)
        await self._say("response.content_part.done", **where, part={"type": "text", "text": said})
        item.data["content"] = [{"type": "output_text", "text": said}]

    async def _speak(self, item: Item, where: JsonObject) -> None:
        part = {"type": "audio", "transcript": ""}
        await self._say("response.content_part.added", **where, part=part)
        said = await self._stream(item, where, self._stage.sound_of(item.id, self._plan))
        await self._say("response.output_audio.done", **where)
        await self._say("response.output_audio_transcript.done", **where, transcript=said)
        part = {"type": "audio", "transcript": said}
        await self._say("response.content_part.done", **where, part=part)
        item.data["content"] = [{"type": "output_audio", "transcript": said}]

    async def _stream(self, item: Item, where: JsonObject, pcm: bytes) -> str:
        """Sound and words side by side, the words ahead; the words that were sent."""
        words, chunks = _words(self._plan.text), _cut(pcm, self._stage.script)
        clock, told = _Pace(self._stage.script), 0
        for number, chunk in enumerate(chunks):
            ahead = -(-2 * (number + 1) * len(words) // len(chunks))
            told += await self._transcribe(where, words[told:ahead])
            if self.reason:
                await self._send_half_of_stale(item, where, chunks[number:])
                break
            await self._send_sound(item, where, chunk)
            await self._pause(clock.wait_s(ms_of(item.audio_bytes)))
        told += await self._transcribe(where, words[told:])
        return "".join(words[:told])

    async def _transcribe(self, where: JsonObject, words: list[str]) -> int:
        """Send words until cancelled; how many."""
        for number, word in enumerate(words):
            if self.reason:
                return number
            await self._say(
                "response.output_audio_transcript.delta", **where, delta=word, obfuscation="x8fK2"
            )
        return len(words)

    async def _send_sound(self, item: Item, where: JsonObject, chunk: bytes) -> None:
        delta = base64.b64encode(chunk).decode()
        self._stage.settings.voice_is_locked = True
        item.audio_bytes += len(chunk)
        await self._say("response.output_audio.delta", **where, delta=delta, obfuscation="x8fK2")
        reset_at = self._stage.script.reset_at_ms
        if reset_at and ms_of(item.audio_bytes) >= reset_at:
            await self._stage.reset()

    async def _send_half_of_stale(self, item: Item, where: JsonObject, chunks: list[bytes]) -> None:
        """Sound that was on its way when the reply was cancelled; nobody should play it."""
        count = self._stage.script.stale_ms // self._stage.script.delta_ms
        for chunk in chunks[: count // 2]:
            await self._send_sound(item, where, chunk)
        self._stale = [(where, chunk) for chunk in chunks[count // 2 : count]]

    async def _send_stale(self) -> None:
        for where, chunk in self._stale:
            delta = base64.b64encode(chunk).decode()
            await self._say("response.output_audio.delta", **where, delta=delta)
            await asyncio.sleep(self._stage.script.delta_ms / 1000 / 4)

    async def _call_tool(self, index: int, name: str) -> None:
        call = {"name": name, "call_id": self._stage.new_id("call"), "arguments": ""}
        data = {"id": self._stage.new_id("fc"), "object": "realtime.item"}
        data |= {"type": "function_call", "status": "in_progress"} | call
        item = await self._open_item(index, data)
        where = {"item_id": item.id, "output_index": index, "call_id": call["call_id"]}
        given = self._plan.arguments
        for piece in (given[:8], given[8:]):
            call["arguments"] += piece
            await self._say("response.function_call_arguments.delta", **where, delta=piece)
        done = {"arguments": call["arguments"], "name": call["name"]}
        await self._say("response.function_call_arguments.done", **where, **done)
        item.data["arguments"] = call["arguments"]
        await self._close_item(index, item)


class _Pace:
    """When the next delta is due: so many times real time, plus the stalls passed so far."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._start = asyncio.get_running_loop().time()

    def wait_s(self, sent_ms: float) -> float:
        stalled = sum(for_ms for at_ms, for_ms in self._script.stalls if sent_ms >= at_ms)
        talk = sent_ms / self._script.pace if self._script.pace else 0.0
        due = self._start + (talk + stalled) / 1000
        return due - asyncio.get_running_loop().time()


def _words(text: str) -> list[str]:
    """Pieces as a model streams them: words with their space, or four characters without."""
    if " " in text.strip():
        return [word + " " for word in text.split(" ")[:-1]] + [text.split(" ")[-1]]
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _cut(pcm: bytes, script: Script) -> list[bytes]:
    step, first = script.delta_ms * BYTES_PER_MS, int(script.odd_deltas)
    if not first:
        return [pcm[at : at + step] for at in range(0, len(pcm), step)]
    return [pcm[: step + 1]] + [pcm[at : at + step] for at in range(step + 1, len(pcm), step)]


def sound_for(reply: Reply, index: int) -> bytes:
    """The WAV of a reply, or timecode `index` as long as it should be."""
    return read_wav(reply.wav) if reply.wav else timecode(index, reply.audio_ms)
