"""Programs as tools: the arguments go in as JSON, the answer comes out."""

import json
from pathlib import Path

import pytest

from tests.tools.bench import CITY, environment, program
from voicechat.config.schema import ToolSection
from voicechat.errors import ServiceError
from voicechat.tools.command import offer_command
from voicechat.tools.offer import Answer


async def answer_of(source: str, folder: Path, **arguments: object) -> Answer:
    section = ToolSection(program(folder, source), "The weather", CITY, timeout_s=30)
    return await offer_command("weather", section, environment()).run(arguments)


async def test_arguments_come_as_one_line_of_json(tmp_path: Path) -> None:
    source = "import sys; line = input(); assert not sys.stdin.read(); print(line)"
    answer = await answer_of(source, tmp_path, city="Tromsø 北京\n")
    assert not answer.is_error
    assert json.loads(answer.output) == {"city": "Tromsø 北京\n"}
    assert "Tromsø" in answer.output  # A program that looks for words finds them.


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("import sys; sys.exit('no such city')", "failed with code 1: no such city"),
        ("import sys; print('a\\nno city'); sys.exit(4)", "failed with code 4: no city"),
        ("import os; os._exit(5)", "failed with code 5"),
        ("import os; os.kill(os.getpid(), 9)", "failed with signal 9"),
    ],
)
async def test_a_failure_is_an_error_with_the_programs_last_line(
    source: str, output: str, tmp_path: Path
) -> None:
    assert await answer_of(source, tmp_path) == Answer(f"The tool weather {output}", is_error=True)


async def test_a_tool_that_cannot_run_is_named() -> None:
    section = ToolSection(("/no/such/program",))
    with pytest.raises(ServiceError, match="The tool weather failed: /no/such/program does not"):
        await offer_command("weather", section, environment()).run({})


def test_a_tool_says_what_it_takes() -> None:
    nothing = offer_command("now", ToolSection(("date",), "The time"), {})
    assert nothing.tool.parameters == {"type": "object", "properties": {}}
    assert (nothing.tool.name, nothing.tool.description) == ("now", "The time")
    assert (nothing.section, nothing.is_allowed) == ("[tools.now]", False)
    weather = offer_command("weather", ToolSection(("w",), parameters=CITY, allow=True), {})
    assert weather.tool.parameters == CITY
    assert weather.is_allowed
