"""The user's side of one connection: the buffer, the VAD, and the words of turns.

As in the live service, silence is measured by `client_timestamp` of the sound that arrives:
without more sound, or with time standing still, a turn never ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.ga_signal import rms_of
from tests.fakes.glm_script import Script

JsonObject = dict[str, Any]
SPEECH_RMS = 500.0
USUAL_SILENCE_MS = 768
_ITEM = "conversation.item.input_audio_transcription"


class Ears:
    """Hears for one session; `turn_ended` is called with the item of a turn the VAD found."""

    def __init__(
        self,
        emit: Callable[..., Awaitable[None]],
        script: Script,
        turn_ended: Callable[[str], Awaitable[None]],
    ) -> None:
        self.received = bytearray()
        """All sound the client sent: PCM16."""
        self.held = 0
        """Bytes in the buffer."""
        self.has_heard_a_turn = False
        self._emit, self._script, self._turn_ended = emit, script, turn_ended
        self._settings: JsonObject = {}
        self._turns = 0
        self._spoken_id = ""
        self._loud_at = 0

    def begin(self, settings: JsonObject) -> None:
        """Other settings: what was begun is over."""
        self._settings, self._spoken_id = settings, ""

    def clear(self) -> None:
        """The buffer is empty."""
        self.held = 0

    async def append(self, pcm: bytes, stamp_ms: int) -> None:
        """More sound."""
        self.received += pcm
        self.held += len(pcm)
        vad = self._settings["turn_detection"]
        if vad["type"] == "server_vad":
            await self._listen(pcm, stamp_ms, vad.get("silence_duration_ms", USUAL_SILENCE_MS))

    async def _listen(self, pcm: bytes, stamp_ms: int, silence_ms: int) -> None:
        if rms_of(pcm) >= SPEECH_RMS:
            self._loud_at = stamp_ms
            if not self._spoken_id:
                self._turns += 1
                self._spoken_id = f"item_u{self._turns:06d}"
                await self._emit("input_audio_buffer.speech_started", item_id=self._spoken_id)
        elif self._spoken_id and stamp_ms - self._loud_at >= silence_ms and self._hears_the_end:
            item_id, self._spoken_id = self._spoken_id, ""
            self.has_heard_a_turn = True
            await self._emit("input_audio_buffer.speech_stopped", item_id=item_id)
            await self._turn_ended(item_id)

    @property
    def _hears_the_end(self) -> bool:
        return self._script.hears_end_with_tools or not self._settings["tools"]

    async def transcribe(self, item_id: str) -> None:
        """Write a turn down, later."""
        await asyncio.sleep(self._script.transcription_delay_ms / 1000)
        if self._script.transcription_error:
            error = {"code": self._script.transcription_error, "message": "no result"}
            await self._emit("error", error=error)
            return
        words = self._script.user_text
        await self._emit(f"{_ITEM}.completed", item_id=item_id, content_index=0, transcript=words)
