"""One turn of the stand-in's model, from its first sound to `turnComplete`, or to a cut."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.fakes.ga_signal import RATE, timecode
from tests.fakes.gemini_script import Answer

if TYPE_CHECKING:
    from tests.fakes.gemini_session import GeminiSession

JsonObject = dict[str, Any]


class Turn:
    """Generates one answer; `cut` stops it."""

    def __init__(self, session: "GeminiSession", answer: Answer, user_text: str) -> None:
        self.is_over = False
        self.has_said = False
        self._session = session
        self._script = session.script
        self._answer = answer
        self._user_text = user_text
        self._is_cut = asyncio.Event()
        self._sound = _sound(session.next_timecode(), answer.audio_ms, session.script.rate)
        self._sent = 0

    def cut(self) -> None:
        self._is_cut.set()

    async def run(self) -> None:
        """Say everything, unless cut."""
        if not self._script.is_late:
            await self._tell_user_text()
        try:
            await self._say()
        finally:
            self.is_over = True

    async def _say(self) -> None:
        if self._answer.tool:
            if not await self._call_tool():
                return
            self._answer = self._session.recalled(self._answer)
        if self._script.pace == 0:
            await self._say_at_once()
            return
        for content in self._pieces():
            if self._is_cut.is_set():
                await self._end_cut()
                return
            await self._content(content)
            self.has_said = True
            if self._script.close_in_answer:
                await self._session.end(*self._script.close_in_answer)
                return
            await self._pause(self._script.chunk_ms / self._script.pace)
        await self._finish()

    async def _finish(self) -> None:
        if self._script.is_late:
            await self._tell_user_text()
        await self._content({"generationComplete": True})
        await self._pause(self._script.complete_after_ms)
        if self._is_cut.is_set():
            await self._end_cut()
        else:
            await self._complete()

    async def _say_at_once(self) -> None:
        """Everything in one message, as newer models may."""
        pieces = list(self._pieces())
        parts = [part for piece in pieces for part in piece.get("modelTurn", {}).get("parts", ())]
        content: JsonObject = {"modelTurn": {"parts": parts}, "generationComplete": True}
        content["outputTranscription"] = {"text": self._answer.text}
        await self._complete(content)

    # -- what is said ---------------------------------------------------------------------------

    def _pieces(self) -> Iterator[JsonObject]:
        answer = self._answer
        if answer.thought:
            yield {"modelTurn": {"parts": [{"text": answer.thought, "thought": True}]}}
        if answer.written:
            yield {"modelTurn": {"parts": [{"text": answer.written}]}}
        words = answer.text.split(" ") if answer.text else []
        chunks = list(self._chunks())
        for at, chunk in enumerate(chunks):
            piece: JsonObject = {"modelTurn": {"role": "model", "parts": [self._part(chunk)]}}
            first, last = at * len(words) // len(chunks), (at + 1) * len(words) // len(chunks)
            said = " ".join(words[first:last])
            if said and self._session.settings.says_words:
                piece["outputTranscription"] = {"text": f" {said}" if at else said}
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        size = self._script.rate * self._script.chunk_ms // 1000 * 2 + self._script.is_odd
        for start in range(0, len(self._sound), size):
            yield self._sound[start : start + size]

    def _part(self, chunk: bytes) -> JsonObject:
        self._sent += len(chunk)
        data = base64.b64encode(chunk).decode().replace("+", "-").replace("/", "_")
        return {"inlineData": {"mimeType": f"audio/pcm;rate={self._script.rate}", "data": data}}

    async def _tell_user_text(self) -> None:
        words = self._user_text
        if not words or not self._session.settings.hears_words:
            return
        half = words.find(" ", len(words) // 2)
        pieces = [words[:half], words[half:]] if self._script.in_pieces and half > 0 else [words]
        for piece in pieces:
            await self._content({"inputTranscription": {"text": piece}})

    async def _call_tool(self) -> bool:
        """Whether the tool answered; False: the call was cancelled, or answers in another turn."""
        call = self._session.open_call(self._answer.tool)
        self.has_said = True
        await self._session.send({"toolCall": {"functionCalls": [call]}})
        cut = asyncio.ensure_future(self._is_cut.wait())
        answered = asyncio.ensure_future(self._session.tool_answered.wait())
        await asyncio.wait({cut, answered}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (cut, answered):
            waiting.cancel()
        if self._is_cut.is_set():
            await self._session.cancel_calls()
            await self._end_cut()
            return False
        return True

    # -- its ends -------------------------------------------------------------------------------

    async def _end_cut(self) -> None:
        if not self.has_said and not self._script.ends_cut_turns:
            return
        rest = self._sound[self._sent :][: self._script.rate * self._script.stale_ms // 1000 * 2]
        if rest:
            await self._content({"modelTurn": {"parts": [self._part(rest)]}})
        await self._content({"interrupted": True})
        await self._complete()

    async def _complete(self, content: JsonObject | None = None) -> None:
        status = "IN_PROGRESS" if self._answer.is_working else "IDLE"
        ending: JsonObject = {"turnComplete": True, "interactionStatus": status}
        if self._answer.reason:
            ending["turnCompleteReason"] = self._answer.reason
        self.is_over = True
        usage = self._session.usage(self._sent)
        await self._session.send(
            {"serverContent": (content or {}) | ending, "usageMetadata": usage}
        )
        if self._answer.is_working and not self._is_cut.is_set():
            self._session.answer("")
        else:
            await self._session.send_handle()

    async def _content(self, content: JsonObject) -> None:
        await self._session.send({"serverContent": content})

    async def _pause(self, ms: float) -> None:
        try:
            await asyncio.wait_for(self._is_cut.wait(), ms / 1000)
        except TimeoutError:
            return


def _sound(index: int, ms: int, rate: int) -> bytes:
    """Timecode `index`, at another rate if need be."""
    pcm = timecode(index, ms)
    if rate == RATE or not pcm:
        return pcm
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    at = np.arange(len(samples) * rate // RATE) * RATE / rate
    return np.interp(at, np.arange(len(samples)), samples).astype("<i2").tobytes()


def pretty(message: JsonObject) -> bytes:
    """A message as the service writes it: JSON with line breaks, in a binary frame."""
    return json.dumps(message, indent=2).encode() + b"\n"
