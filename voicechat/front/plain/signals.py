"""Being told to stop: one place for the signals that end the program politely."""

import asyncio
import signal
from collections.abc import Callable

_STOPPING = ("SIGTERM", "SIGHUP", "SIGQUIT")


def on_stop(
    callback: Callable[[int], None],
    *,
    also_interrupt: bool = False,
    unblock: Callable[[], None] | None = None,
) -> None:
    """Call `callback` with the exit code (128 + signal number) when the system wants us to end.

    Args:
        unblock: Called at once, inside whatever system call holds the event loop up.

    Where the system or its event loop has no such signals (Windows) nothing is installed, and the
    usual KeyboardInterrupt stays.
    """
    loop = asyncio.get_running_loop()
    for name in (*_STOPPING, *(("SIGINT",) if also_interrupt else ())):
        number = getattr(signal, name, None)
        if number is not None:
            try:
                loop.add_signal_handler(number, callback, 128 + int(number))
            except NotImplementedError:
                return
            if unblock is not None:
                _break_in(number, unblock)


def _break_in(number: int, unblock: Callable[[], None]) -> None:
    """The loop hears of a signal by a byte, but restarts a system call that waits for ever."""
    signal.signal(number, lambda *_: unblock())
