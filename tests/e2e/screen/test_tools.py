"""Tools of the config's in the real program, in a real terminal: asked for, run, refused."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.screen.conftest import KEY, Serve, Service, Stage
from tests.fakes.ga_script import SCRIPTS, Reply, Script
from tests.fakes.terminal import Terminal, check_after
from tests.tools import mcp_program
from tests.tools.bench import is_running
from voicechat.front.tui.consent import SETTLE_S

pytestmark = pytest.mark.terminal
ASKED = "The model wants to run the tool"


def calling(tool: str) -> Script:
    return replace(SCRIPTS["tool_call"], replies=(Reply(tool=tool), Reply("So be it.")))


def configure(stage: Stage, text: str) -> tuple[str, str]:
    path = stage.home / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return "--config", str(path)


def outputs(service: Service) -> list[str]:
    items = [sent["item"] for sent in service.server.log.of("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


def command_tool(folder: Path, source: str) -> str:
    program = folder / "tool.py"
    program.write_text(source)
    return f"[tools.get_time]\ncommand = {json.dumps([sys.executable, str(program)])}\n"


CLOCK = """
import json, os, sys
open({path!r}, "w").write(" ".join(os.environ))
print("noon in " + json.load(sys.stdin)["zone"])
"""


def ask(terminal: Terminal, words: str) -> None:
    terminal.wait_for("- ready")
    terminal.type_text(words)
    terminal.press("enter")


def answer(terminal: Terminal, key: str) -> None:
    """Answer the question; right after it appeared it takes no letter."""
    terminal.wait_for(ASKED)
    time.sleep(SETTLE_S + 0.4)
    terminal.press(key)
    terminal.wait_for(lambda text: ASKED not in text)


def test_yes_runs_the_tool_and_shows_what_it_said(stage: Stage, serve: Serve) -> None:
    service, seen = serve(calling("get_time")), stage.home / "environment"
    options = configure(stage, command_tool(stage.home, CLOCK.format(path=str(seen))))
    terminal = stage.start("--text", *service.options, *options)
    ask(terminal, "what time is it?")
    screen = terminal.wait_for("y: run it once")
    assert f"{ASKED} get_time with:" in screen and '{"zone": "UTC"}' in screen
    answer(terminal, "y")
    screen = terminal.wait_for("AI: So be it.")
    assert 'Tool: get_time {"zone":"UTC"} \u2192 noon in UTC' in screen
    assert outputs(service) == ["noon in UTC"]
    assert "OPENAI_API_KEY" not in seen.read_text() and "HOME" in seen.read_text()
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations


def test_no_runs_nothing(stage: Stage, serve: Serve) -> None:
    service, seen = serve(calling("get_time")), stage.home / "environment"
    options = configure(stage, command_tool(stage.home, CLOCK.format(path=str(seen))))
    terminal = stage.start("--text", *service.options, *options)
    ask(terminal, "what time is it?")
    answer(terminal, "n")
    terminal.wait_for("AI: So be it.")
    assert "the user said no" in outputs(service)[0]
    assert not seen.exists()
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_leaving_ends_the_tool_that_runs(stage: Stage, serve: Serve) -> None:
    pid_file = stage.home / "pid"
    source = (
        f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    )
    options = configure(stage, command_tool(stage.home, source) + "allow = true\n")
    service = serve(calling("get_time"))
    terminal = stage.start("--text", *service.options, *options)
    ask(terminal, "what time is it?")
    terminal.wait_for(lambda text: pid_file.exists() and pid_file.read_text().isdigit())
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not is_running(int(pid_file.read_text()))


SERVER = """
[mcp.files]
command = {command}
allow = true
"""


def test_a_server_of_tools_is_called_and_ends_with_the_program(stage: Stage, serve: Serve) -> None:
    source = str(Path(mcp_program.__file__))
    command = json.dumps([sys.executable, source, "stdio"])
    config = SERVER.format(command=command)
    service = serve(calling("files__environment"))
    terminal = stage.start("--text", *service.options, *configure(stage, config))
    ask(terminal, "who are you?")
    terminal.wait_for("AI: So be it.")
    pid, *names = outputs(service)[0].split()
    assert "PATH" in names and "OPENAI_API_KEY" not in names
    assert is_running(int(pid))
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not is_running(int(pid))


def test_a_server_that_fails_is_told_in_one_note_and_the_call_goes_on(
    stage: Stage, serve: Serve
) -> None:
    config = f'[mcp.files]\ncommand = ["{sys.executable}", "-c", "exit(\'bad {KEY}\')"]\n'
    service = serve("normal")
    terminal = stage.start("--text", *service.options, *configure(stage, config))
    ask(terminal, "hello")
    screen = terminal.wait_for("AI: Good to hear")
    assert "The tool server files does not work: It ended at once" in " ".join(screen.split())
    assert KEY not in screen
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
