"""Whatever happens to a session, in whatever order: what `machine` promises holds after each step.

Hypothesis chooses the bytes, and finds the shortest ones where something does not hold.  A rule
each would cost a millisecond of choosing for a tenth of one of session, so that bytes choose.
"""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fakes import virtual_time
from tests.fakes.virtual_time import VirtualLoop
from tests.session.machine import PROVIDERS, play

RUNS = 1700
"""Of each provider; `python -m tests.bench reliability --full` makes many more, and longer ones."""
STEPS = 14
_settings = settings(
    max_examples=RUNS,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    with virtual_time.clocks_of(loop):
        yield loop
    loop.close()


@pytest.mark.timeout(300)
@pytest.mark.fault("N27", "P15", "P16", "P17", "P18", "P23")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_order_of_events_breaks_a_session(provider: str, loop: VirtualLoop) -> None:
    asyncio.set_event_loop(loop)

    @_settings
    @given(st.binary(min_size=2 * STEPS, max_size=2 * STEPS))
    def run(program: bytes) -> None:
        loop.run_until_complete(play(provider, program))

    run()
