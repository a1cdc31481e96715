"""How long until a line that died without a word is told: talking, asking, and silent.

The proxy between stays alive and acknowledges what comes, as a real one does.  Takes half a minute.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.e2e.faults.test_sessions import FarCall, far_call, talk_on

LONGEST_S = 90.0
GOALS_S = {"talking": 10.0, "asking": 10.0, "silent": 30.0}


async def _ask(one: FarCall) -> None:
    one.session.say("are you there?")


async def _be_silent(one: FarCall) -> None:
    """Nothing is said."""


async def _told_s(act: Callable[[FarCall], Awaitable[None]]) -> float:
    async with far_call() as one:
        assert one.proxy
        await one.answer("the first")
        one.proxy.blackhole()
        acting = asyncio.ensure_future(act(one))
        took_s = await one.wait_long(lambda: one.errors, LONGEST_S)
        acting.cancel()
        with suppress(asyncio.CancelledError):
            await acting
        return took_s


async def measure() -> dict[str, float]:
    """Seconds by what the user was doing; see `GOALS_S`."""
    acts = {"talking": talk_on, "asking": _ask, "silent": _be_silent}
    return {name: await _told_s(act) for name, act in acts.items()}


def run() -> dict[str, float]:
    """The measurement, for whoever makes a table of it."""
    return asyncio.run(measure())


if __name__ == "__main__":
    for name, seconds in run().items():
        print(
            f"a dead line is told after {seconds:.1f} s while {name} (goal {GOALS_S[name]:.0f} s)"
        )
