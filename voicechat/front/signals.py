"""Being told to stop: one place for the signals that end the program politely."""

import asyncio
import signal
from collections.abc import Callable

_STOPPING = ("SIGTERM", "SIGHUP", "SIGQUIT")


def on_stop(callback: Callable[[int], None], *, also_interrupt: bool = False) -> None:
    """Call `callback` with the exit code (128 + signal number) when the system wants us to end.

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
