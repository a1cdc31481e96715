"""The model's side: one stream of sound without an end, cut into replies.

The server names no replies and says neither that one begins nor that it is done.  So a reply begins
with the first sound or word, and ends with a pause.  Silence between replies is nobody's.

The stream comes at the pace of speech, a tenth of a second at a time: a loudspeaker that began with
the first piece would wait for the second.  So the first two are given away together; what follows,
pauses too, is played as it comes.

A user who speaks over a reply makes shorter pauses count: what comes next is said to something
else.  Whether the model yielded shows only in whether it soon fell silent.
Source: `OutputAudioDeltaEvent`, `OutputTranscriptDeltaEvent` of the Live API reference.

What counts as silence in the model's stream, which never stops: it holds zeros while it listens.

The rule: only what nobody would hear is silence; a quiet end of a word is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from voicechat.events import (
    Event,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyStatus,
    ReplyText,
)
from voicechat.providers.audio_fields import Samples, peak
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

LOUDEST_SILENCE = 160
"""|sample| of PCM16 below which a sound is silence: -46 dB of full scale."""


def is_silent(pcm: bytes) -> bool:
    """Whether nothing can be heard in PCM16 little-endian; a whole number of samples."""
    return peak(pcm) < LOUDEST_SILENCE


PAUSE_MS = 1000
"""Silence in the stream, and as long without words, that ends a reply."""
SHORT_PAUSE_MS = 300
"""The same once the user has spoken over it, or asked anew."""
SHORT_PAUSE_S = 0.5
"""Without words, then: they come a little later than their sound."""
GONE_S = 2.0
"""Without a sound or a word, whether or not there is silence in the stream."""
FIRST_SOUND_S = 3.0
"""The same for words of which no sound has come yet."""
HEAD_S = 0.2
"""Of a reply's sound that is given away at once, or as long after its beginning."""
YIELD_S = 2.0
"""A model that speaks on for longer did not yield to the user."""
STRAY_S = 1.0
"""Words of a reply that was stopped may still come for so long after its sound."""


@dataclass(slots=True)
class _OpenReply:
    name: str
    rate: int
    start_ms: float
    began_at: float
    sign_at: float
    """When it last had a sound or a word."""
    worded_at: float = float("-inf")
    end_ms: float = 0.0
    """The end of its last word on the session's clock."""
    silent_ms: float = 0.0
    """Since the last sound."""
    has_sound: bool = False
    words: list[str] = field(default_factory=list)
    overlapped_at: float | None = None
    """When the user spoke over it."""
    head: bytearray | None = field(default_factory=bytearray)
    """Sound that waits to be given away; None: it flows."""

    @property
    def id(self) -> str:
        return f"reply_{self.name}"

    @property
    def item_id(self) -> str:
        return f"item_{self.name}"

    def sound(self, pcm: bytes, now: float) -> list[Event]:
        """More sound, or none: what may be played now."""
        if self.head is None:
            return [ReplyAudio(self.id, self.item_id, pcm)] if pcm else []
        self.head += pcm
        head_s = max(len(self.head) / 2 / self.rate, now - self.began_at)
        return self.release() if self.head and head_s >= HEAD_S else []

    def release(self) -> list[Event]:
        """Give away what waits; from now on sound flows."""
        head, self.head = self.head, None
        return [ReplyAudio(self.id, self.item_id, bytes(head))] if head else []

    def is_over(self, now: float) -> bool:
        patience_s = GONE_S if self.has_sound else FIRST_SOUND_S
        if now - self.sign_at >= patience_s:
            return True
        unworded_s = now - self.worded_at
        if self.overlapped_at is not None:
            return self.silent_ms >= SHORT_PAUSE_MS and unworded_s >= SHORT_PAUSE_S
        return self.has_sound and self.silent_ms >= PAUSE_MS and unworded_s >= PAUSE_MS / 1000

    @property
    def has_yielded(self) -> bool:
        over = self.overlapped_at
        return over is not None and self.sign_at - over < YIELD_S


