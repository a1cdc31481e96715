"""One item of a response on the wire, from `output_item.added` to `output_item.done`.

A message has one content part, of sound with its transcript or of text; a call of a tool comes
whole, since nobody can use half of one.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from voicechat.cascade.roles import ToolCall
from voicechat.cascade.server.items import History, ServerItem, call_item, reply_item

Send = Callable[[dict[str, Any]], None]
"""Puts one server event on the wire, encoded at once; adds the event id."""
Kind = Literal["audio", "text"]

_PART = {"audio": "output_audio", "text": "output_text"}
_WORDS = {"audio": "transcript", "text": "text"}


@dataclass
class Output:
    """What all items of a response have in common."""

    send: Send
    history: History | None
    """None: the response leaves the conversation alone."""
    response_id: str
    index: int

    def added(self, item: ServerItem) -> None:
        """The item enters the response, and the conversation."""
        self.tell({"type": "response.output_item.added", "item": item.wire})
        if self.history:
            self._converse("added", item, self.history.add(item))

    def done(self, item: ServerItem) -> None:
        """The item is whole, or as whole as it gets."""
        if self.history:
            self._converse("done", item, self.history.before(item))
        self.tell({"type": "response.output_item.done", "item": item.wire})

    def tell(self, event: dict[str, Any]) -> None:
        self.send({**event, "response_id": self.response_id, "output_index": self.index})

    def _converse(self, what: str, item: ServerItem, previous: str | None) -> None:
        event = {"type": f"conversation.item.{what}", "item": item.wire}
        self.send({**event, "previous_item_id": previous})


@dataclass
class Message:
    """A message that is being said."""

    output: Output
    kind: Kind
    words: str = ""
    item: ServerItem = field(default_factory=reply_item)

    def __post_init__(self) -> None:
        self.output.added(self.item)
        name = _WORDS[self.kind]
        self.item.wire["content"] = [{"type": _PART[self.kind], name: ""}]
        part = {"type": self.kind, name: ""}
        self._tell({"type": "response.content_part.added", "part": part})

    def write(self, text: str) -> None:
        """More of a text."""
        self.words += text
        self._tell({"type": "response.output_text.delta", "delta": text})

    def say(self, sentence: str) -> None:
        """The words of the sound that comes next."""
        self.words += sentence
        self.item.sentences.append((sentence, self.item.sound_bytes))
        self._tell({"type": "response.output_audio_transcript.delta", "delta": sentence})

    def sound(self, pcm: bytes) -> None:
        """More sound, in whole samples."""
        self.item.pcm += pcm
        self.item.sound_bytes += len(pcm)
        delta = base64.b64encode(pcm).decode()
        self._tell({"type": "response.output_audio.delta", "delta": delta})

    def close(self, *, whole: bool) -> None:
        """The end of it; `whole`: nothing of it is missing."""
        self.item.wire["status"] = "completed" if whole else "incomplete"
        name, words = _WORDS[self.kind], self.words
        content = self.item.wire["content"][0]
        if content[name] is not None:
            content[name] = words
        if self.kind == "audio":
            self._tell({"type": "response.output_audio.done"})
            self._tell({"type": "response.output_audio_transcript.done", "transcript": words})
        else:
            self._tell({"type": "response.output_text.done", "text": words})
        part = {"type": self.kind, name: words}
        self._tell({"type": "response.content_part.done", "part": part})
        self.output.done(self.item)

    def _tell(self, event: dict[str, Any]) -> None:
        self.output.tell({**event, "item_id": self.item.id, "content_index": 0})


def tell_call(output: Output, call: ToolCall) -> ServerItem:
    """A call of a tool, whole at once."""
    item = call_item(call.call_id, call.name)
    output.added(item)
    about = {"item_id": item.id, "call_id": call.call_id}
    kind = "response.function_call_arguments"
    output.tell({"type": f"{kind}.delta", "delta": call.arguments, **about})
    item.wire |= {"arguments": call.arguments, "status": "completed"}
    told = {"name": call.name, "arguments": call.arguments}
    output.tell({"type": f"{kind}.done", **told, **about})
    output.done(item)
    return item
