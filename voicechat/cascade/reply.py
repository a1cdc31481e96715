"""One response on the wire: which event follows which, and what it cost.

Order as the real service sends it: response.created, output_item.added, item.added,
content_part.added, deltas, the `done` of each in turn, item.done, output_item.done, response.done.
Once it is over, a reply says nothing more, whatever is still running behind it.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from voicechat.cascade.items import History, new_id, reply_item
from voicechat.cascade.parts import Question
from voicechat.cascade.sound import ms_of
from voicechat.events import ReplyStatus

Send = Callable[[dict[str, Any]], None]
"""Puts one server event on the wire, encoded at once; adds the event id."""

_PART = {"audio": "output_audio", "text": "output_text"}
_WORDS = {"audio": "transcript", "text": "text"}


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


@dataclass
class Reply:
    """One run of the mind, as clients see it."""

    send: Send
    history: History
    plan: ReplyPlan
    id: str = field(default_factory=lambda: new_id("resp"))
    over: bool = False
    kind: Literal["", "audio", "text"] = ""
    """Of its content part; empty until there is something to say."""

    def __post_init__(self) -> None:
        self.item = reply_item()
        self._words = ""
        self._input = {"text_tokens": 0, "audio_tokens": 0}

    def begin(self) -> None:
        self.send({"type": "response.created", "response": self._wire("in_progress", None, None)})

    def count_input(self, question: Question) -> None:
        """The whole conversation is input again, as the real service bills it."""
        words = len(question.instructions) + sum(len(said.text) for said in question.said)
        sound_ms = sum(ms_of(len(said.pcm)) for said in question.said)
        self._input = {"text_tokens": -(-words // 4), "audio_tokens": -(-sound_ms // 100)}

    def write(self, text: str) -> None:
        """More of a text answer."""
        if not self.over:
            self._open("text")
            self._words += text
            self._part({"type": "response.output_text.delta", "delta": text})

    def say(self, sentence: str) -> None:
        """The words of the sound that comes next."""
        if not self.over:
            self._open("audio")
            self._words += sentence
            self.item.sentences.append((sentence, self.item.sound_bytes))
            self._part({"type": "response.output_audio_transcript.delta", "delta": sentence})

    def sound(self, pcm: bytes) -> None:
        """More sound, in whole samples."""
        if not self.over:
            self._open("audio")
            self.item.pcm += pcm
            self.item.sound_bytes += len(pcm)
            delta = base64.b64encode(pcm).decode()
            self._part({"type": "response.output_audio.delta", "delta": delta})

    def finish(self, status: ReplyStatus = "completed", **details: Any) -> None:
        """The end, whatever it is; `details` go into `status_details`."""
        if self.over:
            return
        self.over = True
        self.item.wire["status"] = "completed" if status == "completed" else "incomplete"
        if self.kind:
            self._close()
        shown = {"type": status, **details} if status != "completed" else None
        self.send({"type": "response.done", "response": self._wire(status, shown, self._usage())})

    def _open(self, kind: Literal["audio", "text"]) -> None:
        if self.kind:
            return
        self.kind = kind
        wire = self.item.wire
        self._output({"type": "response.output_item.added", "item": wire})
        self._converse("added", self.history.add(self.item) if not self.plan.aside else None)
        wire["content"] = [{"type": _PART[kind], _WORDS[kind]: ""}]
        part = {"type": kind, _WORDS[kind]: ""}
        self._part({"type": "response.content_part.added", "part": part})

    def _close(self) -> None:
        name, words = _WORDS[self.kind], self._words
        content = self.item.wire["content"][0]
        if content[name] is not None:
            content[name] = words
        if self.kind == "audio":
            self._part({"type": "response.output_audio.done"})
            self._part({"type": "response.output_audio_transcript.done", "transcript": words})
        else:
            self._part({"type": "response.output_text.done", "text": words})
        part = {"type": self.kind, name: words}
        self._part({"type": "response.content_part.done", "part": part})
        self._converse("done", self._previous())
        self._output({"type": "response.output_item.done", "item": self.item.wire})

    def _part(self, event: dict[str, Any]) -> None:
        self._output({**event, "item_id": self.item.id, "content_index": 0})

    def _output(self, event: dict[str, Any]) -> None:
        self.send({**event, "response_id": self.id, "output_index": 0})

    def _converse(self, what: str, previous: str | None) -> None:
        if not self.plan.aside:
            event = {"type": f"conversation.item.{what}", "item": self.item.wire}
            self.send({**event, "previous_item_id": previous})

    def _previous(self) -> str | None:
        ids = [item.id for item in self.history.items]
        place = ids.index(self.item.id) if self.item.id in ids else 0
        return ids[place - 1] if place else None

    def _wire(
        self, status: str, details: dict[str, Any] | None, usage: dict[str, Any] | None
    ) -> dict[str, Any]:
        sound = {"type": "audio/pcm", "rate": 24_000}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [self.item.wire] if self.kind else [],
            "conversation_id": None if self.plan.aside else self.history.id,
            "output_modalities": ["text" if self.plan.text_only else "audio"],
            "max_output_tokens": self.plan.max_output_tokens,
            "audio": {"output": {"format": sound, "voice": self.plan.voice}},
            "usage": usage,
            "metadata": self.plan.metadata,
        }

    def _usage(self) -> dict[str, Any]:
        """Tokens as they are counted for sound: 1 per 100 ms in, 1 per 50 ms out; text by 4."""
        spoken = -(-ms_of(self.item.sound_bytes) // 50)
        output = {"text_tokens": -(-len(self._words) // 4), "audio_tokens": spoken}
        cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        details = {"image_tokens": 0, "cached_tokens": 0, "cached_tokens_details": cached}
        return {
            "total_tokens": sum(self._input.values()) + sum(output.values()),
            "input_tokens": sum(self._input.values()),
            "output_tokens": sum(output.values()),
            "input_token_details": {**self._input, **details},
            "output_token_details": output,
        }
