"""One response on the wire: which event follows which, and what it cost.

Order as the real service sends it: response.created, the items one after the other (`output`),
response.done.  Once it is over, a reply says nothing more, whatever is still running behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from voicechat.cascade.audio import ms_of
from voicechat.cascade.roles import HistoryMessage, LlmRequest, Spent, ToolCall
from voicechat.cascade.server.items import History, ServerItem, new_id
from voicechat.cascade.server.response_items import Kind, Message, Output, Send, tell_call
from voicechat.events import ReplyStatus, Tool
from voicechat.text.phrase import to_json

__all__ = ["Response", "ReplyPlan", "Send"]


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """How one response shall be given: the session's settings under its own."""

    text_only: bool
    voice: str
    speed: float
    instructions: str
    max_output_tokens: int | str
    metadata: dict[str, str] | None
    aside: bool
    """Out of band: leaves the conversation alone."""
    is_marked: bool = False
    """The client says where the user's turns begin and end: none of them is a mere noise."""
    tools: Sequence[Tool] = ()
    must_call: str = ""
    """As in `LlmRequest`."""


@dataclass
class Response:
    """One run of the mind, as clients see it."""

    send: Send
    history: History
    plan: ReplyPlan
    id: str = field(default_factory=lambda: new_id("resp"))
    over: bool = False
    kind: Literal["", "audio", "text"] = ""
    """Of its messages; empty until there is something to say."""

    def __post_init__(self) -> None:
        self._items: list[ServerItem] = []
        self._message: Message | None = None
        """The one that is being said."""
        self._written = 0
        """Characters, in all items."""
        self._input = {"text_tokens": 0, "audio_tokens": 0}
        self._spent: Spent | None = None
        self._heard_apart = self._said_apart = 0
        """Bytes of sound that ears or mouth take money for: the mind's service knows nothing."""

    def begin(self) -> None:
        self.send({"type": "response.created", "response": self._wire("in_progress", None, None)})

    def count_input(self, question: LlmRequest) -> None:
        """The whole conversation is input again, as the real service bills it."""
        words = len(question.instructions) + sum(map(_length, question.said))
        sound_ms = sum(ms_of(len(said.pcm)) for said in question.said)
        self._input = {"text_tokens": -(-words // 4), "audio_tokens": -(-sound_ms // 100)}

    def count(self, spent: Spent) -> None:
        """What the service itself counted, which is better than what we reckon."""
        self._spent = spent

    def count_apart(self, *, heard_bytes: int = 0, said_bytes: int = 0) -> None:
        """More sound that a service other than the mind's takes money for."""
        self._heard_apart += heard_bytes
        self._said_apart += said_bytes

    def write(self, text: str) -> None:
        """More of a text answer."""
        if not self.over:
            self._open("text").write(text)
            self._written += len(text)

    def say(self, sentence: str) -> None:
        """The words of the sound that comes next."""
        if not self.over:
            self._open("audio").say(sentence)
            self._written += len(sentence)

    def sound(self, pcm: bytes) -> None:
        """More sound, in whole samples."""
        if not self.over:
            self._open("audio").sound(pcm)

    def call(self, call: ToolCall) -> None:
        """A call of a tool, after whatever was being said."""
        if not self.over:
            self._close(whole=True)
            self._items.append(tell_call(self._output(), call))
            self._written += len(call.name) + len(call.arguments)

    def complain(self, message: str) -> None:
        """Tell the client what went wrong beside the reply, which goes on."""
        error = {"type": "server_error", "code": "speech_service_failed", **told(message)}
        self.send({"type": "error", "error": {**error, "param": None, "event_id": None}})

    @property
    def has_spoken(self) -> bool:
        """Whether any sound of it went out."""
        return any(item.sound_bytes for item in self._items)

    def finish(self, status: ReplyStatus = "completed", **details: Any) -> None:
        """The end, whatever it is; `details` go into `status_details`."""
        if self.over:
            return
        self.over = True
        self._close(whole=status == "completed")
        shown = {"type": status, **details} if status != "completed" else None
        self.send({"type": "response.done", "response": self._wire(status, shown, self._usage())})

    def _open(self, kind: Kind) -> Message:
        if self._message is None:
            self.kind = kind
            self._message = Message(self._output(), kind)
            self._items.append(self._message.item)
        return self._message

    def _close(self, *, whole: bool) -> None:
        message, self._message = self._message, None
        if message:
            message.close(whole=whole)

    def _output(self) -> Output:
        history = None if self.plan.aside else self.history
        return Output(self.send, history, self.id, len(self._items))

    def _wire(
        self, status: str, details: dict[str, Any] | None, usage: dict[str, Any] | None
    ) -> dict[str, Any]:
        sound = {"type": "audio/pcm", "rate": 24_000}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.wire for item in self._items],
            "conversation_id": None if self.plan.aside else self.history.id,
            "output_modalities": ["text" if self.plan.text_only else "audio"],
            "max_output_tokens": self.plan.max_output_tokens,
            "audio": {"output": {"format": sound, "voice": self.plan.voice}},
            "usage": usage,
            "metadata": self.plan.metadata,
        }

    def _usage(self) -> dict[str, Any]:
        """Tokens as the service counted them; else 1 per 100 ms in, 1 per 50 ms out, text by 4."""
        spent = self._counted() or self._reckoned()
        given, made = spent.input_tokens, spent.output_tokens
        cached = {"text_tokens": spent.cached_tokens, "audio_tokens": 0, "image_tokens": 0}
        details = {
            "text_tokens": max(0, given - spent.input_audio),
            "audio_tokens": spent.input_audio,
            "image_tokens": 0,
            "cached_tokens": spent.cached_tokens,
            "cached_tokens_details": cached,
        }
        output = {
            "text_tokens": max(0, made - spent.output_audio),
            "audio_tokens": spent.output_audio,
        }
        return {
            "total_tokens": given + made,
            "input_tokens": given,
            "output_tokens": made,
            "input_token_details": details,
            "output_token_details": output,
        }

    def _counted(self) -> Spent | None:
        """The mind's own count, and what ears and mouth did for it."""
        if (spent := self._spent) is None:
            return None
        heard, said = _tokens(self._heard_apart, 100), _tokens(self._said_apart, 50)
        return replace(
            spent,
            input_tokens=spent.input_tokens + heard,
            output_tokens=spent.output_tokens + said,
            input_audio=spent.input_audio + heard,
            output_audio=spent.output_audio + said,
        )

    def _reckoned(self) -> Spent:
        spoken = _tokens(sum(item.sound_bytes for item in self._items), 50)
        return Spent(
            sum(self._input.values()),
            -(-self._written // 4) + spoken,
            input_audio=self._input["audio_tokens"],
            output_audio=spoken,
        )


def _tokens(sound_bytes: int, each_ms: int) -> int:
    """As OpenAI counts sound."""
    return -(-ms_of(sound_bytes) // each_ms)


def _length(said: HistoryMessage) -> int:
    """Characters of one entry."""
    call = len(said.call.name) + len(said.call.arguments) if said.call else 0
    return len(said.text) + call + (len(said.result.output) if said.result else 0)


def told(message: str) -> dict[str, Any]:
    """The fields of an error that say what is wrong; `phrase` is for our own client's languages."""
    return {"message": str(message), "phrase": to_json(message)}
