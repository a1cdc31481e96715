"""Speech to text: nobody, or the transcription service of a vendor.

The rule: a turn in which nobody speaks is never sent; such services hear words in silence.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from voicechat.cascade.audio import wav
from voicechat.cascade.http.retry import before_second_try
from voicechat.cascade.stt.segments import spoken_pieces
from voicechat.errors import VoiceChatError

_WIDE = "\u2e80"
"""From here on scripts need no blank between words."""


class NoEars:
    """Nobody listens; spoken turns have no words."""

    hears = False

    async def transcribe(self, pcm: bytes, language: str) -> str:
        return ""


class Writer(Protocol):
    """How one vendor's service is asked to write down one piece of speech."""

    @property
    def longest_ms(self) -> int:
        """What it takes in one request."""

    async def write(self, file: bytes, language: str, before: str) -> str:
        """The words in a WAV file of PCM16 mono at 24 kHz.

        `language` is ISO 639-1 or empty; `before` are the words of the same turn before it.

        Raises:
            VoiceChatError: The service is not there, refuses, or answers nothing readable.
        """


class HttpEars:
    """A transcription service."""

    hears = True

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def transcribe(self, pcm: bytes, language: str) -> str:
        """The words in PCM16 mono at 24 kHz; empty, and nothing sent, when nobody speaks in it.

        Raises:
            VoiceChatError: As the service's `write`.
        """
        pieces = await asyncio.to_thread(spoken_pieces, pcm, self._writer.longest_ms)
        texts: list[str] = []
        for piece in pieces:
            texts.append(await self._write(wav(piece), language, join_words(texts)))
        return join_words(texts)

    async def _write(self, file: bytes, language: str, before: str) -> str:
        began = asyncio.get_running_loop().time()
        try:
            return await self._writer.write(file, language, before)
        except VoiceChatError as error:
            await before_second_try(error, began)
        return await self._writer.write(file, language, before)


def join_words(texts: Sequence[str]) -> str:
    """The pieces of one turn as one text, with blanks where the script has blanks."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        wide = joined and (joined[-1] >= _WIDE or text[0] >= _WIDE)
        joined += text if wide or not joined else f" {text}"
    return joined
