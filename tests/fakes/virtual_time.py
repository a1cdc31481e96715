"""A day in seconds: an event loop whose clock jumps to the next timer when nothing else is ready.

    def test_something() -> None:
        virtual_time.run(main())

While it runs, `time.monotonic`, `time.perf_counter` and `time.time` tell the loop's time, in every
thread.  Nothing waits, and every run of the same program takes the same steps.

Threads live in real time, so the clock stands still while one is awaited (`run_in_executor`,
`asyncio.to_thread`): a second of theirs is none of the loop's.  What a thread does that nobody
awaits must be asked for between the steps, e.g. by `Journal.flush`.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
BEGIN_S = 1000.0
"""Of the monotonic clocks."""
BEGIN_UNIX_S = 1_700_000_000.0
PATIENCE_S = 20.0
"""Real seconds for a thread that is awaited."""


_LOOKS = 64
"""Where there is no socket but the loop's own, by which threads wake it, one look in so many."""


class StandstillError(RuntimeError):
    """Everybody waits, and no timer is set: without virtual time it would have hung."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is a number; sockets and threads work as ever."""

    def __init__(self) -> None:
        self.now = BEGIN_S
        self.jumps = 0
        self.threads = 0
        """That are awaited."""
        super().__init__(_Jumper(self))

    def time(self) -> float:
        return self.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, future: object) -> None:
        self.threads -= 1


class _Jumper(selectors.BaseSelector):
    """A selector that does not wait: it moves the clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()
        self._calls = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._calls += 1
        looks = len(self._real.get_map()) > 1 or self._calls % _LOOKS == 0
        if looks and (ready := self._real.select(0)):
            return ready
        if timeout is not None and timeout <= 0:
            return []
        if self._loop.threads or timeout is None:
            return self._wait()
        self._loop.now += timeout
        self._loop.jumps += 1
        return []

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        """For a thread; without one nothing would ever happen."""
        ready = self._real.select(PATIENCE_S)
        if not ready:
            raise StandstillError("nobody will wake this loop")
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time.

    Raises:
        StandstillError: it would wait for ever.
    """
    loop = VirtualLoop()
    with clocks_of(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


@contextmanager
def clocks_of(loop: VirtualLoop) -> Iterator[None]:
    """The standard library's clocks are the loop's."""
    real = time.monotonic, time.perf_counter, time.time
    time.monotonic = time.perf_counter = loop.time
    time.time = lambda: loop.now - BEGIN_S + BEGIN_UNIX_S
    try:
        yield
    finally:
        time.monotonic, time.perf_counter, time.time = real
