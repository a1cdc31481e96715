"""Runs a program of the user's: no shell, no terminal, no secrets, and nothing left behind.

Rule: a program leads a process group of its own, and whoever starts one ends the whole group.  An
exit is polled for: asyncio's own wait lasts until every pipe is closed, which a grandchild may
never do.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from voicechat.config.environment import home_of
from voicechat.errors import ServiceError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase
from voicechat.tools.offer import LONGEST_BYTES, cut_bytes

POLL_S = 0.02
LAST_WORDS_S = 0.3
"""How long a pipe may stay open after its program has ended."""
KILL_S = 1.0
MOST_READ = 4 * 2**20
"""Bytes after which a program that goes on printing is ended: reading them all takes our time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and what it said."""

    exit_code: int
    """Negative: the signal that ended it."""
    output: str
    complaint: str
    """The last line it wrote on stderr."""


async def run_program(
    command: Sequence[str], text: str, environ: Mapping[str, str], timeout_s: float
) -> Outcome:
    """Give a program `text` on its standard input and wait for its end.

    Raises:
        ServiceError: It cannot be started, or it took longer than `timeout_s` and was killed with
            all its children (as it is when the caller is cancelled).
    """
    process = await start_program(command, environ)
    try:
        async with asyncio.timeout(timeout_s):
            return await _talk(process, text.encode("utf-8", "replace"))
    except TimeoutError:
        raise ServiceError(
            phrase("It took longer than {seconds:g} s and was stopped", seconds=timeout_s)
        ) from None
    finally:
        await kill_program(process)


async def start_program(
    command: Sequence[str], environ: Mapping[str, str], *, longest_line: int = 2**16
) -> Process:
    """Start it in the user's own folder, with exactly these variables.

    Raises:
        ServiceError: There is no such program, or it cannot be run.
    """
    if not command:
        raise ServiceError(
            phrase("It has no command"), phrase('Set command = ["program", "argument"]')
        )
    try:
        return await asyncio.create_subprocess_exec(
            _find(command[0], environ),
            *command[1:],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            cwd=home_of(environ),
            limit=longest_line,
            start_new_session=True,
            creationflags=_quiet_flags(),
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or phrase("it cannot be started")
        raise ServiceError(
            phrase(
                "{command} does not start ({why})", command=clean_line(command[0], 100), why=reason
            )
        ) from None


def _find(program: str, environ: Mapping[str, str]) -> str:
    """The program as the system takes it; `~` is the user's own folder."""
    if program.startswith("~/"):
        program = f"{home_of(environ) or '~'}{program[1:]}"
    if sys.platform == "win32":  # It finds npx.cmd only by its whole name.
        return shutil.which(program, path=environ.get("PATH")) or program
    return program


async def has_ended(process: Process, within_s: float) -> bool:
    """Wait for its end, not longer than that."""
    deadline = asyncio.get_running_loop().time() + within_s
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_S)
    return process.returncode is not None


async def kill_program(process: Process) -> None:
    """End it and its children now; its pipes are closed afterwards."""
    signal_group(process, "SIGKILL")
    await has_ended(process, KILL_S)
    # Nothing public closes the pipes that a grandchild in a group of its own still holds.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
    await asyncio.sleep(0)


def signal_group(process: Process, name: str) -> None:
    """Send a signal to a program and its children, also to those that outlived it."""
    if sys.platform == "win32":
        command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(command, capture_output=True, check=False, creationflags=_quiet_flags())
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, getattr(signal, name))


class _OutputReader:
    """The beginning of what comes out of a pipe, and its last line."""

    def __init__(self, stream: asyncio.StreamReader | None) -> None:
        assert stream
        self.stream = stream
        self.first, self.last = bytearray(), b""
        self.count = 0

    @property
    def is_flooded(self) -> bool:
        return self.count > MOST_READ

    async def listen(self) -> None:
        while not self.is_flooded and (data := await self.stream.read(2**16)):
            self.count += len(data)
            self.first += data[: max(0, LONGEST_BYTES - len(self.first))]
            self.last = (self.last + data)[-4096:]


async def _talk(process: Process, data: bytes) -> Outcome:
    output, complaint = _OutputReader(process.stdout), _OutputReader(process.stderr)
    async with asyncio.TaskGroup() as tasks:
        work = [tasks.create_task(_feed(process.stdin, data))]
        work += [tasks.create_task(ear.listen()) for ear in (output, complaint)]
        while process.returncode is None and not (output.is_flooded or complaint.is_flooded):
            await asyncio.sleep(POLL_S)
        await asyncio.wait(work[1:], timeout=LAST_WORDS_S)
        for task in work:
            task.cancel()
    text = cut_bytes(bytes(output.first), more=output.count > len(output.first))
    # One that prints without end is ended soon; what it printed first is its answer.
    return Outcome(process.returncode or 0, text, last_line(complaint.last))


async def _feed(stdin: asyncio.StreamWriter | None, data: bytes) -> None:
    assert stdin
    with suppress(ConnectionError):  # It need not read what it is told.
        stdin.write(data)
        await stdin.drain()
    stdin.close()


def last_line(data: bytes) -> str:
    """The last line that says anything, printable and short."""
    lines = (
        clean_line(line, 200) for line in reversed(data.decode("utf-8", "replace").splitlines())
    )
    return next(filter(None, lines), "")


def _quiet_flags() -> int:
    """Windows: no console window, and a group of its own."""
    names = ("CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP")
    return sum(getattr(subprocess, name, 0) for name in names)
