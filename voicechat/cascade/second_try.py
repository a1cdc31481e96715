"""Whether a request that failed is worth a second one.

A line that breaks at once or a server that is busy for a moment must not cost the user a sentence;
but who waited long already does not wait for the same thing again.
"""

import asyncio

from voicechat.errors import VoiceChatError

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
