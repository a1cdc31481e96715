"""Asks a service again where that helps: after a lesson, or after trouble that may have passed.

The rule: only while nothing of the answer was given yet, so that nothing is ever said twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from voicechat.cascade.roles import Piece, Spent
from voicechat.cascade.second_try import before_second_try
from voicechat.errors import RefusedError, VoiceChatError


async def attempts(
    ask: Callable[[], AsyncGenerator[Piece, None]], learn: Callable[[RefusedError], bool]
) -> AsyncGenerator[Piece, None]:
    """The answer of the first attempt that has one.

    Args:
        ask: Begins an attempt.
        learn: Whether a refusal says how to ask better; each lesson may come once.

    Raises:
        VoiceChatError: As the last attempt; or as `learn`.
    """
    is_first = True
    while True:
        is_silent, began = True, asyncio.get_running_loop().time()
        try:
            async with contextlib.aclosing(ask()) as pieces:
                async for piece in pieces:
                    is_silent = is_silent and isinstance(piece, Spent)
                    yield piece
            return
        except RefusedError as error:
            if not is_silent or not learn(error):
                raise
        except VoiceChatError as error:
            if not is_silent or not is_first:
                raise
            is_first = False
            await before_second_try(error, began)
