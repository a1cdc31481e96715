"""Servers of tools by the official package, over stdio: real programs, well and badly behaved."""

import sys
from pathlib import Path

import pytest

from tests.tools import mcp_program
from tests.tools.bench import at_work, environment, is_running, pid_in, program, until
from voicechat.config.schema import McpSection

FILES = (sys.executable, str(Path(mcp_program.__file__)), "stdio")


def files(**more: object) -> dict[str, McpSection]:
    return {"files": McpSection(FILES, allow=True, **more)}  # type: ignore[arg-type]


async def test_its_tools_are_offered_and_called() -> None:
    async with at_work(servers=files()) as bench:
        tools = {tool.name: tool for tool in bench.toolbox.tools()}
        assert {"files__read_file", "files__fail", "files__look"} < set(tools)
        assert tools["files__read_file"].description == "Read a file."
        assert tools["files__read_file"].parameters["required"] == ["path"]
        result = await bench.call("files__read_file", '{"path": "/a"}')
        assert (result.output, result.is_error) == ("the text of /a", False)
        assert bench.told == []


async def test_only_the_tools_that_are_wanted_are_offered() -> None:
    async with at_work(servers=files(tools=("read.file", "gone"))) as bench:
        assert [tool.name for tool in bench.toolbox.tools()] == ["files__read_file"]
        assert (await bench.call("files__look")).is_error
        assert bench.told == ["The tool server files has no tool gone"]


async def test_a_failing_tool_is_an_error() -> None:
    async with at_work(servers=files()) as bench:
        result = await bench.call("files__fail", '{"why": "no disk"}')
        assert result.is_error and "no disk" in result.output
        wrong = await bench.call("files__read_file", '{"path": 3}')
        assert wrong.is_error and wrong.output == "`path` must be string"


async def test_what_is_no_text_is_described() -> None:
    async with at_work(servers=files()) as bench:
        output = (await bench.call("files__look")).output
        assert output == "a black picture\n[a picture, image/png, 3 kB]\na note"


async def test_a_long_answer_is_cut() -> None:
    async with at_work(servers=files()) as bench:
        output = (await bench.call("files__long", '{"size": 200000}')).output
        assert len(output) < 17_000 and output.endswith("longer than 16 kB]")


async def test_a_call_that_hangs_is_given_up_and_the_server_stays() -> None:
    async with at_work(servers=files(timeout_s=1.5)) as bench:
        result = await bench.call("files__hang")
        assert result.is_error and "files took longer than 1.5 s" in result.output
        assert not (await bench.call("files__read_file", '{"path": "/a"}')).is_error


async def test_a_cancelled_call_is_not_answered_and_the_server_stays() -> None:
    async with at_work(servers=files()) as bench:
        bench.toolbox.cancel([bench.begin("files__hang")])
        assert not (await bench.call("files__read_file", '{"path": "/a"}')).is_error
        assert list(bench.answers) == ["call_2"]


async def test_a_server_that_dies_is_told_once_and_started_by_the_next_call() -> None:
    async with at_work(servers=files()) as bench:
        for turn in range(2):
            result = await bench.call("files__die")
            assert result.is_error and "went away during the call" in result.output, turn
            assert not (await bench.call("files__read_file", '{"path": "/a"}')).is_error
        assert len(bench.toolbox.tools()) == 7
    assert len(bench.told) == 1
    assert "files does not work: It went away. out of memory (key \u2022" in bench.told[0]


@pytest.mark.fault("S12")
async def test_a_server_gets_its_own_variables_but_no_secret_of_ours() -> None:
    environ = environment() | {"OPENAI_API_KEY": "x", "COLOUR": "red"}
    servers = files(env={"FILES_TOKEN": "sk-canary-0123456789"})
    async with at_work(servers=servers, environ=environ) as bench:
        names = (await bench.call("files__environment")).output.split()
        assert "COLOUR" in names and "FILES_TOKEN" in names and "OPENAI_API_KEY" not in names


