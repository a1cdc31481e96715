"""What streams to the server: sound and pictures, with the marks around them.

With the key, sound counts only between `activityStart` and `activityEnd`.  Nothing takes a start
back, so the beginning of a press waits here until it is long enough to be one.  In hands-free mode
the server finds the end of speech in what follows it: sound that stops gets a tail of silence.
Source: `realtimeInput` in the Live API reference; the capabilities guide on voice activity.
"""

from typing import Literal, TypeAlias

from voicechat.providers.audio_fields import encode
from voicechat.providers.base import Enqueue
from voicechat.providers.json_fields import JsonObject

SHORTEST_MS = 250
"""Of a press, and of the sound in it; quick ones may hold sound from before the press."""
LONG_ENOUGH_MS = 500
"""Sound that is no accident, however quickly it came."""
PAUSE_S = 1.0
"""After which a stream in hands-free mode must be ended."""
TAIL_MS = 1000
LARGEST_MS = 100
"""Of one message."""

Ending: TypeAlias = Literal["nothing", "too_short", "turn"]


class GeminiUplink:
    """The streams of one session.

    Attributes:
        hands_free: The server finds the turns, for the whole session.
        is_open: The key's turn has begun on the server.
    """

    def __init__(self, say: Enqueue, rate: int, *, hands_free: bool, silence_ms: int) -> None:
        self.hands_free = hands_free
        self.is_open = False
        self._say = say
        self._rate = rate
        self._tail_ms = max(TAIL_MS, silence_ms + TAIL_MS // 2)
        self._held: list[bytes] = []
        self._pressed_at: float | None = None
        self._pictures: list[JsonObject] = []
        self._streamed_at: float | None = None

    # -- turns marked by the key ----------------------------------------------------------------

    def begin(self, now: float) -> bool:
        """The key is down; whether the server still thought that it was."""
        was_open = self.is_open
        if was_open:
            self._close()
        self._held, self._pressed_at = [], now
        return was_open

    def end(self, now: float) -> Ending:
        """The key is up."""
        if self.hands_free:
            self.hush()
            return "nothing"
        if self._pressed_at is None:
            return "nothing"
        if not self.is_open and not self._is_long_enough(now):
            self._held, self._pressed_at = [], None
            return "too_short"
        return "turn"

    def close(self) -> None:
        """End the turn on the server."""
        self._close()
        self._pressed_at = None

    def _close(self) -> None:
        self.is_open = False
        self._stream(activityEnd={})

    def wants_to_open(self, now: float) -> bool:
        """Whether what was said is a turn that the server does not know of yet."""
        return self._pressed_at is not None and not self.is_open and self._is_long_enough(now)

    def open(self) -> None:
        """Begin the turn on the server, with what waited for it."""
        self.is_open = True
        self._stream(activityStart={})
        for picture in self.take_pictures():
            self._stream(video=picture)
        held, self._held = b"".join(self._held), []
        self._send(held)

    def _is_long_enough(self, now: float) -> bool:
        sound_ms = sum(map(len, self._held)) // 2 * 1000 // self._rate
        pressed_s = now - self._pressed_at if self._pressed_at is not None else 0.0
        is_press = sound_ms >= SHORTEST_MS and pressed_s * 1000 >= SHORTEST_MS
        return is_press or sound_ms >= LONG_ENOUGH_MS

    # -- sound ----------------------------------------------------------------------------------

    def add(self, pcm: bytes, now: float) -> None:
        """More sound; outside a turn of the key the server would only throw it away."""
        if self.hands_free:
            self._streamed_at = now
            self._send(pcm)
        elif self.is_open:
            self._send(pcm)
        elif self._pressed_at is not None:
            self._held.append(pcm)

    def tick(self, now: float) -> None:
        if self._streamed_at is not None and now - self._streamed_at >= PAUSE_S:
            self.hush()

    def hush(self) -> None:
        """No sound will come for a while: let the server hear that the speech has ended.

        Some models ignore the end of the stream, others miss the end of speech without a tail.
        """
        if self._streamed_at is None:
            return
        self._streamed_at = None
        self._send(bytes(self._tail_ms * self._rate // 1000 * 2))
        self._stream(audioStreamEnd=True)

    def _send(self, pcm: bytes) -> None:
        size = LARGEST_MS * self._rate // 1000 * 2
        mime = f"audio/pcm;rate={self._rate}"
        for start in range(0, len(pcm), size):
            piece = pcm[start : start + size]
            sound = {"audio": {"mimeType": mime, "data": encode(piece)}}
            self._say({"realtimeInput": sound}, sound_s=len(piece) / 2 / self._rate)

    # -- pictures and words beside the sound ----------------------------------------------------

    def show(self, picture: JsonObject) -> None:
        """A picture that belongs to the next turn: at once, if that has begun or begins itself."""
        if self.hands_free or self.is_open:
            self._stream(video=picture)
        else:
            self._pictures.append(picture)

    def take_pictures(self) -> list[JsonObject]:
        """Pictures that wait for a turn."""
        pictures, self._pictures = self._pictures, []
        return pictures

    def type(self, words: str) -> None:
        """Typed words as part of what the user does now."""
        self._stream(text=words)

    def _stream(self, **field: object) -> None:
        self._say({"realtimeInput": field})
