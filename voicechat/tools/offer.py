"""One tool as this room keeps it: what the model is told of it, and how it is run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from voicechat.events import Tool

LONGEST_BYTES = 16_384
"""Of one answer: the model reads, and the user pays for, every word of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool gave back."""

    output: str
    is_error: bool = False


Run: TypeAlias = Callable[[dict[str, Any]], Awaitable[Answer]]
"""Gets arguments that fit the schema; raises VoiceChatError where there is no answer."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that can be run."""

    tool: Tool
    run: Run
    section: str
    """Where the config speaks of it, e.g. `[tools.weather]`."""
    is_allowed: bool
    """Run it without asking."""


def cut_bytes(data: bytes, more: bool = False) -> str:
    """Bytes as text of at most `LONGEST_BYTES`, with a mark where (or because `more`) it is cut."""
    text = data[:LONGEST_BYTES].decode("utf-8", "replace")
    if len(data) <= LONGEST_BYTES and not more:
        return text
    return f"{text.rstrip(chr(0xFFFD))}\n[cut here: the answer is longer than 16 kB]"
