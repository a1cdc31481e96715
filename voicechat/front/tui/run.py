"""Start the screen, and leave the terminal as it was found.

Two things a terminal program must take care of itself: C libraries (PortAudio, ALSA) print on file
descriptor 2, straight over the screen, and a crash must end with a non-zero exit code, one line,
and no variables on display.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voicechat.front.doors import Doors
from voicechat.front.tui.app import VoiceChatApp
from voicechat.front.words import Words
from voicechat.session import Listener, Session

CLOSING_S = 1.6
"""How long the line and the sound card may take to close before we leave them behind."""


async def run_screen(
    build: Callable[[Listener], Session],
    doors: Doors,
    words: Words,
    *,
    theme: str = "dark",
    warnings: tuple[str, ...] = (),
) -> int:
    """Show a session until the user leaves; returns the exit code."""
    with _quiet_stderr():
        app = VoiceChatApp(words, doors, theme=theme)
        app.session = build(app.hear)
        for warning in warnings:
            app.session.conversation.note("warning", warning)
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(_guard(app))
            await app.run_async()
            call.cancel()
            late = threading.Timer(CLOSING_S, os._exit, [app.return_code or 0])
            late.daemon = True
            late.start()
    late.cancel()
    if app.crash is not None:
        print(f"voicechat: internal error: {app.crash}", file=sys.stderr)  # noqa: T201 - our output
        return 1
    return app.return_code or 0


async def _guard(app: VoiceChatApp) -> None:
    """Run the session; a bug in it must end the program as any crash does."""
    try:
        await app.session.run(stay=True)
    except Exception as error:
        app.give_up(error)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what C code prints off the screen.

    Textual draws on `sys.__stderr__`.  It is given the terminal that stdout is, under a descriptor
    of its own, and descriptor 2 is led into nowhere, unless the user has led it into a file.
    """
    terminal = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    before, kept = (sys.stderr, sys.__stderr__), os.dup(2)
    sys.stderr = sys.__stderr__ = terminal  # type: ignore[misc]
    if os.isatty(2):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    try:
        yield
    finally:
        terminal.close()
        os.dup2(kept, 2)
        os.close(kept)
        sys.stderr, sys.__stderr__ = before  # type: ignore[misc]
