"""What the stand-in for chat services answers next: plain values, set by a test."""

from dataclasses import dataclass, field
from typing import Any, Literal

Oddity = Literal["crlf", "comments", "no_done", "no_blank", "usage", "parts", "whole", "bytes"]
"""Freedoms that services take with the stream; `bytes`: it comes one byte at a time."""


@dataclass
class Call:
    """A call of a tool."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass
class Script:
    """One answer."""

    words: list[str] | None = None
    """The pieces of the text; None: what the service understood of the question."""
    thoughts: str = ""
    """Thought aloud, between tags in the text (Gemini: as parts that are marked)."""
    reasoning: str = ""
    """Thought in a field of its own."""
    calls: list[Call] = field(default_factory=list)
    finish: str = "stop"
    """In OpenAI's words; Gemini's are made of it."""
    piece_s: float = 0.0
    """Before each piece of the text: slow writing."""
    pause_before: int = -1
    """At this piece of the text it waits until the server's `go_on` is set."""
    error: dict[str, Any] | None = None
    """Inside the good stream, after the words."""
    breaks_off: bool = False
    """After the words the line is cut."""
    blocked: str = ""
    """Gemini's reason for not even looking at the question."""
    oddities: frozenset[Oddity] = frozenset()
    sound_rate: int = 44_100
    """Hz, of GLM's WAV."""
