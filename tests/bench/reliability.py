"""How reliable it is, in numbers: `python -m tests.bench reliability [--full]`.

Each row has a goal, what was measured, and whether the goal is met.  Without `--full` every row is
measured for some seconds, on a sample; with it as often and as long as its goal says (hours).
"""

import argparse
import functools
import importlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import test_faults
from tests.bench._reliability_messages import RUNS, break_many
from tests.fakes import virtual_time
from tests.fakes.virtual_time import VirtualLoop
from tests.session.day import live
from tests.session.machine import PROVIDERS, play


@dataclass(frozen=True, slots=True)
class Row:
    """One number; `is_met` None: not measured."""

    what: str
    goal: str
    measured: str
    is_met: bool | None

    def __str__(self) -> str:
        verdict = {True: "met", False: "MISSED", None: "not measured"}[self.is_met]
        return f"| {self.what} | {self.goal} | {self.measured} | {verdict} |"


def catalogue(full: bool) -> Iterator[Row]:
    rows, marked = test_faults.rows(), test_faults.marked()
    shown = sum(1 for row in rows if row in marked)
    yield Row(
        "rows of the catalogue with a test", "all", f"{shown} of {len(rows)}", shown == len(rows)
    )


def messages(full: bool) -> Iterator[Row]:
    count = 1_000_000 if full else 2_000
    outcomes = [break_many(provider, count, first_seed=1_000_000) for provider in RUNS]
    failures = sum(one.failures for one in outcomes)
    slowest = max(one.slowest_s for one in outcomes)
    words = (
        f"{failures} failures in {len(outcomes)} x {count:,}, slowest conversation {slowest:.2f} s"
    )
    yield Row(
        "mutated messages", "0 failures, 0 hangs over 1 s", words, not failures and slowest < 1
    )


def states(full: bool) -> Iterator[Row]:
    """Random programs; the daily test lets hypothesis choose them, and shrinks what it finds."""
    runs, steps = (33_400, 50) if full else (100, 20)
    failures = sum(play_many(provider, runs, steps) for provider in PROVIDERS)
    words = f"{failures} failures in {len(PROVIDERS) * runs:,} runs of {steps} steps"
    yield Row("runs of the session's states", "0 failures", words, not failures)


def play_many(provider: str, runs: int, steps: int, first_seed: int = 0) -> int:
    """Play random programs; how many of them failed."""
    loop, failures = VirtualLoop(), 0
    with virtual_time.clocks_of(loop):
        for seed in range(first_seed, first_seed + runs):
            program = random.Random(seed).randbytes(2 * steps)
            try:
                loop.run_until_complete(play(provider, program))
            except Exception as error:
                failures += 1
                print(f"{provider}, seed {seed}: {error!r}"[:300], flush=True)
    loop.close()
    return failures


def soak(full: bool) -> Iterator[Row]:
    hours = 24.0 if full else 2.0
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        report = virtual_time.run(live(Path(folder), hours, seed=1))
        took_s = time.process_time() - began
    said = f"{report.typed} typed, {report.answers} answers, {report.lines} lines"
    faults = "; ".join(report.faults) or "0 faults"
    words = f"{hours:g} h in {took_s:.0f} s: {said}; {faults}"
    yield Row("talk in virtual time", "24 h without a fault", words, not report.faults)
    most = report.most_a_minute
    yield Row("attempts in a minute", "12 at most", str(most), most <= 12)


def cuts(full: bool) -> Iterator[Row]:
    tally = _part("cuts").run(1000 if full else 20)
    words = f"{tally.lost} lost, {tally.doubled} doubled in {tally.cuts} cuts, {tally.items} items"
    is_clean = not (tally.lost or tally.doubled)
    yield Row("cuts at random bytes", "0 lost, 0 doubled", words, is_clean)
    p50, p95 = tally.quantile_s(0.5), tally.quantile_s(0.95)
    is_quick = p50 <= 1.5 and p95 <= 4.0
    yield Row("line back to ready", "p50 1.5 s, p95 4 s", f"{p50:.2f} s, {p95:.2f} s", is_quick)


def dead_lines(full: bool) -> Iterator[Row]:
    part = _part("dead_lines")
    goals = part.GOALS_S
    for name, took_s in part.run().items():
        words = f"{took_s:.1f} s"
        yield Row(
            f"a dead line is told, {name}", f"{goals[name]:g} s", words, took_s <= goals[name]
        )


def kills(full: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        module = importlib.import_module("tests.bench.journal")
        series = module.Kills(Path(folder), random.Random(1), resumes=True)
        for _ in range(500 if full else 10):
            series.once()
        lost = len(series.lost())
    words = f"{lost} of {series.acknowledged} items lost in {series.runs} kills"
    yield Row("kill -9 of who writes", "0 finished items lost", words, not lost)


def exits(full: bool) -> Iterator[Row]:
    part = _part("exits")
    if not full:
        yield Row("leaving", "2 s, terminal restored", "only with --full", None)
        return
    outcomes = list(part.leave_all(5))
    bad = [one for one in outcomes if one.problems or one.seconds > part.SOON_S]
    slowest = max(one.seconds for one in outcomes)
    words = f"{len(outcomes)} ends, {len(bad)} late or unclean, slowest {slowest:.2f} s"
    yield Row("leaving", "2 s, terminal restored", words, not bad)


def flood(full: bool) -> Iterator[Row]:
    memory = _part("flood").run(60 if full else 3, 8.0 if full else 2.0)
    more = memory.after - memory.before
    grew = f"+{more:.1f} MiB in {memory.deltas:,} deltas"
    yield Row("memory at the end of a flood", "+50 MiB at most", grew, more <= 50)
    slope = f"{memory.slope_a_hour:+.2f} MiB an hour"
    yield Row("memory after it", "1 MiB an hour at most", slope, memory.slope_a_hour <= 1.0)


ROWS: tuple[Callable[[bool], Iterator[Row]], ...] = (
    catalogue, messages, states, soak, cuts, dead_lines, kills, exits, flood
)  # fmt: skip


@functools.cache
def _part(name: str) -> Any:
    """Loaded late: a row that cannot be measured here leaves the others alone."""
    return importlib.import_module(f"tests.bench._reliability_{name}")


def _measure(rows: Callable[[bool], Iterator[Row]], *, full: bool) -> Iterator[Row]:
    try:
        yield from rows(full)
    except Exception as error:
        yield Row(rows.__name__.replace("_", " "), "", f"{error!r}"[:100], None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="as often as the goals say: hours")
    parser.add_argument("--rows", default="", help="only these, e.g. soak,flood")
    options, _ = parser.parse_known_args()
    wanted = options.rows.split(",") if options.rows else [rows.__name__ for rows in ROWS]
    print("| what | goal | measured | |\n|---|---|---|---|", flush=True)
    for rows in ROWS:
        if rows.__name__ in wanted:
            for row in _measure(rows, full=options.full):
                print(row, flush=True)


if __name__ == "__main__":
    main()
