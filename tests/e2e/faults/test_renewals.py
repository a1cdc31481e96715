"""Sessions that reach their age are changed in a pause, and nobody but a note tells of it."""

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.faults.conftest import COLS, ROWS, Road, Roads
from tests.e2e.screen.conftest import KEY, Service, Stage
from tests.fakes import gemini_script
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.gemini_server import GeminiServer
from tests.fakes.observer import differences, observe
from tests.fakes.terminal import Terminal, check_after
from voicechat.conversation.journal import load

pytestmark = [pytest.mark.terminal, pytest.mark.long, pytest.mark.timeout(120)]

EARLY_S = 120
"""How long before the end of a session a pause is looked for."""
RENEWED = "renewed"


@pytest.mark.fault("N28")
def test_an_old_session_is_changed_in_a_pause_and_the_model_knows_what_was_said(
    roads: Roads,
) -> None:
    answer = Reply("Whole and only once.", audio_ms=300)
    road = roads.make(replace(SCRIPTS["normal"], replies=(answer,), session_s=EARLY_S + 8))
    road.ask("the first", "Whole and only once.")
    road.terminal.wait_for(lambda text: RENEWED in text, 30)
    road.terminal.wait_for("- ready")
    assert "ERROR" not in road.terminal.screen_text()
    road.ask("the second", "Whole and only once.")
    _finish(road, ["the first", "the second"])
    knows = [text for _, text in observe(road.service.server).known[1]]
    assert knows[:3] == ["the first", "Whole and only once.", "the second"]
    assert road.service.server.attempts == 2


def _finish(road: Road, said: list[str]) -> None:
    road.finish()
    [path] = (road.stage.data / "conversations").iterdir()
    assert not differences(load(path).items, observe(road.service.server), said)


class GeminiService(Service):
    """Gemini's stand-in beside the test."""

    def __init__(self, script: gemini_script.Script) -> None:
        super().__init__()
        self.gemini = GeminiServer(script)
        self.server: Any = self.gemini

    def __enter__(self) -> "GeminiService":
        super().__enter__()
        return self


LONG = " ".join(f"word{number}" for number in range(60))


@pytest.mark.fault("N29", "N30")
@pytest.mark.parametrize("busy_with", ["answer", "tool"])
def test_a_farewell_waits_for_what_goes_on_and_the_session_is_taken_up_again(
    stage: Stage, busy_with: str
) -> None:
    answers = gemini_script.Answer(LONG, audio_ms=8000)
    tool = gemini_script.Answer(LONG, audio_ms=800, tool="get_time")
    script = replace(
        gemini_script.SCRIPTS["normal"],
        answers=(answers if busy_with == "answer" else tool,),
        pace=1.0,
        go_away_s=3.0,
        go_away_left_s=30.0,
    )
    with GeminiService(script) as service:
        terminal = _start(stage, service.gemini)
        _say(terminal, "the first")
        terminal.wait_for(lambda text: RENEWED in text, 40)
        screen = terminal.screen_text()
        assert "word59" in screen.split(RENEWED)[0], "the answer was cut for it"
        terminal.wait_for("- ready")
        _say(terminal, "the second")
        terminal.wait_for(lambda text: "word59" in text.partition("You: the second")[2], 30)
        assert "ERROR" not in terminal.screen_text()
        check_after(
            terminal,
            leave=lambda: terminal.press("ctrl+q"),
            canaries=[KEY],
            files=[stage.home],
            except_files=[stage.home / "config.toml"],
            within_s=6.0,
        )
        setups = [e["message"] for e in service.gemini.log.directions("in") if e["type"] == "setup"]
        handles = [json.dumps(setup).count('"handle": "handle-0-') for setup in setups]
        assert handles[:2] == [0, 1], "it was not taken up with its handle"
    [path] = (stage.data / "conversations").iterdir()
    roles = [item.role for item in load(path).items if item.role != "tool"]
    assert roles == ["user", "assistant"] * 2


def _start(stage: Stage, server: GeminiServer) -> Terminal:
    """Gemini, with a tool that takes its time."""
    program = stage.home / "tool.py"
    program.write_text("import time; time.sleep(5); print('noon')")
    config = stage.home / "config.toml"
    command = json.dumps([sys.executable, str(program)])
    config.write_text(f"[tools.get_time]\ncommand = {command}\nallow = true\n")
    config.chmod(0o600)
    options = ("--config", str(config), "--text", "--model", "gemini", "--url", server.url)
    terminal = stage.start(*options, cols=COLS, rows=ROWS, env={"GEMINI_API_KEY": KEY})
    terminal.wait_for("- ready")
    return terminal


def _say(terminal: Terminal, text: str) -> None:
    terminal.type_text(text)
    terminal.press("enter")
