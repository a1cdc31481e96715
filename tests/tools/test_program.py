"""Programs that behave and programs that do not."""

import asyncio
from pathlib import Path

import pytest

from tests.tools.bench import environment, is_running, pid_in, program, until
from voicechat.errors import ServiceError
from voicechat.tools.program import run_program

GRANDCHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({path!r} + ".part", "w").write(str(child.pid))
import os; os.rename({path!r} + ".part", {path!r})
{then}
"""


async def run(command: tuple[str, ...], text: str = "", timeout_s: float = 30) -> str:
    outcome = await run_program(command, text, environment(), timeout_s)
    assert outcome.exit_code == 0, outcome
    return outcome.output


async def test_a_program_reads_its_input_and_prints_its_answer(tmp_path: Path) -> None:
    echo = program(tmp_path, "import sys; print(sys.stdin.read().upper())")
    assert await run(echo, "grüße") == "GRÜSSE\n"


async def test_a_program_that_reads_nothing_is_no_trouble(tmp_path: Path) -> None:
    assert await run(program(tmp_path, "print('done')"), "x" * 2_000_000) == "done\n"


async def test_it_runs_in_the_users_folder_with_just_its_variables(tmp_path: Path) -> None:
    source = "import os, json; print(os.getcwd()); print(json.dumps(sorted(os.environ)))"
    command = program(tmp_path, source)
    environ = {"HOME": str(tmp_path), "ONE": "1"}
    output = (await run_program(command, "", environ, 30)).output
    assert output.splitlines()[0] == str(tmp_path)
    assert '"ONE"' in output and '"PATH"' not in output


async def test_a_home_that_is_gone_does_not_matter(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "gone")}
    assert (await run_program(program(tmp_path, "print(1)"), "", environ, 30)).output == "1\n"


async def test_a_long_answer_is_cut_and_says_so(tmp_path: Path) -> None:
    output = await run(program(tmp_path, "print('é' * 500_000)"))
    assert output.endswith("é\n[cut here: the answer is longer than 16 kB]")
    assert len(output.encode()) < 16_500


async def test_an_answer_without_end_is_ended_soon(tmp_path: Path) -> None:
    output = await run(program(tmp_path, "while True: print('y' * 1000)"), timeout_s=500)
    assert "cut here" in output


async def test_the_last_complaint_is_kept(tmp_path: Path) -> None:
    source = "import sys; print('a\\n\\x1b[31mlast\\n', file=sys.stderr); sys.exit(3)"
    outcome = await run_program(program(tmp_path, source), "", environment(), 30)
    assert (outcome.exit_code, outcome.complaint) == (3, "last")


async def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(ServiceError, match=r"no-such-program does not start \(No such file"):
        await run(("no-such-program",))


async def test_a_command_of_nothing_is_told() -> None:
    with pytest.raises(ServiceError, match="no command"):
        await run(())


async def test_the_time_limit_ends_grandchildren_too(tmp_path: Path) -> None:
    found = tmp_path / "pid"
    source = GRANDCHILD.format(path=str(found), then="time.sleep(600)")
    with pytest.raises(ServiceError, match=r"longer than 3 s and was stopped"):
        await run(program(tmp_path, source), timeout_s=3)
    grandchild = await pid_in(found)
    await until(lambda: not is_running(grandchild))


async def test_cancelling_ends_grandchildren_too(tmp_path: Path) -> None:
    found = tmp_path / "pid"
    source = GRANDCHILD.format(path=str(found), then="time.sleep(600)")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(program(tmp_path, source)))
        grandchild = await pid_in(found)
        assert is_running(grandchild)
        running.cancel()
    await until(lambda: not is_running(grandchild))


async def test_a_child_left_behind_neither_delays_the_answer_nor_stays(tmp_path: Path) -> None:
    found = tmp_path / "pid"
    command = program(tmp_path, GRANDCHILD.format(path=str(found), then="print('here')"))
    assert await run(command, timeout_s=500) == "here\n"
    grandchild = await pid_in(found)
    await until(lambda: not is_running(grandchild))


async def test_a_tool_in_the_users_folder_may_be_named_by_a_tilde(tmp_path: Path) -> None:
    path = tmp_path / "tool.sh"
    path.write_text("#!/bin/sh\necho found\n")
    path.chmod(0o700)
    environ = environment() | {"HOME": str(tmp_path)}
    assert (await run_program(("~/tool.sh",), "", environ, 30)).output == "found\n"
