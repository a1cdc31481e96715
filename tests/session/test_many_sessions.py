"""A hundred sessions in a row, a thousand changes in one: nothing is left, nothing grows."""

import asyncio
import gc
import os
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

import voicechat
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.session.test_session import Call, call
from voicechat.events import ReplyFinished

YES = replace(SCRIPTS["burst"], replies=(Reply("Yes.", audio_ms=20),), first_delay_ms=0)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def held_bytes() -> int:
    """What code of ours has made and somebody still holds; the stand-in's log is not ours."""
    gc.collect()
    ours = tracemalloc.Filter(True, str(Path(voicechat.__file__).parent / "*"))
    return sum(one.size for one in tracemalloc.take_snapshot().filter_traces([ours]).traces)


async def settled(count: int) -> bool:
    """Whether no more files than so many are open, soon."""
    for _ in range(200):
        if open_files() <= count and len(asyncio.all_tasks()) == 1:
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.fault("X03")
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.timeout(200)
async def test_sessions_leave_no_task_thread_or_file(times: int) -> None:
    async with call(YES) as first:
        await first.answer("warm up")
    assert await settled(open_files())
    files, threads = open_files(), threading.active_count()
    for number in range(times):
        async with call(YES, stay=True) as one:
            if number % 3:
                await one.wait_for_phase("ready")
            if number % 3 == 2:
                await one.answer("hello")
    assert await settled(files), os.listdir("/proc/self/fd")
    assert threading.active_count() <= threads


@pytest.mark.fault("X04")
@pytest.mark.parametrize("times", [100, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.timeout(400)
async def test_a_session_changes_its_ways_again_and_again(times: int) -> None:
    """The key, hands-free, typing, another line, in turn; and every question is answered."""
    asked: list[str] = []
    async with GaServer(YES) as other, call(YES, stay=True) as one:
        await one.wait_for_phase("ready")
        tracemalloc.start()
        sizes = []
        for number in range(times):
            await change(one, other, number)
            if number % 10 == 9:
                asked.append(f"question {number}")
                await one.wait_for_phase("ready")
                await one.answer(asked[-1])
            if number in (times // 2, times - 1):
                sizes.append(held_bytes())
        tracemalloc.stop()
    rows = one.rows()
    assert [text for role, text in rows if role == "user"] == asked
    assert [text for role, text in rows if role == "assistant"] == ["Yes."] * len(asked)
    assert sizes[1] - sizes[0] < 600 * times, sizes


async def change(one: Call, other: GaServer, number: int) -> None:
    """The next of five ways to go on."""
    session = one.session
    match number % 5:
        case 0 | 2:
            session.set_hands_free(number % 5 == 0)
        case 1:
            session.begin_turn()
            await asyncio.sleep(0)
            session.drop_turn()
        case 3:
            session.toggle_mute()
        case 4:
            is_even = number // 5 % 2 == 0
            session.redial(one.dial(server=other if is_even else one.server))
            await one.wait_for_phase("ready")
    assert len(one.of(ReplyFinished)) <= number
