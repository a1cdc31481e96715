"""What the user should know: kept among what was said, and told; once, where once is enough."""

import asyncio
import threading
from contextlib import suppress

from voicechat.conversation.conversation import Conversation
from voicechat.events import Notice, Notify

ONCE = frozenset({"sound_silent"})
"""Noise gates are silent in every pause: what is known by these names is told once."""


class Notices:
    """The sink of all notices; remembers what was told.  Made where the event loop runs.

    Every part that has something to tell gets `tell` when it is made, and need not know in which
    thread it tells.

    Args:
        listener: Gets every notice after it was kept.
    """

    def __init__(self, conversation: Conversation, listener: Notify) -> None:
        self._conversation, self._listener = conversation, listener
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._told: set[str] = set()

    def tell(self, notice: Notice) -> None:
        """From any thread; from another than the loop's, it is told a moment later."""
        if threading.get_ident() == self._thread:
            self._tell(notice)
            return
        with suppress(RuntimeError):  # The loop is gone: nobody is left to be told.
            self._loop.call_soon_threadsafe(self._tell, notice)

    def _tell(self, notice: Notice) -> None:
        if notice.code not in ONCE:
            self._keep(notice)
        elif notice.code not in self._told:
            self._told.add(notice.code)
            self._keep(notice)

    def _keep(self, notice: Notice) -> None:
        self._conversation.note(notice.code, notice.message)
        self._listener(notice)

    def tell_once(self, notice: Notice) -> None:
        """Unless the same words were told before."""
        if notice.message not in self._told:
            self._told.add(notice.message)
            self.tell(notice)
