"""A tool of the user's runs once for a question, however many lines it takes to answer it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.dialects import DIALECTS, TOOL, Listener, received, until
from tests.e2e.providers.family_calls import write_wav
from tests.fakes.ga_signal import tone

ANSWER = "It is 12:34 now"
WORKS = """
import sys, time
with open({path!r}, "a") as ran:
    ran.write("x")
time.sleep({seconds})
print({answer!r})
"""
FAMILY = ("openai", "azure", "custom", "xai", "stepfun", "qwen")
"""Their stand-ins can end a session because of its age."""


def configure(program: Program, name: str, seconds: float) -> Path:
    """A tool that marks each run in a file."""
    marks = program.home / "ran"
    source = WORKS.format(path=str(marks), seconds=seconds, answer=ANSWER)
    tool = f"""
[tools.{TOOL}]
command = {json.dumps([sys.executable, "-c", source])}
description = "The time now"
parameters = {{ type = "object", properties = {{ zone = {{ type = "string" }} }} }}
allow = true
"""
    DIALECTS[name].configure(program, tool)
    return marks


@pytest.mark.fault("N39")
@pytest.mark.parametrize("spoken", [False, True])
async def test_a_service_that_goes_away_every_two_seconds_runs_a_tool_once(
    program: Program, spoken: bool
) -> None:
    dialect = DIALECTS["gemini"]
    marks = configure(program, "gemini", 5.0)
    write_wav(program.home / "q.wav", tone(900))
    hostile = replace(dialect.scripts.tool, go_away_s=1.8, go_away_left_s=0.2)
    say = ("--say", "q.wav") if spoken else ()
    async with dialect.serving(hostile) as server:
        options = (*dialect.options(server), *say)
        async with program.running(*options, env=dialect.environ()) as process:
            listener = Listener(process)
            if not spoken:
                assert process.stdin
                process.stdin.write(b"what time is it?\n")
                await process.stdin.drain()
            await until(lambda: listener.of("tool_answered"), "the tool's answer")
            server.script = dialect.scripts.typed
            assert process.stdin
            process.stdin.close()
            await listener.end()
            assert await process.wait() == 0
    assert marks.read_text() == "x"
    assert listener.of("reply_text"), "the question has its answer"
    assert len({entry["conn"] for entry in received(server)}) > 2
    assert ANSWER in json.dumps([entry["message"] for entry in received(server)])


@pytest.mark.fault("N39")
@pytest.mark.parametrize("name", FAMILY)
async def test_a_session_that_is_over_while_a_tool_runs_runs_it_once(
    program: Program, name: str
) -> None:
    dialect = DIALECTS[name]
    marks = configure(program, name, 3.0)
    async with dialect.serving(dialect.scripts.tool) as server:
        options = dialect.options(server)
        async with program.running(*options, env=dialect.environ()) as process:
            listener = Listener(process)
            assert process.stdin
            process.stdin.write(b"what time is it?\n")
            await process.stdin.drain()
            await until(marks.exists, "a run of the tool")
            await server.control({"do": "expire"})
            process.stdin.close()
            await listener.end()
            assert await process.wait() == 0
    assert marks.read_text() == "x", "the model called it again on the new line"
    assert ANSWER in listener.of("reply_text")[-1]["text"]
    later = [entry["message"] for entry in received(server) if entry["conn"] == 1]
    asked = [json.dumps(message) for message in later if "what time is it?" in json.dumps(message)]
    assert asked and "Do not call them again" in asked[-1] and ANSWER in asked[-1]
