"""A server of tools that is a program of ours: one JSON message a line on its stdin and stdout.

Rule: it gets the variables and the end that every program of this room gets, and what it writes on
stderr is kept, never shown raw.  So it is ours to start; the official client only talks to it.
The order of its end is the specification's (lifecycle, shutdown): stdin closed, then signals.
"""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from voicechat.tools.bounds import LARGEST_MESSAGE, TOO_MUCH
from voicechat.tools.program import (
    has_ended,
    kill_program,
    last_line,
    signal_group,
    start_program,
)

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

LEAVE_S = 0.5
"""For a server to end by itself once its stdin is closed."""
TERMINATE_S = 0.3


@asynccontextmanager
async def over_program(
    command: Sequence[str], environ: Mapping[str, str], on_end: Callable[[str], None]
) -> AsyncIterator[Any]:
    """Start the program; the pair of streams that the official client takes for a transport.

    Args:
        on_end: Called with the program's last line on stderr when it closes its stdout.

    Raises:
        ServiceError: It cannot be started.
    """
    import anyio
    from mcp.shared.message import SessionMessage

    process = await start_program(command, environ, longest_line=LARGEST_MESSAGE)
    to_us, ours = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    theirs, from_us = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with to_us, ours, theirs, from_us, anyio.create_task_group() as tasks:
            words = _LastWords()
            tasks.start_soon(words.listen, process)
            tasks.start_soon(_read, process, to_us, words, on_end)
            tasks.start_soon(_write, process, from_us)
            try:
                yield ours, theirs
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(process)
                tasks.cancel_scope.cancel()
    finally:
        await kill_program(process)


class _LastWords:
    """The end of what a program wrote on stderr."""

    def __init__(self) -> None:
        self._data = b""
        self._is_over = asyncio.Event()

    async def listen(self, process: Process) -> None:
        assert process.stderr
        while data := await process.stderr.read(2**16):
            self._data = (self._data + data)[-4096:]
        self._is_over.set()

    async def say(self) -> str:
        """The last line, once there can be no other."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_over.wait(), TERMINATE_S)
        return last_line(self._data)


async def _read(
    process: Process,
    to_us: "MemoryObjectSendStream[Any]",
    words: _LastWords,
    on_end: Callable[[str], None],
) -> None:
    import anyio

    assert process.stdout
    try:
        async with to_us:
            try:
                while line := await process.stdout.readline():
                    await to_us.send(_parse(line))
            except ValueError:  # A line without end: such a server is of no use.
                on_end(TOO_MUCH)
            else:
                on_end(await words.say())
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # Nobody listens any more.


async def _write(process: Process, from_us: "MemoryObjectReceiveStream[Any]") -> None:
    assert process.stdin
    with suppress(ConnectionError):  # Its end is noticed by whoever reads.
        async for message in from_us:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()


def _parse(line: bytes) -> Any:
    """A message; what is none is passed on as an error, which the client leaves alone."""
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _end(process: Process) -> None:
    assert process.stdin
    process.stdin.close()
    if not await has_ended(process, LEAVE_S):
        signal_group(process, "SIGTERM")
        await has_ended(process, TERMINATE_S)
