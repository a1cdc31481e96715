"""What streams to the server: sound without a gap, from the first moment of the session to its end.

The session's clock is the sound it gets: a stream that stops would stop the model in the middle of
a word.  So zeros go where there is nothing to say.  With the key, sound counts only from press to
release; between them the server is told to be deaf as well, so that nothing slips through.

A press may be given all at once (a file); it leaves here no faster than it would be spoken.
Source: the Live API reference on `session.input_audio.*`; the guide on voice over WebSockets.
"""

from collections import deque
from typing import Literal, TypeAlias

from voicechat.providers.audio_fields import encode
from voicechat.providers.base import Enqueue
from voicechat.providers.gptlive.reply import is_silent

LARGEST_MS = 100
"""Of one message."""
LEAD_S = 0.5
"""How far sound may run ahead of the clock: more than what a press brings from before the key."""
AHEAD_S = 0.1
"""The same for a microphone that is always open, unless somebody speaks."""
IDLE_HOLE_S = 0.04
"""Of a stream that nobody feeds: filled at once."""
HOLE_S = 0.3
"""Of a stream that a microphone feeds: more than its sound is ever late by itself."""
LARGEST_HOLE_S = 1.0
"""A computer that slept must not send an hour of zeros."""
TAIL_MS = 300
"""Silence after a release, before the server turns deaf: it may still have sound to hear."""

Mark: TypeAlias = Literal["mute", "unmute"]


class GptLiveUplink:
    """The stream of one session.

    Attributes:
        hands_free: Everything is sent; otherwise only what is said with the key.
    """

    def __init__(self, say: Enqueue, rate: int, *, hands_free: bool) -> None:
        self.hands_free = hands_free
        self._sent_ms = 0.0
        self._say = say
        self._rate = rate
        self._queue: deque[bytes | Mark] = deque()
        self._fed_until = 0.0
        self._is_running = False
        self._is_pressed = False
        self._will_hear = True
        """Whether the server hears us once the queue is empty."""

    @property
    def waiting_s(self) -> float:
        """How long what waits here takes to be said."""
        queued = sum(len(part) for part in self._queue if isinstance(part, bytes))
        return queued / 2 / self._rate

    def here_ms(self, now: float) -> float:
        """Where the session's clock stands, with the hole that is about to be filled."""
        return self._sent_ms + max(0.0, now - self._fed_until) * 1000

    def start(self, now: float) -> None:
        """The session has begun; it hears from the start."""
        self._is_running, self._fed_until = True, now
        if not self.hands_free:
            self._deafen()
        self.pump(now)

    # -- the key --------------------------------------------------------------------------------

    def press(self, now: float) -> None:
        """The key is down, or a press is given up: what of it is still here is forgotten."""
        if self._is_pressed:
            self._forget_press()
        self._is_pressed = not self.hands_free
        self.pump(now)

    def release(self, now: float) -> bool:
        """The key is up; whether anything was said."""
        was_heard = self._is_pressed and self._will_hear
        self._is_pressed = False
        if was_heard:
            self._queue.append(bytes(self._bytes(TAIL_MS)))
            self._deafen()
        self.pump(now)
        return was_heard

    def set_hands_free(self, hands_free: bool, now: float) -> None:
        """Whether everything is heard from now on."""
        self.hands_free, self._is_pressed = hands_free, False
        if self._is_running and hands_free != self._will_hear:
            self._listen() if hands_free else self._deafen()
        self.pump(now)

    def _forget_press(self) -> None:
        while self._queue and self._queue[-1] != "mute":
            self._will_hear = self._queue.pop() != "unmute"
        self._deafen()

    def _deafen(self) -> None:
        if self._will_hear:
            self._queue.append("mute")
        self._will_hear = False

    def _listen(self) -> None:
        if not self._will_hear:
            self._queue.append("unmute")
        self._will_hear = True

    # -- sound ----------------------------------------------------------------------------------

    def add(self, pcm: bytes, now: float) -> None:
        """More sound: PCM16.

        Hands-free, it follows what was said with the key and is not all sent yet; while the stream
        is ahead of time, silence is left out, or the model would hear everything late for ever.
        """
        self.pump(now, is_fed=True)
        if self._is_pressed:
            self._listen()
        elif not self.hands_free or (self._is_ahead(now) and is_silent(pcm)):
            return
        self._queue += self._pieces(pcm)
        self.pump(now, is_fed=True)

    def _is_ahead(self, now: float) -> bool:
        return bool(self._queue) or self._fed_until - now > AHEAD_S

    def pump(self, now: float, *, is_fed: bool = False) -> None:
        """Send what is due now.  `is_fed`: sound is just coming, so that no hole needs filling."""
        if not self._is_running:
            return
        while self._queue:
            part = self._queue[0]
            if not isinstance(part, bytes):
                self._say({"type": f"session.input_audio.{part}"})
            elif self._fed_until <= now + LEAD_S:
                self._send(part, now)
            else:
                return
            self._queue.popleft()
        if not is_fed:
            self._fill(now)

    def _fill(self, now: float) -> None:
        behind_s = min(now - self._fed_until, LARGEST_HOLE_S)
        hole_s = HOLE_S if self.hands_free or self._is_pressed else IDLE_HOLE_S
        if behind_s >= hole_s:
            self._fed_until = now - behind_s
            self._send(bytes(self._bytes(behind_s * 1000)), now)

    def _send(self, pcm: bytes, now: float) -> None:
        length_s = len(pcm) / 2 / self._rate
        self._fed_until = max(self._fed_until, now - LARGEST_HOLE_S) + length_s
        self._sent_ms += length_s * 1000
        for piece in self._pieces(pcm):
            message = {"type": "session.input_audio.append", "audio": encode(piece)}
            self._say(message, sound_s=len(piece) / 2 / self._rate)

    def _pieces(self, pcm: bytes) -> list[bytes]:
        size = self._bytes(LARGEST_MS)
        return [pcm[start : start + size] for start in range(0, len(pcm), size)]

    def _bytes(self, ms: float) -> int:
        return int(ms * self._rate / 1000) * 2
