"""Whatever goes on and however one leaves: soon, with the right code, and all is as it was."""

from pathlib import Path

import pytest

from tests.e2e.screen.grid import LEAVINGS, PATIENCE_S, STATES, run_cell

DAILY = {("line dead", "HUP"), ("disk full", "Ctrl-Q")}
CELLS = [
    pytest.param(
        state, leaving, marks=[] if (state, leaving) in DAILY else [pytest.mark.long], id=None
    )
    for state in STATES
    for leaving in LEAVINGS
]

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.sound,
    pytest.mark.fault("T08", "T09", "X02", "D01", "A05"),
]


@pytest.mark.parametrize(("state", "leaving"), CELLS)
def test_the_end_comes_soon_and_leaves_everything_whole(
    tmp_path: Path, state: str, leaving: str
) -> None:
    outcome = run_cell(state, leaving, tmp_path)
    print(f"{state}, {leaving}: {outcome.seconds:.2f} s")
    assert outcome.problems == ()
    assert outcome.seconds < PATIENCE_S
