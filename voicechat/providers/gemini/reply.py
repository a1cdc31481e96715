"""One reply of the model: its sound, its words, and how it ends; told once each.

Text that is neither thought nor transcript is mostly not meant for anybody.  But now and then a
turn has text and no sound at all; then the text is the answer.
"""

from dataclasses import dataclass, field

from voicechat.events import (
    Event,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyStatus,
    ReplyText,
    Usage,
)
from voicechat.providers.audio_fields import Samples
from voicechat.providers.gemini.server_content import ModelAudio, ModelWords, Sign
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

_WHOLE = frozenset({"", "NEED_MORE_INPUT", "TURN_COMPLETE_REASON_UNSPECIFIED"})
"""Reasons that say nothing against what was said."""


@dataclass(slots=True)
class GeminiReply:
    """What one answer has said so far.

    Args:
        name: Unlike that of any other reply.
        is_silent: Nobody listens: words only.
    """

    name: str
    is_silent: bool
    is_started: bool = False
    is_finished: bool = False
    usage: Usage | None = None
    calls: int = 0
    """Tools it has called."""
    _item: int = 1
    _samples: Samples = field(default_factory=Samples)
    _sound_s: float = 0.0
    _spoken: list[str] = field(default_factory=list)
    _written: list[str] = field(default_factory=list)
    _settled: str = ""
    _has_said: bool = False

    @property
    def id(self) -> str:
        return f"reply_{self.name}"

    @property
    def sound_s(self) -> float:
        """Seconds of sound so far."""
        return self._sound_s

    @property
    def _item_id(self) -> str:
        return f"item_{self.name}" if self._item == 1 else f"item_{self.name}_{self._item}"

    # -- while it runs --------------------------------------------------------------------------

    def start(self) -> list[Event]:
        """`ReplyStarted`, once."""
        if self.is_started:
            return []
        self.is_started = True
        return [ReplyStarted(self.id)]

    def tell(self, signs: list[Sign]) -> list[Event]:
        return [event for sign in signs for event in self._tell(sign)]

    def _tell(self, sign: Sign) -> list[Event]:
        match sign:
            case ModelAudio(data, rate):
                return self._play(data, rate)
            case ModelWords(words, is_spoken=True):
                return self._speak(clean(words))
            case _:
                self._written.append(clean(sign.words))
                return []

    def _play(self, data: bytes, rate: int) -> list[Event]:
        pcm = self._samples.pop(data)
        self._sound_s += len(pcm) / 2 / rate
        if not pcm:
            return []
        self._has_said = True
        return [] if self.is_silent else [ReplyAudio(self.id, self._item_id, pcm)]

    def _speak(self, words: str) -> list[Event]:
        words = words if self._spoken else words.lstrip()
        if not words:
            return []
        self._spoken.append(words)
        self._has_said = True
        return [ReplyText(self.id, self._item_id, words, spoken=not self.is_silent)]

    def settle(self) -> list[Event]:
        """The item's words are complete."""
        words, is_spoken = "".join(self._spoken), not self.is_silent
        if not self._spoken and not self._samples.received:
            words, is_spoken = "".join(self._written).strip(), False
        if not words or words == self._settled:
            return []
        self._settled, self._has_said = words, True
        return [ReplyText(self.id, self._item_id, words, final=True, spoken=is_spoken)]

    def next_item(self) -> list[Event]:
        """A part of the answer is over, and another will come."""
        events = self.settle()
        if self._spoken or self._samples.received or self._settled:
            self._item += 1
        self._samples, self._spoken, self._written, self._settled = Samples(), [], [], ""
        return events

    # -- its end --------------------------------------------------------------------------------

    def finish(self, status: ReplyStatus, code: str = "", message: str = "") -> list[Event]:
        """`ReplyFinished`, once."""
        if self.is_finished:
            return []
        self.is_finished = True
        return [ReplyFinished(self.id, status, code, message, self.usage)]

    def conclude(self, reason: str, *, must_answer: bool) -> list[Event]:
        """The end as the server tells it.

        Args:
            reason: Of the server, or empty.
            must_answer: Whether saying nothing is a failure.
        """
        events = self.settle()
        code = "" if reason in ("", "TURN_COMPLETE_REASON_UNSPECIFIED") else reason.lower()
        if not (self._has_said or self.calls) and (must_answer or reason not in _WHOLE):
            message = phrase("The model gave no answer")
            if code:
                message = phrase("The model gave no answer ({why})", why=_words(reason))
            return [*events, *self.finish("failed", code or "empty_reply", message)]
        if reason not in _WHOLE:
            message = phrase("The answer was broken off: {words}", words=_words(reason))
            return [*events, *self.finish("incomplete", code, message)]
        return [*events, *self.finish("completed", code)]


def _words(reason: str) -> str:
    return reason.lower().replace("_", " ")
