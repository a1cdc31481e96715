"""What happens while no line is up: why is told once, and the next one is tried in time."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from contextlib import suppress

from voicechat.connection.state.backoff import ANY_BUDGET, Retries, RetryBudget
from voicechat.connection.state.outcome import Disconnect
from voicechat.conversation.notices import Notices
from voicechat.errors import VoiceChatError
from voicechat.events import Event, Notice, Retrying, WentOffline
from voicechat.text.phrase import phrase


class Outage:
    """Follows the lines of one session.

    Args:
        listener: Gets each problem when it is news.
        notices: Where it is told that the line is back.
        budget: How long a line is tried again.
    """

    def __init__(
        self,
        listener: Callable[[Event | VoiceChatError], None],
        notices: Notices,
        budget: RetryBudget = ANY_BUDGET,
    ) -> None:
        self.retries = Retries(random.random, budget)
        self._listener, self._notices = listener, notices
        self._retry_at: float | None = None
        self._told = ""
        """The problem that was told last: once, however often it is tried."""
        self._is_lost = False

    def begin(self, ending: Disconnect) -> float | None:
        """A line has ended: seconds until another is tried; None: that is left to the user."""
        wait_s = self.retries.ended(ending, time.monotonic())
        if ending.act == "renew" and wait_s is not None:
            words = phrase("The session is renewed: {why}", why=ending.error.message)
            self._notices.tell(Notice("renewed", words))
        elif ending.act != "ended" and str(ending.error) != self._told:
            self._is_lost, self._told = True, str(ending.error)
            self._listener(ending.error)
            if wait_s is not None:
                self._listener(WentOffline(ending.error.message, ending.error.hint))
        if ending.act == "retry" and wait_s is not None:
            self._listener(Retrying(wait_s))
        return wait_s

    async def wait(self, asked: asyncio.Event, wait_s: float | None) -> None:
        """Until it is time, or the user asks for the next line."""
        self._retry_at = None if wait_s is None else time.monotonic() + wait_s
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), wait_s)
        asked.clear()
        self._retry_at = None

    def forget(self) -> None:
        """The line is changed on purpose: what failed before does not count, and is news again."""
        self.retries.asked(time.monotonic())
        self._told = ""

    @property
    def has_room(self) -> bool:
        """Whether the line may be changed now without the user's wish: not for ever in a row."""
        return self.retries.has_room(time.monotonic())

    def end(self) -> None:
        """A line is good."""
        self.retries.ready(time.monotonic())
        if self._is_lost:
            self._is_lost, self._told = False, ""
            self._notices.tell(Notice("back", phrase("The line is back")))

    @property
    def retry_in_s(self) -> int | None:
        """Seconds until a lost line is tried again by itself; None: it is not, or not lost."""
        if self._retry_at is None:
            return None
        return max(0, math.ceil(self._retry_at - time.monotonic()))
