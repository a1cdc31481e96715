"""Signals that end the program politely."""

import asyncio
import os
import signal

import pytest

from voicechat.front.plain.signals import on_stop


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
)
async def test_a_signal_is_told_as_its_exit_code(number: signal.Signals, code: int) -> None:
    told: asyncio.Queue[int] = asyncio.Queue()
    on_stop(told.put_nowait)
    try:
        os.kill(os.getpid(), number)
        assert await asyncio.wait_for(told.get(), 5) == code
    finally:
        forget()


async def test_an_interrupt_is_told_only_when_asked_for() -> None:
    told: asyncio.Queue[int] = asyncio.Queue()
    before = signal.getsignal(signal.SIGINT)
    on_stop(told.put_nowait)
    assert signal.getsignal(signal.SIGINT) is before
    on_stop(told.put_nowait, also_interrupt=True)
    try:
        os.kill(os.getpid(), signal.SIGINT)
        assert await asyncio.wait_for(told.get(), 5) == 130
    finally:
        forget()


def forget() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)
