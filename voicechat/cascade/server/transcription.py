"""Has the ears write down each spoken turn, beside everything else, and tells the client.

Without ears nothing is said at all: no transcription is better than a pretended one.
"""

import asyncio
import logging
from typing import Any

from voicechat.cascade.audio import RATE
from voicechat.cascade.roles import SpeechToText
from voicechat.cascade.server.items import ServerItem
from voicechat.cascade.server.response import Send
from voicechat.cascade.server.responses import not_transcribed
from voicechat.errors import ServiceError, VoiceChatError
from voicechat.text.phrase import phrase

_EVENT = "conversation.item.input_audio_transcription"


class Transcriber:
    """Writes down turns of one session."""

    def __init__(
        self, ears: SpeechToText, language: str, send: Send, tasks: asyncio.TaskGroup
    ) -> None:
        self._ears, self._language, self._send, self._tasks = ears, language, send, tasks

    def write_down(self, item: ServerItem, transcription: dict[str, Any] | None) -> None:
        """Begin with a spoken item; `transcription` is the session's setting (None: no events)."""
        if self._ears.hears and item.pcm:
            item.words = asyncio.get_running_loop().create_future()
            self._tasks.create_task(self._write(item, item.words, transcription))

    async def _write(
        self, item: ServerItem, words: "asyncio.Future[str]", transcription: dict[str, Any] | None
    ) -> None:
        language = (transcription or {}).get("language") or self._language
        try:
            text = await self._transcribe(item, language)
        except VoiceChatError as error:
            words.set_exception(error)
            words.exception()  # Seen: nobody needs to ask for it.
            outcome = not_transcribed(item, error)
        else:
            _sound_part(item)["transcript"] = text
            words.set_result(text)
            usage = {"type": "duration", "seconds": round(item.sound_bytes / 2 / RATE, 3)}
            outcome = {"type": f"{_EVENT}.completed", "transcript": text, "usage": usage}
            outcome |= {"item_id": item.id, "content_index": 0}
        finally:
            words.cancel()
        if transcription is not None:
            self._send(outcome)

    async def _transcribe(self, item: ServerItem, language: str) -> str:
        try:
            return await self._ears.transcribe(bytes(item.pcm), language)
        except VoiceChatError:
            raise
        except Exception:
            logging.getLogger(__name__).exception("The ears failed in an unforeseen way")
            raise ServiceError(phrase("The speech could not be written down")) from None


def _sound_part(item: ServerItem) -> dict[str, Any]:
    parts: list[dict[str, Any]] = item.wire["content"]
    return next(part for part in parts if part["type"] == "input_audio")
