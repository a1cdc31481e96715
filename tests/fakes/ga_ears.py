"""The user's side of one connection: the input buffer, the VAD, the turns and their words."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from typing import Any

from tests.fakes.ga_check import MULAW, MULAW_RATE, Refused, decode_audio
from tests.fakes.ga_conversation import Conversation, transcription_usage, user_speech
from tests.fakes.ga_script import Script
from tests.fakes.ga_settings import Settings
from tests.fakes.ga_signal import at_house_rate, ms_of
from tests.fakes.ga_vad import Edge, EnergyVad
from tests.fakes.ga_wire import Wire

JsonObject = dict[str, Any]
SHORTEST_TURN_MS = 100
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Ears:
    """Hears for one session.

    `start` runs a coroutine beside the reading, `interrupt` cuts the running reply, `answer`
    begins one for a turn that the VAD ended.
    """

    def __init__(
        self,
        wire: Wire,
        script: Script,
        settings: Settings,
        conversation: Conversation,
        vad_rms: float,
        start: Callable[[Coroutine[Any, Any, None]], None],
        interrupt: Callable[[], None],
        answer: Callable[[], Coroutine[Any, Any, None]],
        rate: int,
    ) -> None:
        self.received = bytearray()
        """All sound the client sent: PCM16, brought to 24 kHz."""
        self.pictures: list[list[bytes]] = [[]]
        """Pictures in the image buffer, turn by turn; the last are not committed yet."""
        self._rate = rate
        self.turn_ms = 0.0
        """Sound in all committed turns."""
        self._wire = wire
        self._script = script
        self._settings = settings
        self._conversation = conversation
        self._vad = EnergyVad(vad_rms)
        self._start, self._interrupt, self._answer = start, interrupt, answer
        self._spoken_id = ""
        self._buffer_start = 0

    @property
    def held_ms(self) -> float:
        """Sound in the buffer."""
        return ms_of(len(self.received) - self._buffer_start)

    @property
    def is_spoken_to(self) -> bool:
        """Whether the VAD hears the user speak."""
        return bool(self._spoken_id)

    async def see(self, message: JsonObject) -> None:
        """`input_image_buffer.append`.

        Raises:
            Refused: There is no sound yet for it to go with.
        """
        if not self.held_ms:
            raise Refused("invalid_value", "Append audio before the first image.", "image")
        self.pictures[-1].append(base64.b64decode(message["image"]))

    async def append(self, message: JsonObject) -> None:
        """`input_audio_buffer.append`."""
        is_mulaw = self._settings.data["audio"]["input"]["format"] == MULAW
        sound = decode_audio(message["audio"], "audio", is_mulaw=is_mulaw)
        pcm = at_house_rate(sound, MULAW_RATE if is_mulaw else self._rate)
        self.received += pcm
        vad = self._settings.vad
        if vad is None:
            return
        self._vad.silence_ms = self._settings.silence_ms
        for edge in self._vad.feed(pcm):
            await self._on_edge(edge, vad)

    async def _on_edge(self, edge: Edge, vad: JsonObject) -> None:
        if edge.kind == "started":
            padding = vad.get("prefix_padding_ms", 300)
            await self.begin_speech(max(0, edge.at_ms - padding), vad["interrupt_response"])
        else:
            await self.end_speech(edge.at_ms, vad["create_response"])

    async def begin_speech(self, at_ms: int, interrupts: bool) -> None:
        """The VAD heard the user begin."""
        self._spoken_id = self._wire.new_id("item")
        where = {"audio_start_ms": at_ms, "item_id": self._spoken_id}
        await self._wire.emit("input_audio_buffer.speech_started", **where)
        if interrupts:
            self._interrupt()

    async def end_speech(self, at_ms: int, answers: bool) -> None:
        """The VAD heard the user fall silent."""
        item_id = self._spoken_id or self._wire.new_id("item")
        self._spoken_id = ""
        where = {"audio_end_ms": at_ms, "item_id": item_id}
        await self._wire.emit("input_audio_buffer.speech_stopped", **where)
        await self._enter_turn(item_id)
        if answers:
            self._start(self._answer())

    async def commit(self, message: JsonObject) -> None:
        """`input_audio_buffer.commit`."""
        if self.held_ms < SHORTEST_TURN_MS:
            raise Refused(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"100ms of audio, but buffer only has {self.held_ms:.2f}ms of audio.",
                state=self._settings.vad is not None,
            )
        self._vad.forget()
        await self._enter_turn(self._wire.new_id("item"))

    async def clear(self, message: JsonObject) -> None:
        """`input_audio_buffer.clear`."""
        self.pictures[-1] = []
        self._buffer_start = len(self.received)
        self._vad.forget()
        await self._wire.emit("input_audio_buffer.cleared")

    async def _enter_turn(self, item_id: str) -> None:
        held_ms = self.held_ms
        self.turn_ms += held_ms
        self._buffer_start = len(self.received)
        self.pictures.append([])
        item = user_speech(item_id)
        where = {"previous_item_id": self._conversation.place(item)}
        await self._wire.emit("input_audio_buffer.committed", **where, item_id=item_id)
        await self._wire.emit("conversation.item.added", **where, item=item.data)
        await self._wire.emit("conversation.item.done", **where, item=item.data)
        if self._settings.transcribes:
            self._start(self._transcribe(item_id, held_ms))

    async def _transcribe(self, item_id: str, held_ms: float) -> None:
        await asyncio.sleep(self._script.transcription_delay_ms / 1000)
        where = {"item_id": item_id, "content_index": 0}
        if self._script.transcription_fails:
            error = {"type": "transcription_error", "code": "audio_unintelligible"}
            error["message"] = "The audio could not be transcribed."
            await self._wire.emit(f"{_TRANSCRIPTION}.failed", **where, error=error)
            return
        text = self._script.user_text
        for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
            await self._wire.emit(
                f"{_TRANSCRIPTION}.delta", **where, delta=piece, obfuscation="x8fK2"
            )
        usage = transcription_usage(held_ms, text)
        await self._wire.emit(f"{_TRANSCRIPTION}.completed", **where, transcript=text, usage=usage)
