import asyncio
import threading
import time

import pytest

from tests.fakes.pulse import wait_until
from voicechat.audio.card.aside import Aside


async def test_gives_the_result_and_raises_the_error_of_the_call() -> None:
    aside = Aside()
    assert await aside.run(lambda: 42, 5) == 42
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0, 5)


async def test_a_call_that_hangs_is_abandoned_and_undone_when_it_ends() -> None:
    aside, gate, undone = Aside(), threading.Event(), list[str]()

    def work() -> str:
        gate.wait(30)
        return "stream"

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await aside.run(work, 0.1, undone.append)
    assert time.monotonic() - began < 10
    assert aside.is_busy and not undone
    gate.set()
    wait_until(lambda: not aside.is_busy, "the end of the call")
    assert undone == ["stream"]


async def test_a_call_whose_waiter_was_cancelled_is_undone() -> None:
    aside, gate, undone = Aside(), threading.Event(), list[int]()
    waiter = asyncio.create_task(aside.run(lambda: gate.wait(30) + 6, 20, undone.append))
    await asyncio.sleep(0.05)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    gate.set()
    wait_until(lambda: undone == [7], "undoing")


async def test_an_abandoned_call_that_fails_bothers_nobody() -> None:
    aside, gate = Aside(), threading.Event()
    with pytest.raises(TimeoutError):
        await aside.run(lambda: gate.wait(30) // 0, 0.05)
    gate.set()
    wait_until(lambda: not aside.is_busy, "the end of the call")
