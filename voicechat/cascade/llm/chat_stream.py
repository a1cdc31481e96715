"""What a chat service answers, event by event, as pieces of an answer.

Rule: pure.  The shape is OpenAI's `chat.completion.chunk`; services that take freedoms with it
(whole messages instead of deltas, lists instead of text, calls without ids) are understood as well.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from voicechat.cascade.llm.thinking import Thoughts
from voicechat.cascade.roles import CutShort, Piece, Spent, ToolCall
from voicechat.errors import VoiceChatError
from voicechat.text.phrase import phrase

_LIMITS = ("length", "max_tokens", "model_context_window_exceeded")
_FILTERS = ("content_filter", "sensitive", "safety")
_BREAKDOWNS = ("network_error", "insufficient_system_resource", "error")

Fail = Callable[[Any], VoiceChatError]
"""Makes an error of ours from a service's."""


class AnswerStream(Protocol):
    """Takes the words and the sound of an answer, and gives pieces for both."""

    def write(self, words: str) -> list[Piece]:
        """More words."""

    def sound(self, audio: dict[str, Any]) -> list[Piece]:
        """A `delta.audio`, as it came."""

    def finish(self) -> list[Piece]:
        """The answer is over."""


class NoVoice:
    """Of a service that writes only."""

    def write(self, words: str) -> list[Piece]:
        return [words] if words else []

    def sound(self, audio: dict[str, Any]) -> list[Piece]:
        return []

    def finish(self) -> list[Piece]:
        return []


@dataclass(slots=True)
class _PartialCall:
    """A call that is still being written."""

    id: str
    name: str = ""
    arguments: str = ""


class ChatReader:
    """Fold over the events of one answer."""

    def __init__(self, fail: Fail, voice: AnswerStream | None = None) -> None:
        self._fail, self._voice = fail, voice or NoVoice()
        self._thoughts = Thoughts()
        self._calls: list[tuple[int, _PartialCall]] = []
        self._cut: CutShort | None = None
        self._is_empty = True

    def read(self, event: dict[str, Any]) -> Iterator[Piece]:
        """One event; the pieces that it brings.

        Raises:
            VoiceChatError: It is an error.
        """
        if isinstance(usage := event.get("usage"), dict):
            yield _spent(usage)
        choices = event.get("choices")
        if not isinstance(choices, list):
            if event.get("error") or event.get("object") == "error" or "code" in event:
                raise self._fail(event.get("error") or event)
            return
        for choice in choices[:1]:
            if isinstance(choice, dict):
                yield from self._read_choice(choice)

    def finish(self) -> Iterator[Piece]:
        """The answer is over; what was held back.

        Raises:
            VoiceChatError: There was nothing in it.
        """
        yield from self._tell(self._voice.write(self._thoughts.finish()))
        yield from self._tell(self._voice.finish())
        for _, call in self._calls:
            if call.name:
                self._is_empty = False
                yield ToolCall(new_call_id(), call.name, call.arguments or "{}")
        if self._cut:
            yield self._cut
        elif self._is_empty:
            raise self._fail(phrase("it gave an empty answer"))

    def _read_choice(self, choice: dict[str, Any]) -> Iterator[Piece]:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            words = _text(delta.get("content")) or _text(delta.get("refusal"))
            yield from self._tell(self._voice.write(self._thoughts.feed(words)))
            if isinstance(audio := delta.get("audio"), dict):
                yield from self._tell(self._voice.sound(audio))
            for place, part in enumerate(rows(delta.get("tool_calls"))):
                self._read_call(place, part)
        self._read_end(choice.get("finish_reason"))

    def _tell(self, pieces: list[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            self._is_empty = False
            yield piece

    def _read_end(self, reason: Any) -> None:
        if reason in _LIMITS:
            self._cut = CutShort("max_output_tokens")
        elif reason in _FILTERS:
            self._cut = CutShort("content_filter")
        elif reason in _BREAKDOWNS:
            raise self._fail(phrase("it broke off ({why})", why=reason))

    def _read_call(self, place: int, part: dict[str, Any]) -> None:
        function = part.get("function")
        function = function if isinstance(function, dict) else part
        index = part.get("index")
        call = self._find(index if isinstance(index, int) else place, part, function)
        call.name = call.name or str(function.get("name") or "")
        arguments = function.get("arguments")
        if isinstance(arguments, dict | list):
            arguments = json.dumps(arguments, ensure_ascii=False)
        call.arguments += arguments if isinstance(arguments, str) else ""

    def _find(self, index: int, part: dict[str, Any], function: dict[str, Any]) -> _PartialCall:
        """The call a part belongs to: a name with a new id begins one, whatever its index."""
        given = str(part.get("id") or "")
        for known, call in reversed(self._calls):
            if known == index and not (function.get("name") and given and given != call.id):
                return call
        self._calls.append((index, _PartialCall(given)))
        return self._calls[-1][1]


def new_call_id() -> str:
    """An id for a call, at most 32 characters as OpenAI's dialect has it."""
    return f"call_{secrets.token_hex(10)}"


def _spent(usage: dict[str, Any]) -> Spent:
    told, said = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    return Spent(
        count(usage, "prompt_tokens"),
        count(usage, "completion_tokens"),
        count(told, "cached_tokens"),
        count(told, "audio_tokens"),
        count(said, "audio_tokens"),
    )


def count(table: Any, name: str) -> int:
    """A count in a table that may not be one; 0 where there is none."""
    value = table.get(name) if isinstance(table, dict) else 0
    return max(0, value) if isinstance(value, int) else 0


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects in a list that may not be one."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(content: Any) -> str:
    """The words of a content: text, or parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = [one for one in rows(content) if one.get("type") in ("text", "output_text")]
    return "".join(one["text"] for one in parts if isinstance(one.get("text"), str))