async def test_no_server_is_left_at_the_end() -> None:
    async with at_work(servers=files()) as bench:
        pid = int((await bench.call("files__environment")).output.split()[0])
        assert is_running(pid)
    assert not is_running(pid)


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open({path!r} + ".part", "w").write(str(os.getpid()))
os.rename({path!r} + ".part", {path!r})
while True: time.sleep(600)
"""


async def test_a_server_that_hangs_at_the_start_holds_nobody_up(tmp_path: Path) -> None:
    command = program(tmp_path, STUBBORN.format(path=str(tmp_path / "pid")))
    servers = {"slow": McpSection(command), **files()}
    async with at_work(servers=servers, wait_s=1.5, start_s=4) as bench:
        pid = await pid_in(tmp_path / "pid")
        await until(lambda: any("slow does not work" in one for one in bench.told))
        assert "The tool server slow is still starting" in bench.told
        assert any("slow does not work: It did not start within 4 s" in one for one in bench.told)
        assert not (await bench.call("files__read_file", '{"path": "/a"}')).is_error
        await until(lambda: not is_running(pid))


LATE = """
import os, sys, time
time.sleep(1)
os.execv(sys.executable, [sys.executable, {path!r}, "stdio"])
"""


async def test_a_server_that_did_not_start_is_tried_again_by_the_next_connection(
    tmp_path: Path,
) -> None:
    mended = tmp_path / "mended"
    source = (
        f"import os, runpy, sys\nos.path.exists({str(mended)!r}) or sys.exit('not yet')\n"
        f"sys.argv = ['x', 'stdio']\nrunpy.run_path({mcp_program.__file__!r}, run_name='__main__')"
    )
    section = McpSection(command=program(tmp_path, source), allow=True)
    async with at_work(servers={"files": section}) as bench:
        for _ in range(2):
            assert bench.toolbox.tools() == ()
            line = "The tool server files does not work: It ended at once. not yet"
            assert bench.told.count(line) == 1
            await bench.toolbox.wait_ready(30)
        mended.touch()
        for _ in range(60):  # The connections to come, each of which waits a moment at most.
            await bench.toolbox.wait_ready(30)
            if bench.toolbox.tools():
                break
        assert "files__read_file" in [tool.name for tool in bench.toolbox.tools()]
        assert (await bench.call("files__read_file", '{"path": "/a"}')).output == "the text of /a"


async def test_a_server_that_comes_late_is_told(tmp_path: Path) -> None:
    command = program(tmp_path, LATE.format(path=FILES[1]))
    async with at_work(servers={"files": McpSection(command)}, wait_s=0.2) as bench:
        assert bench.toolbox.tools() == ()
        assert bench.told == ["The tool server files is still starting"]
        await bench.toolbox.wait_ready(0.1)
        await until(lambda: len(bench.told) == 2)
        assert "files works now: its tools are offered from the next" in bench.told[1]
        assert len(bench.toolbox.tools()) == 7


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import sys; sys.exit('no licence for sk-canary-0123456789')", "no licence for \u2022"),
        ("print('hello, no protocol here')", "It ended at once. Try its command"),
        ("", "It ended at once. Try its command"),
        ("import sys; sys.stdout.write('x' * 40_000_000)", "files does not work"),
    ],
)
async def test_a_program_that_is_no_server_is_told_in_one_line(
    source: str, words: str, tmp_path: Path
) -> None:
    servers = {"files": McpSection(program(tmp_path, source), allow=True)}
    async with at_work(servers=servers) as bench:
        assert bench.toolbox.tools() == ()
        assert len(bench.told) == 1 and words in bench.told[0]
        assert "canary" not in bench.told[0] and "\n" not in bench.told[0]


async def test_a_server_that_does_not_exist_is_told() -> None:
    async with at_work(servers={"files": McpSection(("no-such-server",))}) as bench:
        line = "The tool server files does not work: no-such-server does not start"
        assert bench.told[0].startswith(line)
    async with at_work(servers={"files": McpSection(allow=True)}) as bench:
        assert "It has no command" in bench.told[0]


async def test_nothing_of_a_server_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    async with at_work(servers=files()) as bench:
        await bench.call("files__die")
    assert capfd.readouterr() == ("", "")