class ReplyStream:
    """What the model says in one session.

    Args:
        stamp: Makes the ids of this session unlike those of any other.
        rate: Hz of the sound.
        begins: Called when a reply begins; its events are told before the reply.
        text_only: Nobody listens: words only.
    """

    def __init__(
        self,
        stamp: str,
        rate: int,
        begins: Callable[[float], list[Event]],
        *,
        text_only: bool,
    ) -> None:
        self._stamp = stamp
        self._rate = rate
        self._begins = begins
        self._text_only = text_only
        self._count = 0
        self._reply: _OpenReply | None = None
        self._samples = Samples()
        self._stopped_ms: float | None = None
        """While a reply is dropped that nobody wants: silence in it so far."""
        self._stopped_sign_at = 0.0
        self._stray_until = float("-inf")
        self._was_asked = False
        """The user has spoken since a reply was stopped."""

    @property
    def is_open(self) -> bool:
        return self._reply is not None

    @property
    def start_ms(self) -> float:
        """Of the running reply, on the session's clock."""
        return self._reply.start_ms if self._reply else 0.0

    @property
    def item_id(self) -> str:
        """Of the last reply; empty before the first."""
        return f"item_{self._stamp}_{self._count}" if self._count else ""

    # -- what the server sends ------------------------------------------------------------------

    def hear(self, data: bytes, now: float, here_ms: float) -> list[Event]:
        """More sound: PCM16, any number of bytes.  `here_ms`: the session's clock."""
        pcm = self._samples.pop(data)
        if not pcm:
            return []
        silent_ms = len(pcm) / 2 * 1000 / self._rate if is_silent(pcm) else 0.0
        if self._stopped_ms is not None:
            self._pass_over(silent_ms, now)
            return []
        if self._reply is None and silent_ms:
            return []
        events = self._open(now, here_ms)
        reply = self._running
        if silent_ms:
            reply.silent_ms += silent_ms
        else:
            reply.silent_ms, reply.has_sound, reply.sign_at = 0.0, True, now
        if not self._text_only:
            events += reply.sound(pcm, now)
        return [*events, *self.tick(now)]

    def tell(self, text: str, end_ms: float, now: float, here_ms: float) -> list[Event]:
        """More words of the model."""
        words = clean(text)
        if self._stopped_ms is not None:
            self._stopped_sign_at = now
            return []
        if not words or (self._reply is None and now < self._stray_until):
            return []
        if self._reply is None and not words.strip():
            return []
        events = self._open(now, here_ms)
        reply = self._running
        words = words if reply.words else words.lstrip()
        reply.sign_at = reply.worded_at = now
        reply.end_ms = max(reply.end_ms, end_ms)
        if words:
            reply.words.append(words)
            spoken = not self._text_only
            events.append(ReplyText(reply.id, reply.item_id, words, spoken=spoken))
        return events

    def user_spoke(self, start_ms: float, now: float) -> list[Event]:
        """The user said something that began at `start_ms`, after the last reply did."""
        self._was_asked = True
        reply = self._reply
        if reply is None:
            return []
        if reply.silent_ms and 0 < reply.end_ms <= start_ms:
            return self._finish("completed")  # It had been said to its end.
        if reply.overlapped_at is None:
            reply.overlapped_at = now
        return self.tick(now)

    def tick(self, now: float) -> list[Event]:
        """Let time pass."""
        if self._stopped_ms is not None and now - self._stopped_sign_at >= GONE_S:
            self._go_on(now)
        if self._reply is None:
            return []
        events = self._reply.sound(b"", now)
        if not self._reply.is_over(now):
            return events
        if self._reply.has_yielded:
            return [*events, *self._finish("cancelled", "turn_detected")]
        return [*events, *self._finish("completed")]

    # -- what the user does ---------------------------------------------------------------------

    def stop(self, now: float) -> list[Event]:
        """Nobody wants the rest of what runs.

        Nothing tells the server; the rest is dropped here until the model falls silent.
        """
        if self._reply is None:
            return []
        self._stopped_ms, self._stopped_sign_at = self._reply.silent_ms, now
        self._was_asked = False
        return self._finish("cancelled", "client_cancelled")

    def close(self, why: str) -> list[Event]:
        """The session is over.  `why`: what became of it; empty: another one takes over."""
        if self._reply is None:
            return []
        if why:
            return self._finish("failed", "session_closed", why)
        words = phrase("The session ended in the middle of the answer")
        return self._finish("incomplete", "session_closed", words)

    def _pass_over(self, silent_ms: float, now: float) -> None:
        assert self._stopped_ms is not None
        if not silent_ms:
            self._stopped_sign_at = now
        self._stopped_ms = self._stopped_ms + silent_ms if silent_ms else 0.0
        if self._stopped_ms >= (SHORT_PAUSE_MS if self._was_asked else PAUSE_MS):
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        """The reply that was stopped has ended: what comes now is another."""
        self._stopped_ms = None
        self._stray_until = now + STRAY_S

    # -- small state ----------------------------------------------------------------------------

    @property
    def _running(self) -> _OpenReply:
        assert self._reply is not None
        return self._reply

    def _open(self, now: float, here_ms: float) -> list[Event]:
        """`ReplyStarted`, where no reply runs."""
        if self._reply is not None:
            return []
        events = self._begins(here_ms)
        self._count += 1
        self._stray_until = float("-inf")
        name = f"{self._stamp}_{self._count}"
        self._reply = _OpenReply(name, self._rate, here_ms, now, now)
        return [*events, ReplyStarted(self._reply.id)]

    def _finish(self, status: ReplyStatus, code: str = "", message: str = "") -> list[Event]:
        reply = self._running
        self._reply = None
        events = reply.release() if code != "client_cancelled" else []
        words = "".join(reply.words).rstrip()
        if words and code != "client_cancelled":
            spoken = not self._text_only
            events.append(ReplyText(reply.id, reply.item_id, words, final=True, spoken=spoken))
        return [*events, ReplyFinished(reply.id, status, code, message)]
