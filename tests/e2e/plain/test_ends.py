"""How the program ends when somebody ends it: by a signal, a closed pipe, or a kill."""

import asyncio
import fcntl
import itertools
import json
import os
import signal
import sys
import termios
import time
from contextlib import suppress

import psutil
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.e2e.plain.program import KEY, Program
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer
from tests.net.servers import raw, silent

SLOWER = 2
"""Tests run beside others; the goal of 2 s is for the program alone."""
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
    ended = {"event": "end", "exit_code": 128 + number, "sound": None}
    assert json.loads(out) == {**ended, "cost": None, "is_cost_partial": False}


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


def _small_reply(number: int) -> list[str]:
    reply_id = f"resp_flood_{number}"
    ids = {"response_id": reply_id, "item_id": f"item_{number}", "content_index": 0}
    begun = {"type": "response.created", "response": {"id": reply_id, "status": "in_progress"}}
    word = {"type": "response.output_text.delta", "delta": f"w{number} ", **ids}
    done = {"id": reply_id, "status": "completed", "output": []}
    return [json.dumps(one) for one in (begun, word, {"type": "response.done", "response": done})]


async def _flood(connection: ServerConnection) -> None:
    """Replies of one word, as fast as they are taken, until the line ends."""
    with suppress(ConnectionClosed):
        for number in itertools.count():
            for message in _small_reply(number):
                await connection.send(message)
            if number % 50 == 0:
                await asyncio.sleep(0)


@pytest.mark.fault("X09")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["plain", "json"])
@pytest.mark.parametrize("is_read", [True, False], ids=["read", "unread"])
async def test_a_signal_ends_a_flood_of_replies(
    program: Program, options: tuple[str, ...], is_read: bool
) -> None:
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()
    async with GaServer() as server:
        wanted = program.call_options(server, *options)
        env = {"OPENAI_API_KEY": KEY}
        async with program.running(*wanted, env=env, stdout=writing) as process:
            os.close(writing)
            while not server.log.of("session.update"):
                await asyncio.sleep(0.02)
            flood = asyncio.ensure_future(_flood(server.sessions[-1]._connection))
            drained = loop.run_in_executor(None, _drain, reading) if is_read else None
            busy = psutil.Process(process.pid)
            used_s = busy.cpu_times().user
            if is_read:
                while busy.cpu_times().user < used_s + 2:
                    await asyncio.sleep(0.05)
            else:
                await _until_full(reading)
            began = time.monotonic()
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 20) == 128 + signal.SIGTERM
            assert time.monotonic() - began < 2 * SLOWER
            if drained is not None:
                assert (await drained).endswith(b"\n")
            await flood
    os.close(reading)


def _drain(reading: int) -> bytes:
    last = b""
    while more := os.read(reading, 2**16):
        last = more
    return last


async def _until_full(reading: int) -> None:
    """Until a pipe takes no more: what waits in it grows no longer."""
    waiting = -1
    while waiting != (now := _waiting(reading)) or now == 0:
        waiting = now
        await asyncio.sleep(0.5)


def _waiting(reading: int) -> int:
    return int.from_bytes(fcntl.ioctl(reading, termios.FIONREAD, bytes(4)), sys.byteorder)


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
