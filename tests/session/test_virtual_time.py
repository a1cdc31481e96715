"""The clock that jumps: what is measured in it is exact, and threads do not lose their time."""

import asyncio
import threading
import time

import pytest

from tests.fakes import virtual_time


def test_a_day_of_sleep_takes_no_time() -> None:
    async def main() -> list[float]:
        began = time.monotonic(), time.time(), asyncio.get_running_loop().time()
        await asyncio.sleep(86_400)
        now = time.monotonic(), time.time(), asyncio.get_running_loop().time()
        return [b - a for a, b in zip(began, now, strict=True)]

    real = time.perf_counter()
    assert virtual_time.run(main()) == [86_400] * 3
    assert time.perf_counter() - real < 30


def test_timers_fire_in_their_order() -> None:
    async def main() -> list[tuple[str, float]]:
        fired: list[tuple[str, float]] = []

        async def wait(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            fired.append((name, round(time.monotonic() - virtual_time.BEGIN_S, 6)))

        async with asyncio.TaskGroup() as tasks:
            for name, seconds in (("c", 7.25), ("a", 0.5), ("b", 3600.0)):
                tasks.create_task(wait(name, seconds))
        return fired

    assert virtual_time.run(main()) == [("a", 0.5), ("c", 7.25), ("b", 3600.0)]


def test_the_clock_stands_still_while_a_thread_is_awaited() -> None:
    async def main() -> tuple[str, float]:
        loop, began = asyncio.get_running_loop(), time.monotonic()
        gone = threading.Event()
        alarm = loop.call_later(0.01, gone.set)  # A real clock would be there long before.
        answer = await asyncio.to_thread(lambda: "late" if gone.wait(0.3) else "in time")
        alarm.cancel()
        return answer, time.monotonic() - began

    assert virtual_time.run(main()) == ("in time", 0.0)


def test_what_would_wait_for_ever_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "PATIENCE_S", 0.01)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(virtual_time.StandstillError):
        virtual_time.run(main())


def test_the_real_clocks_come_back() -> None:
    clocks = time.monotonic, time.perf_counter, time.time

    async def main() -> None:
        assert time.monotonic is not clocks[0]
        raise ValueError("as good as any")

    with pytest.raises(ValueError, match="as good"):
        virtual_time.run(main())
    assert (time.monotonic, time.perf_counter, time.time) == clocks
