"""The real program where the system gives it little, or watches it closely."""

import sys
from dataclasses import replace

import psutil
import pytest

from tests.e2e.plain.program import KEY, Program
from tests.e2e.plain.test_ends import read_until
from tests.fakes.ga_script import GREETING, SCRIPTS, Reply
from tests.fakes.ga_server import GaServer

QUICK = replace(SCRIPTS["burst"], replies=(Reply(GREETING, audio_ms=100),))


def limited(*commands: str) -> tuple[str, ...]:
    """A shell that does this before it becomes the program."""
    return ("sh", "-c", "; ".join([*commands, 'exec "$@"']), "sh")


@pytest.mark.long
@pytest.mark.fault("D12")
@pytest.mark.parametrize("files", [*range(4, 16), 24])
async def test_however_few_files_may_be_open_it_works_or_says_why(
    program: Program, files: int
) -> None:
    program.prefix = limited(f"ulimit -n {files}")
    async with GaServer(QUICK) as server:
        done = await program.call(server)
    if done.code == 0:
        assert done.out == GREETING + "\n"
    elif files > 5:  # Below that Python itself cannot start.
        assert "Too many open files" in done.failed_with_one_line()


@pytest.mark.fault("D12")
async def test_too_many_open_files_is_one_line(program: Program) -> None:
    program.prefix = limited("ulimit -n 6")
    async with GaServer(QUICK) as server:
        done = await program.call(server)
    assert "Too many open files" in done.failed_with_one_line()


@pytest.mark.long
@pytest.mark.fault("D02", "X01")
@pytest.mark.parametrize("home", ["", "/proc/nobody", "/dev/null", "/proc"])
async def test_without_a_home_it_talks_and_says_what_is_not_saved(
    program: Program, home: str
) -> None:
    """And without a folder for data, a config, a sound server or a locale."""
    gone = ("VOICECHAT_DATA", "VOICECHAT_CONFIG", "LANG", "PULSE_SERVER", "XDG_RUNTIME_DIR")
    program.prefix = limited("unset " + " ".join(gone), f"HOME='{home}'; export HOME")
    if not home:
        program.prefix = limited("unset HOME " + " ".join(gone), "export XDG_DATA_HOME=/dev/null")
    async with GaServer(QUICK) as server:
        done = await program.call(server)
    assert (done.code, done.out) == (0, GREETING + "\n"), done.err
    assert "Cannot save the conversation" in done.err and done.err.count("\n") == 1


@pytest.mark.fault("X07")
async def test_python_has_nothing_to_warn_of(program: Program) -> None:
    """In development mode, every warning an error: spoken reply, trace, record of the talk."""
    strict = f"exec {sys.executable} -X dev -W error -m voicechat"
    program.prefix = ("sh", "-c", f'shift 3; {strict} "$@"', "sh")
    async with GaServer(QUICK) as server:
        done = await program.call(
            server, "--trace", "wire.jsonl", "--save-reply", "reply.wav", stdin="one\ntwo\n"
        )
    told = [line for line in done.complaints if not line.startswith("Executing <")]
    assert (done.code, told) == (0, [])
    assert done.out == f"{GREETING}\n{GREETING}\n"


@pytest.mark.fault("S11")
async def test_a_crash_would_write_no_memory_to_a_file(program: Program) -> None:
    """Neither of the program nor of the built-in model's process, however high the limit was."""
    program.prefix = limited("ulimit -c unlimited 2>/dev/null")
    async with program.running(
        "--json", "--model", "local", env={"OPENAI_API_KEY": KEY}
    ) as process:
        await read_until(process.stdout, "ready")
        family = psutil.Process(process.pid).children(recursive=True)
        for pid in (process.pid, *(child.pid for child in family)):
            assert psutil.Process(pid).rlimit(psutil.RLIMIT_CORE) == (0, 0), pid
