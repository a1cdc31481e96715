"""The words of replies: one stream of two, and typed questions that nobody answers.

GLM tells what it says as `audio_transcript`, as `text`, or as both: the first kind of a reply
counts.  It was seen to take typed messages without an error and to answer them with nothing.
"""

from dataclasses import dataclass, field, replace

from voicechat.events import (
    Event,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SpeechStarted,
    ToolCalled,
)
from voicechat.providers.openai_fields import JsonObject, identity

IGNORED = "text_ignored"
IGNORED_WORDS = "Typed text is not answered by this model: speak"
_REMEMBERED = 64
_SPOKEN, _WRITTEN = "response.output_audio_transcript.", "response.output_text."


@dataclass(slots=True)
class Streams:
    """Which kind of words each reply of late began with."""

    _first: dict[str, str] = field(default_factory=dict)

    def one(self, kind: str, message: JsonObject, *, spoken: bool) -> tuple[str, JsonObject] | None:
        """The message under the name it counts by; None: a copy in the other stream.

        `spoken`: the session has sound, so its text is the transcript of it.
        """
        stream = next((s for s in (_SPOKEN, _WRITTEN) if kind.startswith(s)), None)
        if stream is None:
            return kind, message
        reply_id = identity(message, "response_id") or identity(message, "item_id")
        if self._first.setdefault(reply_id, stream) != stream:
            return None
        if len(self._first) > _REMEMBERED:
            del self._first[next(iter(self._first))]
        if stream == _WRITTEN and spoken:
            kind = kind.replace(_WRITTEN, _SPOKEN)
            message = {**message, "transcript": message.get("text")}
        return kind, message


@dataclass(slots=True)
class Typed:
    """A typed question and the reply to it."""

    _is_open: bool = False
    _reply_id: str = ""

    def asked(self) -> None:
        self._is_open, self._reply_id = True, ""

    def forget(self) -> None:
        """It is answered, or nobody waits for that any more."""
        self._is_open, self._reply_id = False, ""

    def judge(self, events: list[Event]) -> list[Event]:
        """The events, with a reply of nothing told as the failure that it is."""
        return [self._judge(event) for event in events] if self._is_open else events

    def _judge(self, event: Event) -> Event:
        match event:
            case ReplyStarted(reply_id) if self._is_open and not self._reply_id:
                self._reply_id = reply_id
            case ReplyText(reply_id) | ReplyAudio(reply_id) | ToolCalled(reply_id):
                if reply_id == self._reply_id:
                    self.forget()
            case ReplyFinished(reply_id) if self._is_open and reply_id == self._reply_id:
                self.forget()
                if event.status == "completed":
                    return replace(event, status="failed", code=IGNORED, message=IGNORED_WORDS)
            case ProviderFailed("no_reply") if self._is_open:
                self.forget()
                return replace(event, message=IGNORED_WORDS)
            case SpeechStarted():
                self.forget()
        return event
