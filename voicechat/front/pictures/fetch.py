"""Pictures without waiting: every disk, codec and screen is asked by a thread with a deadline.

The threads are daemons: a network drive that never answers holds up neither the call nor the end
of the program, as asyncio's own threads would.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from voicechat.conversation.picture import Limits, Picture, Sketch
from voicechat.errors import ConfigError
from voicechat.front.pictures.encode import encode_file
from voicechat.front.pictures.files import read_picture_file, shown
from voicechat.front.pictures.paths import find_dropped, find_pictures
from voicechat.front.pictures.screenshot import take_screenshot
from voicechat.front.pictures.sketch import draw_sketch
from voicechat.text.phrase import phrase

LOAD_S = 20.0
LOOK_S = 1.0
"""How long to look whether a file is there."""

T = TypeVar("T")


def load_picture(path: Path, limits: Limits) -> Picture:
    """Read a picture file and make it fit; blocks.

    Raises:
        ConfigError: no such file, no picture, broken, or too large.
    """
    return encode_file(read_picture_file(path), path.name, limits)


async def fetch_picture(path: Path, limits: Limits, deadline_s: float = LOAD_S) -> Picture:
    """`load_picture` beside everything else.

    Raises:
        ConfigError: as `load_picture`, or the disk did not answer in time.
    """
    try:
        return await _beside(lambda: load_picture(path, limits), deadline_s)
    except TimeoutError:
        message = phrase(
            "{who} took longer than {seconds:.0f} seconds to read",
            who=shown(path),
            seconds=deadline_s,
        )
        raise ConfigError(message, phrase("Copy it to this machine's own disk")) from None


async def fetch_screen(limits: Limits, deadline_s: float = LOAD_S) -> Picture:
    """What the main screen shows.

    Raises:
        ConfigError: it cannot be had, or not in time.
    """
    try:
        return await _beside(lambda: take_screenshot(limits), deadline_s)
    except TimeoutError:
        raise ConfigError(phrase("The screen did not answer"), phrase("Try again")) from None


async def fetch_named(line: str) -> tuple[list[Path], str]:
    """The paths at the beginning of an order, and the words behind them (`find_pictures`).

    Raises:
        ConfigError: the disk did not answer in time.
    """
    try:
        return await _beside(lambda: find_pictures(line), LOAD_S)
    except TimeoutError:
        raise ConfigError(phrase("The disk did not answer"), phrase("Try another one")) from None


async def fetch_dropped(text: str) -> tuple[list[Path], str]:
    """The existing pictures a text begins with, and the rest; none where nobody can say soon."""
    with suppress(TimeoutError):
        return await _beside(lambda: find_dropped(text), LOOK_S)
    return [], text


async def fetch_sketch(picture: Picture, width: int, height: int) -> Sketch:
    """`draw_sketch` beside everything else.  TimeoutError: the machine has other things to do."""
    return await _beside(lambda: draw_sketch(picture, width, height), LOAD_S)


async def _beside(work: Callable[[], T], deadline_s: float) -> T:
    """The work's result, from a thread of its own.  TimeoutError: it goes on, unheard."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]
        else:
            done.set_exception(error)

    def run() -> None:
        outcome: tuple[Any, Exception | None]
        try:
            outcome = work(), None
        except Exception as error:
            outcome = None, error
        with suppress(RuntimeError):  # The loop is gone: the program is ending.
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="picture", daemon=True).start()
    async with asyncio.timeout(deadline_s):
        return await done
