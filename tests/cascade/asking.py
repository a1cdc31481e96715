"""Asking a mind by itself, without the server around it."""

import asyncio
import base64
import threading
from collections.abc import Callable

from voicechat.cascade.roles import (
    HistoryMessage,
    LanguageModel,
    LlmRequest,
    Piece,
    ReadyAudio,
    Spent,
)

PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


def ask(text: str = "Hello", *images: str, **values: object) -> LlmRequest:
    """A question of one typed turn."""
    return LlmRequest([HistoryMessage("user", text, images=images)], **values)  # type: ignore[arg-type]


async def pieces_of(mind: LanguageModel, question: LlmRequest) -> list[Piece]:
    """An answer without what it cost."""
    return [piece async for piece in mind.answer(question) if not isinstance(piece, Spent)]


async def cost_of(mind: LanguageModel, question: LlmRequest) -> list[Spent]:
    """Only what it cost, each time the service tells it."""
    return [piece async for piece in mind.answer(question) if isinstance(piece, Spent)]


async def words_of(mind: LanguageModel, question: LlmRequest) -> str:
    """Everything that is written or said in an answer."""
    pieces = await pieces_of(mind, question)
    texts = [one.transcript if isinstance(one, ReadyAudio) else one for one in pieces]
    return "".join(text for text in texts if isinstance(text, str))


async def happens(event: threading.Event, seconds: float = 20) -> bool:
    """Whether something happens in another thread, without stopping this one."""
    return await asyncio.to_thread(event.wait, seconds)


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)
