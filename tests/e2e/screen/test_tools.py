"""Tools of the config's in the real program, in a real terminal: asked for, run, refused."""

import json
import subprocess
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


def calling(tool: str, arguments: str = '{"zone":"UTC"}') -> Script:
    replies = (Reply(tool=tool, arguments=arguments), Reply("So be it."))
    return replace(SCRIPTS["tool_call"], replies=replies)


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


HOSTILE = {
    "zone": "UTC\x9d0;\u202egnp\x9c\x1b]0;t\x07 \\u202e \u3164\u200b\U000e0041\ufe0f\ud800\n\tx"
    + "\u0301" * 9,
    "k\x90ey": ["\x98\x9e\x9f"],
}
SHOWN = (
    r"UTC\u009d0;\u202egnp\u009c\u001b]0;t\u0007 \\u202e \u3164\u200b\udb40\udc41\ufe0f\ud800\n\tx"
    + "\u0301" * 4
    + r"\u0301" * 5
)
"""The same, as it must stand on the screen, in the journal and in every export."""
KEEPER = "import pathlib, sys; pathlib.Path({path!r}).write_text(sys.stdin.read())"
LANGUAGES = {
    "en": (ASKED, "More below", "y: run it once", "- ready", "AI: So be it."),
    "zh": ("模型想运行工具", "下面还有内容", "y：运行一次", "就绪", "So be it."),
}


def squeeze(screen: str) -> str:
    """The screen without its line breaks, frames and scroll bars."""
    return "".join(screen.split()).translate(dict.fromkeys(map(ord, "┃┏┓┗┛━▌▎▁▅▇█ ")))


@pytest.mark.fault("S13")
@pytest.mark.parametrize("raw", [True, False], ids=["as it is", "in escapes"])
def test_what_would_hide_is_shown_run_and_kept_as_it_is(
    raw: bool, stage: Stage, serve: Serve
) -> None:
    hostile = {**HOSTILE, "zone": HOSTILE["zone"].replace("\ud800", "")} if raw else HOSTILE  # type: ignore[attr-defined]
    service, given = (
        serve(calling("get_time", json.dumps(hostile, ensure_ascii=not raw))),
        stage.home / "given",
    )
    options = configure(stage, command_tool(stage.home, KEEPER.format(path=str(given))))
    terminal = stage.start("--text", *service.options, *options)
    ask(terminal, "what time is it?")
    shown = SHOWN.replace(r"\ud800", "") if raw else SHOWN
    screen = squeeze(terminal.wait_for("y: run it once"))
    assert squeeze(shown) in screen and squeeze(r'"k\u0090ey": ["\u0098\u009e\u009f"]') in screen
    answer(terminal, "y")
    terminal.wait_for("AI: So be it.")
    assert json.loads(given.read_text("utf-8").replace("?", "\\ud800")) == hostile
    assert terminal.foreign_sequences() == []
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    texts = {kind: export_of(stage, kind) for kind in ("txt", "json", "md")}
    for text in texts.values():
        assert all(char.isprintable() or char == "\n" for char in text)
        assert "u009d0;" in text and "u202egnp" in text and "u0098" in text
    assert shown in texts["txt"] and json.dumps(shown, ensure_ascii=False)[1:-1] in texts["json"]


def export_of(stage: Stage, kind: str) -> str:
    command = [sys.executable, "-m", "voicechat", "export", "last", "--format", kind]
    done = subprocess.run(command, env=stage.env, capture_output=True, timeout=50, check=True)
    return done.stdout.decode("utf-8")


@pytest.mark.fault("S14")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_a_long_question_is_scrolled_and_takes_a_yes_only_after_its_end(
    size: tuple[int, int], language: str, stage: Stage, serve: Serve
) -> None:
    asked, more, yes, ready, said = LANGUAGES[language]
    given = stage.home / "given"
    arguments = json.dumps({"zone": "UTC" + "; all is well" * 150 + "; rm -rf TAIL"})
    service = serve(calling("get_time", arguments))
    options = configure(stage, command_tool(stage.home, KEEPER.format(path=str(given))))
    lang = {"LANG": "zh_CN.UTF-8" if language == "zh" else "C.UTF-8"}
    terminal = stage.start(
        "--text", *service.options, *options, cols=size[0], rows=size[1], env=lang
    )
    terminal.wait_for(ready)
    terminal.type_text("what time is it?")
    terminal.press("enter")
    assert "TAIL" not in terminal.wait_for(more)
    time.sleep(SETTLE_S + 0.4)
    terminal.press("y", "a", "pagedown", "y")
    screen = terminal.wait_for(more)
    assert "TAIL" not in screen and not given.exists()
    assert "ya" not in screen  # Nor does the box get what was meant for the question.
    for _ in range(60):
        terminal.press("down")
        if "TAIL" in terminal.screen_text():
            break
    terminal.wait_for(lambda text: "TAIL" in text and yes in text)
    terminal.press("pageup")
    terminal.wait_for(lambda text: "TAIL" not in text and yes in text)  # It has been seen.
    terminal.press("y")
    terminal.wait_for(lambda text: asked not in text and said in text)
    assert given.read_text() == arguments + "\n"
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


COUNTED = """
import json, sys, time
open({path!r}, "a").write("x")
time.sleep(3)
print("noon in " + json.load(sys.stdin)["zone"])
"""


@pytest.mark.fault("N39")
def test_a_line_that_breaks_while_a_tool_runs_runs_it_once(stage: Stage, serve: Serve) -> None:
    service, marks = serve(calling("get_time")), stage.home / "ran"
    tool = command_tool(stage.home, COUNTED.format(path=str(marks)))
    terminal = stage.start("--text", *service.options, *configure(stage, f"{tool}allow = true\n"))
    ask(terminal, "what time is it?")
    terminal.wait_for(lambda text: marks.exists())
    service.control(do="reset")
    terminal.wait_for("AI: So be it.")
    assert marks.read_text() == "x"
    asked = str(service.server.log.of("conversation.item.create", conn=1))
    assert "noon in UTC" in asked and "Do not call them again" in asked
    terminal.wait_for("Tool: get_time")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not service.server.violations


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
