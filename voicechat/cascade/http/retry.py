"""Asks a service again where that helps: after a lesson, or after trouble that may have passed.

The rule: only while nothing of the answer was given yet, so that nothing is ever said twice.

Whether a request that failed is worth a second one.

A line that breaks at once or a server that is busy for a moment must not cost the user a sentence;
but who waited long already does not wait for the same thing again.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from voicechat.cascade.roles import Piece, Spent
from voicechat.errors import RefusedError, VoiceChatError

_QUICK_S = 5.0
_PAUSE_S = 0.3
_LONGEST_PAUSE_S = 2.0


async def before_second_try(error: VoiceChatError, began: float) -> None:
    """Pause a moment; then ask again.

    Args:
        error: Why the first request failed.
        began: When it was sent, in seconds of the event loop's clock.

    Raises:
        VoiceChatError: This very error: asking again would not help, or take too long.
    """
    pause_s = error.retry_after_s or _PAUSE_S
    took_s = asyncio.get_running_loop().time() - began
    if not error.retryable or took_s > _QUICK_S or pause_s > _LONGEST_PAUSE_S:
        raise error
    await asyncio.sleep(pause_s)


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
