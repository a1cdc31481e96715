"""The three roles of the cascade as small Protocols, and the values that pass between them.

Whoever plays a role knows nothing of the wire; the wire knows nothing of who plays it.  A role
raises only classes of `voicechat.errors`, and stops at once when its task is cancelled.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from voicechat.errors import RefusedError
from voicechat.events import Tool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The mind wants a tool run.  In an answer it is one piece; in a question it was one."""

    call_id: str
    """Ours, and never the same twice: services number their calls from the start again."""
    name: str
    arguments: str = "{}"
    """JSON text as the mind wrote it: it may be malformed."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back for a call."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class HistoryMessage:
    """One entry of the conversation, as the mind sees it."""

    role: Literal["user", "assistant", "system"]
    text: str = ""
    """Typed words, or the transcript where the ears wrote one."""
    pcm: bytes = field(default=b"", repr=False)
    """Spoken sound: PCM16 mono at 24 kHz."""
    images: tuple[str, ...] = field(default=(), repr=False)
    """Data addresses of PNG or JPEG pictures."""
    call: ToolCall | None = None
    """Instead of all of the above, of an assistant."""
    result: ToolResult | None = None
    """Instead of all of the above, of the user's side."""


@dataclass(frozen=True, slots=True)
class LlmRequest:
    """Everything a mind gets to know for one reply."""

    said: Sequence[HistoryMessage] = ()
    instructions: str = ""
    max_tokens: int | None = None
    tools: Sequence[Tool] = ()
    """What it may call."""
    must_call: str = ""
    """The name of the tool it must call; `*`: any of them; empty: it is free."""
    voice: str = ""
    """For a mind that gives sound itself; empty: its own choice."""
    wants_sound: bool = True
    """Whether anybody will hear the answer."""


@dataclass(frozen=True, slots=True)
class ReadyAudio:
    """Ready sound in an answer, instead of words for the mouth."""

    pcm: bytes = field(repr=False)
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class CutShort:
    """The last thing a mind gives when a limit stopped it."""

    reason: Literal["max_output_tokens", "content_filter"] = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one answer, as the service counted them; the last such count holds."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input."""
    input_audio: int = 0
    output_audio: int = 0


class NotHeardError(RefusedError):
    """A spoken turn came to the mind without words, and it does not take sound."""


Piece: TypeAlias = str | ReadyAudio | ToolCall | CutShort | Spent


class SpeechToText(Protocol):
    """Speech to text."""

    @property
    def hears(self) -> bool:
        """False: nobody is listening, never call `transcribe`."""

    async def transcribe(self, pcm: bytes, language: str) -> str:
        """The words in PCM16 mono at 24 kHz."""


class LanguageModel(Protocol):
    """What to say."""

    @property
    def hears(self) -> bool:
        """True: it takes the sound of a turn itself, and need not wait for the ears."""

    def answer(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        """The answer in pieces of any size, as they come to mind."""


class TextToSpeech(Protocol):
    """Text to speech."""

    @property
    def speaks(self) -> bool:
        """False: answers stay text, never call `speak`."""

    @property
    def is_billed(self) -> bool:
        """Whether what it says may cost money, beside what the mind costs."""

    def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound of one sentence: PCM16 mono at 24 kHz, in whole samples, as it is made."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One complete model."""

    ears: SpeechToText
    mind: LanguageModel
    mouth: TextToSpeech
    language: str = ""
