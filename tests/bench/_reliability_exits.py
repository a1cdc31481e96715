"""How long leaving takes: every state and way of tests/e2e/screen/grid.py, several times."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.screen.grid import LEAVINGS, STATES, Outcome, run_cell

SOON_S = 2.0


def leave_all(times: int) -> Iterator[Outcome]:
    """Every cell of the grid, `times` times."""
    for _ in range(times):
        for state in STATES:
            for leaving in LEAVINGS:
                with tempfile.TemporaryDirectory() as home:
                    yield run_cell(state, leaving, Path(home))


def print_exits(times: int = 1) -> int:
    """A table of seconds; returns how many were late or left something amiss."""
    outcomes = list(leave_all(times))
    print(f"{'left while':<14}" + "".join(f"{leaving:>16}" for leaving in LEAVINGS))
    for state in STATES:
        cells = [_cell(outcomes, state, leaving) for leaving in LEAVINGS]
        print(f"{state:<14}" + "".join(f"{cell:>16}" for cell in cells))
    bad = [one for one in outcomes if one.problems or one.seconds > SOON_S]
    for one in bad:
        print(f"  {one.state}, {one.leaving}: {one.seconds:.2f} s {'; '.join(one.problems)}")
    print(f"{len(outcomes)} ends, {len(bad)} of them later than {SOON_S:g} s or not clean")
    return len(bad)


def _cell(outcomes: list[Outcome], state: str, leaving: str) -> str:
    """Median and longest of a cell, in seconds."""
    found = [one.seconds for one in outcomes if (one.state, one.leaving) == (state, leaving)]
    return f"{statistics.median(found):.2f} / {max(found):.2f}"
