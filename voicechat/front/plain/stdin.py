"""Lines of stdin as they come, while the event loop goes on."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress


async def read_lines() -> AsyncIterator[str]:
    """Lines with their ends, until stdin is closed: UTF-8, or else as the locale writes.

    Read by a thread: a pipe, a file and a terminal all work, on any system.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # The loop is gone: the program is ending.
            for line in iter(sys.stdin.buffer.readline if sys.stdin else bytes, b""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while line := await lines.get():
        yield _decode(line)


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode(sys.stdin.encoding or "utf-8", "replace")
