"""The words of replies: one stream of two, and typed questions that nobody answers.

GLM tells what it says as `audio_transcript`, as `text`, or as both: the first kind of a reply
counts.  It was seen to take typed messages without an error and to answer them with nothing: then
every such message is told as `InputFailed`, and its reply as one that failed (`text_ignored`).
"""

from dataclasses import dataclass, field, replace

from voicechat.events import (
    Event,
    InputFailed,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SpeechStarted,
    ToolCalled,
)
from voicechat.providers.json_fields import JsonObject, identity
from voicechat.text.phrase import phrase

IGNORED = "text_ignored"
IGNORED_WORDS = phrase("Typed text is not answered by this model: speak")
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
    """Typed messages, and the reply to them."""

    _open: list[str] = field(default_factory=list)
    """Item ids of those that nothing has answered."""
    _reply_id: str = ""
    _is_told: bool = False

    def asked(self, item_id: str) -> None:
        self._open.append(item_id)
        self._reply_id = ""

    def forget(self) -> None:
        """They are answered, or nobody waits for that any more."""
        self._open, self._reply_id = [], ""

    def judge(self, events: list[Event]) -> list[Event]:
        """The events, with a reply of nothing told as the failure that it is."""
        return [told for event in events for told in self._judge(event)]

    def _judge(self, event: Event) -> list[Event]:
        match event:
            case _ if not self._open:
                pass
            case ReplyStarted(reply_id) if not self._reply_id:
                self._reply_id = reply_id
            case ReplyText(reply_id) | ReplyAudio(reply_id) | ToolCalled(reply_id):
                if reply_id == self._reply_id:
                    self.forget()
            case ReplyFinished(status="failed") | SpeechStarted():
                self.forget()
            case ReplyFinished(reply_id, status) if reply_id == self._reply_id:
                if status == "completed":
                    return self._ignored(event)
                self.forget()
            case ProviderFailed("no_reply"):
                return self._ignored(ReplyFinished(f"unanswered_{self._open[-1]}"))
        return [event]

    def _ignored(self, end: ReplyFinished) -> list[Event]:
        """Which messages were ignored, a word to the user once, and the end of their reply."""
        failed: list[Event] = [
            InputFailed(item_id, IGNORED_WORDS, IGNORED) for item_id in self._open
        ]
        notice: list[Event] = [] if self._is_told else [Notice(IGNORED, IGNORED_WORDS)]
        ended = replace(end, status="failed", code=IGNORED, message=IGNORED_WORDS)
        self._is_told = True
        self.forget()
        return [*failed, *notice, ended]
