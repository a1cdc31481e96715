"""The toolbox with programs: what is offered, run, refused, cancelled, and what is left."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.bench import CITY, Bench, at_work, environment, is_running, pid_in, program, until
from voicechat.config.schema import ToolSection
from voicechat.events import SendToolResult, ToolCalled
from voicechat.tools import Verdict

WEATHER = """
import json, sys
print(json.dumps({"city": json.load(sys.stdin)["city"], "sky": "clear"}))
"""
SLEEPER = """
import os, time
open({path!r} + ".part", "w").write(str(os.getpid()))
os.rename({path!r} + ".part", {path!r})
time.sleep(600)
"""


@pytest.fixture
def weather(tmp_path: Path) -> ToolSection:
    return ToolSection(program(tmp_path, WEATHER), "The weather", CITY, allow=True)


@pytest.fixture
def sleeper(tmp_path: Path) -> ToolSection:
    source = SLEEPER.format(path=str(tmp_path / "pid"))
    return ToolSection(program(tmp_path, source, "sleep.py"), allow=True, timeout_s=500)


async def test_a_call_is_answered(weather: ToolSection) -> None:
    async with at_work({"weather": weather}) as bench:
        result = await bench.call("weather", '{"city": "Oslo"}')
        assert result == SendToolResult(
            "call_1", "weather", '{"city": "Oslo", "sky": "clear"}', is_error=False
        )
        assert [tool.name for tool in bench.toolbox.tools()] == ["weather"]


async def test_many_calls_at_once_are_each_answered_once(weather: ToolSection) -> None:
    async with at_work({"weather": weather}) as bench:
        ids = [bench.begin("weather", json.dumps({"city": str(n)})) for n in range(8)]
        bench.toolbox.call(ToolCalled("r", ids[0], "weather", "{}"), bench._keep)
        await until(lambda: len(bench.answers) == 8)
        assert [json.loads(bench.answers[i].output)["city"] for i in ids] == list("01234567")


async def test_a_call_before_the_start_waits(weather: ToolSection) -> None:
    bench = Bench({"weather": weather})
    bench.begin("weather", '{"city": "Oslo"}')
    withdrawn = bench.begin("weather", '{"city": "Bergen"}')
    bench.toolbox.cancel([withdrawn])
    assert bench.answers == {}
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bench.toolbox.run())
        await until(lambda: "call_1" in bench.answers)
        running.cancel()
    assert list(bench.answers) == ["call_1"]


@pytest.mark.fault("P32")
@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("weather", "{", "not valid JSON"),
        ("weather", "[1]", "not a JSON object"),
        ("weather", "{}", "`city` is missing"),
        ("weather", '{"city": 3}', "`city` must be string"),
        ("wether", "{}", "There is no tool wether"),
    ],
)
async def test_a_wrong_call_is_refused_without_asking_or_running(
    name: str, arguments: str, words: str, sleeper: ToolSection, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def ask(name: str, arguments: str) -> Verdict:
        asked.append(name)
        return "once"

    section = ToolSection(sleeper.command, "", CITY)
    async with at_work({"weather": section}) as bench:
        bench.toolbox.ask = ask
        result = await bench.call(name, arguments)
    assert result.is_error and words in result.output
    assert asked == [] and not (tmp_path / "pid").exists()


async def test_a_tool_runs_only_with_a_yes(weather: ToolSection) -> None:
    verdicts: list[Verdict] = ["no", "once"]
    asked: list[tuple[str, str]] = []

    async def ask(name: str, arguments: str) -> Verdict:
        asked.append((name, arguments))
        return verdicts.pop(0)

    section = ToolSection(weather.command, "", CITY)
    async with at_work({"weather": section}) as bench:
        refused = await bench.call("weather", '{"city": "Oslo"}')
        assert refused.is_error and "allow = true under [tools.weather]" in refused.output
        bench.toolbox.ask = ask
        said_no = await bench.call("weather", '{"city": "Oslo"}')
        assert said_no.is_error and "the user said no" in said_no.output
        assert not (await bench.call("weather", '{"city":"Oslo"}')).is_error
    assert asked == [("weather", '{"city": "Oslo"}')] * 2


async def test_a_cancelled_call_ends_its_program_and_is_never_answered(
    sleeper: ToolSection, tmp_path: Path
) -> None:
    async with at_work({"sleep": sleeper}) as bench:
        call_id = bench.begin("sleep")
        pid = await pid_in(tmp_path / "pid")
        bench.toolbox.cancel(["unknown", call_id])
        await until(lambda: not is_running(pid))
    assert bench.answers == {}


async def test_a_call_that_the_user_stops_ends_its_program_and_says_so_to_the_model(
    sleeper: ToolSection, tmp_path: Path
) -> None:
    async with at_work({"sleep": sleeper}) as bench:
        assert not bench.toolbox.is_busy
        call_id = bench.begin("sleep")
        assert bench.toolbox.is_busy
        pid = await pid_in(tmp_path / "pid")
        bench.toolbox.stop()
        assert not bench.toolbox.is_busy
        answer = bench.answers[call_id]
        assert answer.is_error and answer.output == "The tool sleep was stopped by the user"
        await until(lambda: not is_running(pid))
    assert list(bench.answers) == [call_id]


async def test_a_question_that_the_user_stops_is_withdrawn(weather: ToolSection) -> None:
    asked, withdrawn = asyncio.Event(), asyncio.Event()

    async def ask(name: str, arguments: str) -> Verdict:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        raise AssertionError

    section = ToolSection(weather.command, "", CITY)
    async with at_work({"weather": section}) as bench:
        bench.toolbox.ask = ask
        call_id = bench.begin("weather", '{"city": "Oslo"}')
        await asyncio.wait_for(asked.wait(), 20)
        bench.toolbox.stop()
        await asyncio.wait_for(withdrawn.wait(), 20)
    assert "stopped by the user" in bench.answers[call_id].output


async def test_an_answered_call_keeps_nobody_busy(weather: ToolSection) -> None:
    async with at_work({"weather": weather}) as bench:
        await bench.call("weather", '{"city": "Oslo"}')
        assert not bench.toolbox.is_busy
        bench.toolbox.stop()
        assert len(bench.answers) == 1


async def test_the_end_ends_every_program(sleeper: ToolSection, tmp_path: Path) -> None:
    async with at_work({"sleep": sleeper}) as bench:
        bench.begin("sleep")
        pid = await pid_in(tmp_path / "pid")
    assert not is_running(pid)
    assert bench.answers == {}


async def test_cancelling_all_leaves_the_toolbox_usable(
    sleeper: ToolSection, weather: ToolSection, tmp_path: Path
) -> None:
    async with at_work({"sleep": sleeper, "weather": weather}) as bench:
        bench.begin("sleep")
        pid = await pid_in(tmp_path / "pid")
        bench.toolbox.cancel_all()
        await until(lambda: not is_running(pid))
        assert not (await bench.call("weather", '{"city": "Oslo"}')).is_error


@pytest.mark.fault("S12")
async def test_secrets_do_not_reach_a_tool(tmp_path: Path) -> None:
    source = "import os; print(sorted(os.environ))"
    section = ToolSection(program(tmp_path, source), allow=True)
    environ = environment() | {"OPENAI_API_KEY": "sk-canary-0123456789", "COLOUR": "red"}
    async with at_work({"env": section}, environ=environ) as bench:
        output = (await bench.call("env")).output
    assert "COLOUR" in output and "KEY" not in output


async def test_an_answer_steers_no_terminal(tmp_path: Path) -> None:
    section = ToolSection(program(tmp_path, r"print('\x1b[2Jred\x07 two\nlines')"), allow=True)
    async with at_work({"draw": section}) as bench:
        assert (await bench.call("draw")).output == "red two\nlines"


async def test_no_model_gets_more_tools_than_it_takes() -> None:
    sections = {f"tool{n}": ToolSection(("true",)) for n in range(130)}
    async with at_work(sections) as bench:
        assert len(bench.toolbox.tools()) == len(bench.toolbox.tools()) == 128
    assert len(bench.told) == 1 and "first 128 tools" in bench.told[0]


WITHOUT = """
import asyncio, sys
from voicechat.config.schema import McpSection
from voicechat.tools import Toolbox
assert not {"mcp", "anyio", "httpx2", "pydantic"} & set(sys.modules), "loaded too early"
sys.modules["mcp"] = None
async def main():
    servers = {"a": McpSection(("x",)), "b": McpSection(("y",))}
    box = Toolbox({}, servers, {}, notify=lambda told: print(told.code, told.message))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(box.run())
        await box.wait_ready(30)
        print(box.tools())
        running.cancel()
asyncio.run(main())
"""


def test_servers_without_their_package_are_told_once_with_the_remedy() -> None:
    command = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    words = 'Tool servers need the package mcp. Install it: pip install "voicechat[mcp]"'
    assert done.stdout == f"tools {words}\n()\n"
