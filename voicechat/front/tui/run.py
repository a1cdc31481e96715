"""Start the screen, and leave the terminal as it was found.

Three things a terminal program must take care of itself: C libraries (PortAudio, ALSA) print on
file descriptor 2, straight over the screen; a crash must end with a non-zero exit code, one line,
and no variables on display; and whoever asks it to end shall not wait for a sound card, a server or
a terminal that takes nothing.
"""

import asyncio
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from voicechat.front.app_api import AppApi
from voicechat.front.plain.signals import on_stop
from voicechat.front.tui.app import VoiceChatApp
from voicechat.front.words.words import Words
from voicechat.session.session import Listener, Session
from voicechat.text.phrase import phrase

CLOSING_S = 1.5
"""How long everything may take to close before we leave it behind."""


async def run_screen(
    build: Callable[[Listener], Session],
    doors: AppApi,
    words: Words,
    *,
    theme: str = "dark",
    warnings: tuple[str, ...] = (),
) -> int:
    """Show a session until the user leaves; returns the exit code."""
    deadline = Deadline()
    with _quiet_stderr():
        app = VoiceChatApp(words, doors, theme=theme, on_leave=deadline.start)
        on_stop(lambda code: app.exit(return_code=code))
        app.session = build(app.hear)
        for warning in warnings:
            app.session.note("warning", warning)
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(_guard(app))
            await app.run_async()
            call.cancel()
    deadline.cancel()
    if app.crash is not None:
        told = words.told(phrase("internal error: {error!r}", error=app.crash))
        print(f"voicechat: {told}"[:300], file=sys.stderr)  # noqa: T201 - ours
        return 1
    return app.return_code or 0


async def _guard(app: VoiceChatApp) -> None:
    """Run the session; a bug in it must end the program as any crash does."""
    try:
        await app.session.run(stay=True)
    except Exception as error:
        app.give_up(error)


class Deadline:
    """From the moment somebody wants to leave, the program has so long."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._put_back: Callable[[], None] = lambda: None
        if sys.platform != "win32":
            from voicechat.front.tui.terminal.driver import Keeper

            self._put_back = Keeper().put_back

    def start(self, code: int) -> None:
        """End with this code when the ordinary end takes too long; only the first call counts."""
        if self._timer is None:
            self._timer = threading.Timer(CLOSING_S, self._end, [code])
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, code: int) -> None:
        self._put_back()
        os._exit(code)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what C code prints off the screen.

    Textual draws on `sys.__stderr__`.  It is given the terminal that stdout is, under a descriptor
    of its own, and descriptor 2 is led into nowhere, unless the user has led it into a file.
    """
    before, kept = (sys.stderr, sys.__stderr__), os.dup(2)
    terminal = _open_terminal()
    sys.stderr = sys.__stderr__ = terminal  # type: ignore[misc]
    if os.isatty(2):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        sys.stderr, sys.__stderr__ = before  # type: ignore[misc]
        if not any(thread.name == "textual-output" for thread in threading.enumerate()):
            with suppress(OSError):  # Gone; a thread that is stuck in it would hold `close` up.
                terminal.close()


def _open_terminal() -> io.TextIOWrapper:
    if sys.platform == "win32":
        return os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    from voicechat.front.tui.terminal.driver import open_terminal

    return open_terminal()
