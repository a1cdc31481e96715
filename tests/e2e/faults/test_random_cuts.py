"""Lines cut at random bytes lose and double nothing, and are back soon."""

import pytest

from tests.bench._reliability_cuts import Tally, measure

DAILY, LONG = 30, 1000
MEDIAN_S, P95_S = 1.5, 4.0
SLACK_S = 4.0
"""For a machine that many tests share."""


def check(tally: Tally, cuts: int) -> None:
    print(tally.table())
    assert tally.cuts >= cuts
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.quantile_s(0.5) < MEDIAN_S + SLACK_S


@pytest.mark.fault("N21")
async def test_thirty_cuts_lose_and_double_nothing() -> None:
    check(await measure(DAILY, seed=100), DAILY)


@pytest.mark.long
@pytest.mark.timeout(2400)
@pytest.mark.fault("N21")
async def test_a_thousand_cuts_lose_and_double_nothing() -> None:
    tally = await measure(LONG, seed=1000)
    check(tally, LONG)
    assert tally.quantile_s(0.95) < P95_S + SLACK_S
