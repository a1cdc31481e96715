"""Tools without a screen: nobody can be asked, so what the config allows runs and the rest not."""

import json
import sys
from dataclasses import replace

import pytest

from tests.e2e.plain.program import Program
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_server import GaServer

CALL = replace(SCRIPTS["tool_call"], replies=(Reply(tool="get_time"), Reply("So be it.")))


def configure(program: Program, *more: str) -> None:
    source = "import json, sys; print('noon in ' + json.load(sys.stdin)['zone'])"
    command = json.dumps([sys.executable, "-c", source])
    program.config.write_text("\n".join(["[tools.get_time]", f"command = {command}", *more, ""]))


def outputs(server: GaServer) -> list[str]:
    items = [sent["item"] for sent in server.log.of("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


async def test_a_tool_that_is_allowed_runs(program: Program) -> None:
    configure(program, "allow = true")
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="what time is it?\n")
        assert outcome.code == 0, outcome.err
        assert outcome.out.strip().endswith("So be it.")
        assert outputs(server) == ["noon in UTC"]
        assert not server.violations


async def test_a_tool_that_is_not_allowed_is_refused_and_says_how_to_allow_it(
    program: Program,
) -> None:
    configure(program)
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="what time is it?\n")
        assert outcome.code == 0, outcome.err
        assert "So be it." in outcome.out
        assert "allow = true under [tools.get_time]" in outputs(server)[0]


HOSTILE = '{"zone": "UTC\x9d0;\u202e\u200b\x9c", "k\x9fey": ["\\ud800", "\\u009d", "\x7f"]}'


@pytest.mark.fault("S13")
async def test_json_shows_what_hides_in_a_call_and_what_is_not_allowed_does_not_run(
    program: Program,
) -> None:
    replies = (Reply(tool="get_time", arguments=HOSTILE), Reply("So be it."))
    for more in ("allow = true", "allow = false"):
        configure(program, more)
        async with GaServer(replace(CALL, replies=replies)) as server:
            outcome = await program.call(server, "--json", stdin="what time is it?\n")
            assert outcome.code == 0, outcome.err
            assert all(line.isprintable() for line in outcome.out.splitlines())
            (called,) = outcome.of("tool_called")
            assert json.loads(called["arguments"]) == json.loads(HOSTILE)
            assert ("noon in" in outputs(server)[0]) == (more == "allow = true")


async def test_a_server_of_tools_that_fails_is_told_and_the_answer_comes(program: Program) -> None:
    program.config.write_text('[mcp.files]\ncommand = ["no-such-server"]\n')
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="hello\n")
    assert outcome.code == 0, outcome.err
    assert "The tool server files does not work: no-such-server does not start" in outcome.err
    assert "So be it." in outcome.out


async def test_a_slow_tool_is_waited_for(program: Program) -> None:
    """Longer than a reply may take to begin."""
    command = json.dumps([sys.executable, "-c", "import time; time.sleep(14); print('late')"])
    program.config.write_text(f"[tools.get_time]\ncommand = {command}\nallow = true\n")
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="what time is it?\n")
        assert (outcome.code, outcome.out, outcome.err) == (0, "So be it.\n", "")
        assert outputs(server) == ["late"]
