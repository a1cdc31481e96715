"""The user's side: turns marked by the key, and the words of turns however found.

Committing less than 100 ms is an error of the protocol, so such a turn is forgotten instead.  The
words come from another model, at any time, also after the answer.
Source: the Realtime guide on push-to-talk and on input transcription.
"""

from voicechat.events import (
    Event,
    InputFailed,
    InputTranscript,
    Notice,
    SpeechStarted,
    SpeechStopped,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.audio_fields import encode
from voicechat.providers.base import Enqueue
from voicechat.providers.json_fields import JsonObject, identity, text
from voicechat.providers.openai.errors import read_fault
from voicechat.providers.openai.g711 import G711
from voicechat.providers.openai.g711 import RATE as G711_RATE
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

SHORTEST_MS = 100
TAIL_MS = 1000
"""Of silence after a turn, where the server finds the turns though the key marks them."""
_PIECE_MS = 100


class InputTurns:
    """What goes into the server's input buffer, and what comes back about it."""

    def __init__(self, say: Enqueue) -> None:
        self._say = say
        self._turn_bytes = 0
        self._commits = 0
        self._last_item = ""
        self.g711: G711 | None = None
        """Set: sound is sent as mu-law."""

    # -- sending --------------------------------------------------------------------------------

    @property
    def has_sound(self) -> bool:
        """Whether the turn that is not ended has any sound."""
        return self._turn_bytes > 0

    def begin(self) -> None:
        """Forget what an earlier press left in the server's buffer."""
        self._turn_bytes = 0
        if self.g711:
            self.g711.clear()
        self._say({"type": "input_audio_buffer.clear"})

    def add(self, pcm: bytes, rate: int) -> None:
        """More sound: PCM16 at `rate` Hz."""
        self._turn_bytes += len(pcm)
        if self.g711:
            self._append(sound := self.g711.pop(pcm), len(sound) / G711_RATE)
        else:
            self._append(pcm, len(pcm) / 2 / rate)

    def _append(self, sound: bytes, sound_s: float) -> None:
        if sound:
            message = {"type": "input_audio_buffer.append", "audio": encode(sound)}
            self._say(message, sound_s=sound_s)

    def end(self, rate: int) -> Notice | None:
        """Commit the turn, or forget it if it was too short to be one."""
        turn_ms, self._turn_bytes = self._turn_bytes // 2 * 1000 // rate, 0
        if turn_ms < SHORTEST_MS:
            self._say({"type": "input_audio_buffer.clear"})
            return Notice(
                "turn_too_short", phrase("That was too short: hold the key while you speak")
            )
        if self.g711:
            self._append(rest := self.g711.flush(), len(rest) / G711_RATE)
        self._say({"type": "input_audio_buffer.commit"})
        return None

    def hush(self, silence_ms: int, rate: int) -> None:
        """Let a server that was asked for `silence_ms` hear that the speech has ended."""
        tail_ms = max(TAIL_MS, silence_ms + TAIL_MS // 2)
        for _ in range(0, tail_ms, _PIECE_MS):
            self.add(bytes(_PIECE_MS * rate // 1000 * 2), rate)
        self._turn_bytes = 0

    # -- receiving ------------------------------------------------------------------------------

    def on_message(
        self, kind: str, message: JsonObject, secrets: tuple[str, ...], *, is_transcribed: bool
    ) -> list[Event] | None:
        """Events of one message about the user's side; None: not one of those known."""
        match kind.removeprefix("conversation.item."):
            case "input_audio_buffer.speech_started":
                return [SpeechStarted(identity(message, "item_id"))]
            case "input_audio_buffer.speech_stopped":
                return [SpeechStopped(identity(message, "item_id"))]
            case "input_audio_buffer.committed":
                return [self._committed(message, is_transcribed)]
            case "input_audio_transcription.delta":
                return self._partial(message, text(message, "delta"), cumulative=False)
            case "input_audio_transcription.updated":
                return self._partial(message, text(message, "transcript"), cumulative=True)
            case "input_audio_transcription.completed":
                return self._completed(message)
            case "input_audio_transcription.failed":
                return self._failed(message, secrets)
            case _:
                return None

    def _committed(self, message: JsonObject, is_transcribed: bool) -> TurnCommitted:
        self._commits += 1
        self._last_item = identity(message, "item_id") or f"turn_{self._commits}"
        previous = identity(message, "previous_item_id") or None
        return TurnCommitted(self._last_item, previous, is_transcribed)

    def _item_id(self, message: JsonObject) -> str:
        return identity(message, "item_id") or self._last_item

    def _partial(self, message: JsonObject, words: str, *, cumulative: bool) -> list[Event]:
        item_id = self._item_id(message)
        if not item_id or not words:
            return [] if words == "" and item_id else [Unknown("words of no turn")]
        return [InputTranscript(item_id, clean(words), cumulative=cumulative)]

    def _completed(self, message: JsonObject) -> list[Event]:
        """xAI completes one item several times: all but the last are `in_progress`."""
        item_id = self._item_id(message)
        if not item_id:
            return [Unknown("words of no turn")]
        words = clean(text(message, "transcript"))
        is_interim = text(message, "status") == "in_progress"
        return [InputTranscript(item_id, words, final=not is_interim, cumulative=is_interim)]

    def _failed(self, message: JsonObject, secrets: tuple[str, ...]) -> list[Event]:
        item_id = self._item_id(message)
        if not item_id:
            return [Unknown("words of no turn")]
        return [InputFailed(item_id, read_fault(message, secrets).message)]
