"""Every branch of these rooms is taken by their own tests: what no test can bring about is no code.

Each gate runs its tests once more, in a process of its own, and counts.  A branch that is missing
is a behaviour to test or a line to remove; it is never marked as unimportant.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST_S = 1800


@dataclass(frozen=True, slots=True)
class Gate:
    """Some modules, and the tests that take every branch of them."""

    name: str
    modules: tuple[str, ...]
    """Patterns of files."""
    tests: tuple[str, ...]
    """Folders and files."""
    without: str = ""
    """Tests that do not count, as pytest's `-k` names them: noise takes every branch, and shows of
    none what it is for; others take too long for what they add."""
    source: str = "voicechat"
    """Where the modules are: those that no test imports are missed as well."""


NOISE = "broken_conversations or any_single_field or impossible_number"
REAL_TIME = "gptlive_server"

ROOMS = ("session", "session/state", "connection", "connection/state", "conversation", "text")
"""Folders of a call, each with tests of its own name."""
ODD_TEXT = "idempotent or no_control_character or can_be_encoded or secret_is_ever or not_touched"

GATES = (
    Gate(
        "session",
        (*(f"voicechat/{room}/*.py" for room in ROOMS), "voicechat/conversation/journal/*"),
        (
            *(f"tests/{room}" for room in ("connection", "conversation", "text", "session/state")),
            *(f"tests/session/test_session{part}.py" for part in ("", "_ends", "_gap", "_voice")),
            *(f"tests/session/test_{part}.py" for part in ("capability", "slow_line")),
        ),
        f"{ODD_TEXT} or dead_line_behind",
    ),
    Gate(
        "dialects",
        ("voicechat/providers/*", "voicechat/providers/*/*"),
        ("tests/providers",),
        f"{NOISE} or {REAL_TIME}",
    ),
)


def run(gate: Gate, data: Path, *arguments: str) -> str:
    """One command of `coverage` for a gate's modules; what it printed, if it went well."""
    command = [sys.executable, "-m", "coverage", *arguments, f"--data-file={data}"]
    if arguments[0] == "run":
        command += [f"--source={gate.source}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-k", f"not ({gate.without})", *gate.tests] if gate.without else gate.tests
    else:
        command.append(f"--include={','.join(gate.modules)}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LONGEST_S
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(LONGEST_S + 60)
@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_every_branch_is_taken(gate: Gate, tmp_path: Path) -> None:
    data = tmp_path / "coverage"
    run(gate, data, "run", "--branch")
    run(gate, data, "report", "--show-missing", "--skip-covered", "--fail-under=100")


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_gate_watches_modules_that_exist(gate: Gate) -> None:
    assert all(any(ROOT.glob(pattern)) for pattern in gate.modules)
    assert all((ROOT / test).exists() for test in gate.tests)


@pytest.mark.long
def test_a_branch_that_is_not_taken_is_told_with_its_line(tmp_path: Path) -> None:
    room = "def f(x):\n    if x:\n        x = 1\n    return x\n"
    (tmp_path / "room.py").write_text(room, "utf-8")
    (tmp_path / "empty.py").write_text("x = 1\n", "utf-8")
    test = tmp_path / "test_room.py"
    test.write_text("from room import f\n\ndef test_f():\n    assert f(1)\n", "utf-8")
    gate = Gate("room", (f"{tmp_path}/[er]*.py",), (str(test),), source=str(tmp_path))
    data = tmp_path / "coverage"
    run(gate, data, "run", "--branch")
    with pytest.raises(AssertionError, match=r"(?s)empty.py.* 0%.*room.py.* 2->4"):
        run(gate, data, "report", "--show-missing", "--fail-under=100")
