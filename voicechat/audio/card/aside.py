"""Slow calls beside the event loop, with a time limit, in threads that nobody waits for at the end.

A sound server that hangs keeps a call of PortAudio for ever.  Threads of asyncio's own pool would
keep the program from ending; these are daemons, and are abandoned when their time is over.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
Outcome = TypeVar("Outcome")


class Aside:
    """Runs calls in threads of their own."""

    def __init__(self) -> None:
        self._threads: list[Thread] = []

    @property
    def is_busy(self) -> bool:
        """Whether a call still runs: outside `run`, one that was abandoned."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return bool(self._threads)

    async def run(
        self, work: Callable[[], T], limit_s: float, undo: Callable[[T], None] | None = None
    ) -> T:
        """The outcome of `work()`.

        Args:
            limit_s: After so many seconds the call is abandoned.
            undo: Gets the result of a call that was abandoned (or whose waiter was cancelled) and
                came to its end all the same; runs in a thread.

        Raises:
            TimeoutError: the time is over.  Otherwise what `work` raises.
        """
        future: Future[T] = Future()
        self._start(lambda: _settle(future, work, undo))
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(future)
        except BaseException:
            if undo and future.done() and not future.cancelled() and not future.exception():
                result, settle = future.result(), undo
                self._start(lambda: settle(result))
            raise

    def _start(self, target: Callable[[], None]) -> None:
        thread = Thread(target=target, name="sound", daemon=True)
        self._threads.append(thread)
        thread.start()


def _settle(future: Future[T], work: Callable[[], T], undo: Callable[[T], None] | None) -> None:
    """Do the work and hand over its outcome, or undo it if nobody wants it any more."""
    try:
        result = work()
    except BaseException as error:
        _offer(future.set_exception, error)
    else:
        if not _offer(future.set_result, result) and undo:
            undo(result)


def _offer(take: Callable[[Outcome], None], outcome: Outcome) -> bool:
    """Whether somebody still waited for it."""
    try:
        take(outcome)
    except InvalidStateError:
        return False
    return True
