"""How the program ends when somebody ends it: by a signal, a closed pipe, or a kill."""

import asyncio
import json
import os
import signal
import time

import psutil
import pytest

from tests.e2e.plain.program import KEY, Program
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer
from tests.links.servers import raw, silent

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]


async def read_until(stream: asyncio.StreamReader | None, name: str) -> None:
    """Read JSON lines up to an event."""
    assert stream
    while json.loads(await asyncio.wait_for(stream.readline(), 20))["event"] != name:
        pass


async def wait_until_gone(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 15
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
        assert time.monotonic() < deadline, f"still there: {processes}"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
async def test_a_signal_ends_a_waiting_program(program: Program, number: signal.Signals) -> None:
    async with GaServer() as server:
        options = program.call_options(server, "--json")
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            await read_until(process.stdout, "ready")
            process.send_signal(number)
            assert process.stdout and process.stderr
            out = await asyncio.wait_for(process.stdout.read(), 15)
            assert await process.wait() == 128 + number
            assert await process.stderr.read() == b""
    assert json.loads(out) == {"event": "end", "exit_code": 128 + number, "sound": None}


@pytest.mark.fault("T09")
async def test_a_signal_ends_an_answer_in_the_middle(program: Program) -> None:
    async with GaServer("real_time") as server:
        options = program.call_options(server, "--save-reply", "reply.wav")
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            assert process.stdin and process.stdout
            process.stdin.write(b"hello\n")
            await process.stdin.drain()
            begun = await process.stdout.readexactly(4)
            process.terminate()
            rest = await asyncio.wait_for(process.stdout.read(), 15)
            assert await process.wait() == 128 + signal.SIGTERM
    words = (begun + rest).decode()
    assert words.endswith("\n") and GREETING.startswith(words.strip())
    user, answer = program.journal()
    assert (user["text"], answer["role"]) == ("hello", "assistant")


@pytest.mark.fault("X02")
async def test_a_signal_ends_an_attempt_to_connect(program: Program) -> None:
    async with raw(silent) as server:
        options = program.call_options(f"ws://127.0.0.1:{server.port}/v1/realtime")
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            while not server.received:
                await asyncio.sleep(0.02)
            process.terminate()
            _, err = await asyncio.wait_for(process.communicate(), 8)
            assert (process.returncode, err) == (128 + signal.SIGTERM, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
async def test_the_built_in_model_never_stays_behind(
    program: Program, number: signal.Signals
) -> None:
    async with program.running("--json") as process:
        await read_until(process.stdout, "ready")
        family = psutil.Process(process.pid).children(recursive=True)
        assert family, "the built-in model is no process"
        process.send_signal(number)
        await asyncio.wait_for(process.wait(), 15)
        await wait_until_gone(family)


async def test_nothing_stays_behind_after_an_ordinary_end(program: Program) -> None:
    async with program.running("--json") as process:
        assert process.stdin
        await read_until(process.stdout, "ready")
        family = psutil.Process(process.pid).children(recursive=True)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 15) == 0
        await wait_until_gone(family)


@pytest.mark.fault("T11")
async def test_a_reader_who_leaves_ends_the_run_with_one_line(program: Program) -> None:
    """`… | head -n 1`."""
    reading, writing = os.pipe()
    async with GaServer() as server:
        options = program.call_options(server)
        env = {"OPENAI_API_KEY": KEY}
        async with program.running(*options, env=env, stdout=writing) as process:
            os.close(writing)
            assert process.stdin and process.stderr
            process.stdin.write(b"one\n")
            await process.stdin.drain()
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, os.read, reading, 4) == b"Good"
            os.close(reading)
            process.stdin.write(b"two\n")
            err = await asyncio.wait_for(process.stderr.read(), 20)
            assert await process.wait() == 1
    assert err == b"voicechat: Cannot write to stdout: Broken pipe\n"


@pytest.mark.fault("D01")
async def test_a_full_disk_behind_stdout_is_told(program: Program) -> None:
    program.prefix = ("sh", "-c", 'exec "$@" >/dev/full', "sh")
    async with GaServer() as server:
        done = await program.call(server)
    assert "No space left" in done.failed_with_one_line()
