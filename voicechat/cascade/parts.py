"""The three roles of the cascade as small Protocols, and the values that pass between them.

Whoever plays a role knows nothing of the wire; the wire knows nothing of who plays it.  A role
raises only classes of `voicechat.errors`, and stops at once when its task is cancelled.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the conversation, as the mind sees it."""

    role: Literal["user", "assistant", "system"]
    text: str = ""
    """Typed words, or the transcript where the ears wrote one."""
    pcm: bytes = field(default=b"", repr=False)
    """Spoken sound: PCM16 mono at 24 kHz."""
    images: tuple[str, ...] = field(default=(), repr=False)
    """Data addresses of PNG or JPEG pictures."""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a mind gets to know for one reply."""

    said: Sequence[Said] = ()
    instructions: str = ""
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """Ready sound in an answer, instead of words for the mouth."""

    pcm: bytes = field(repr=False)
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class CutShort:
    """The last thing a mind gives when a limit stopped it."""

    reason: Literal["max_output_tokens", "content_filter"] = "max_output_tokens"


Piece: TypeAlias = str | Sound | CutShort


class Ears(Protocol):
    """Speech to text."""

    @property
    def hears(self) -> bool:
        """False: nobody is listening, never call `transcribe`."""

    async def transcribe(self, pcm: bytes, language: str) -> str:
        """The words in PCM16 mono at 24 kHz."""


class Mind(Protocol):
    """What to say."""

    def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        """The answer in pieces of any size, as they come to mind."""


class Mouth(Protocol):
    """Text to speech."""

    @property
    def speaks(self) -> bool:
        """False: answers stay text, never call `speak`."""

    def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound of one sentence: PCM16 mono at 24 kHz, in whole samples, as it is made."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One complete model."""

    ears: Ears
    mind: Mind
    mouth: Mouth
    language: str = ""
