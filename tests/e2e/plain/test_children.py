"""What programs that are started are given: no key, whatever its variable is called."""

import json
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.plain.program import KEY, Program, sent_to
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.tools import mcp_program

pytestmark = pytest.mark.fault("S17")

PLACES = {
    "MORNING": "robin-sings-at-dawn",
    "NOON": "heron-stands-at-noon",
    "EVENING": "swift-screams-at-dusk",
    "NIGHT": "owl-calls-at-midnight",
}
"""Variables and keys that do not look like any."""
HELD = {**PLACES, "COPIED": f"see {PLACES['NOON']}", "WRITTEN": "jay-warns-the-wood"}
KEPT = {"COLOUR": "green"}
CONFIG = """
[providers.xai]
api_key_env = "MORNING"
[providers.glm]
api_key = "jay-warns-the-wood"
[local]
mind = "echo"
mind_key_env = "NOON"
ears_key_env = "EVENING"
mouth_key_env = "NIGHT"
"""
TOOLS = """
[tools.look]
command = {tool}
allow = true
[mcp.files]
command = {server}
allow = true
"""
SHOW = "import json, os, sys; sys.stdin.read(); print(json.dumps(dict(os.environ)))"
NOTING = """#!{python}
import json, os, sys
with open({path!r}, "w") as file:
    json.dump(dict(os.environ), file)
os.execv({real!r}[0], [*{real!r}, *sys.argv[1:]])
"""


def leaked(text: str) -> list[str]:
    """Names and keys that stand in what a child was given."""
    return [word for pair in HELD.items() for word in pair if word in text]


def noting(path: Path, real: list[str]) -> str:
    """A program that notes what it was given, and then is another."""
    return NOTING.format(python=sys.executable, path=str(path), real=real)


async def test_tools_and_their_servers_get_no_key(program: Program) -> None:
    given, server = program.home / "given.json", program.home / "server.py"
    server.write_text(noting(given, [sys.executable, str(Path(mcp_program.__file__)), "stdio"]))
    commands = {"tool": [sys.executable, "-c", SHOW], "server": [sys.executable, str(server)]}
    more = TOOLS.format(**{name: json.dumps(command) for name, command in commands.items()})
    program.config.write_text(CONFIG + more)
    calling = (Reply(tool="look"), Reply("So be it."))
    async with GaServer(replace(SCRIPTS["tool_call"], replies=calling)) as service:
        done = await program.call(service, "--text", env={**HELD, **KEPT})
        told = [json.dumps(message) for message in sent_to(service)]
    assert done.code == 0, done.err
    (output,) = [message for message in told if "function_call_output" in message]
    for text in (output, given.read_text()):
        assert "COLOUR" in text and KEY not in text and "OPENAI_API_KEY" not in text
        assert leaked(text) == []


async def test_the_speaking_program_of_the_built_in_model_gets_no_key(program: Program) -> None:
    real = shutil.which("espeak-ng")
    assert real, "install espeak-ng"
    speaker, given = program.home / "bin" / "espeak-ng", program.home / "given.json"
    speaker.parent.mkdir()
    speaker.write_text(noting(given, [real]))
    speaker.chmod(speaker.stat().st_mode | stat.S_IXUSR)
    program.config.write_text(CONFIG)
    path = f"{speaker.parent}:{program.environment()['PATH']}"
    reply = program.home / "reply.wav"
    done = await program.run(
        *("--plain", "--model", "local", "--save-reply", str(reply)),
        stdin="hello\n",
        env={**HELD, **KEPT, "OPENAI_API_KEY": KEY, "PATH": path},
    )
    assert done.code == 0 and reply.exists(), done.err
    text = given.read_text()
    assert '"COLOUR": "green"' in text
    assert leaked(text) == [] and KEY not in text
