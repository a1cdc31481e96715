"""The list of models in a real terminal: searched by typing, left by Esc, chosen by Enter."""

import pytest

from tests.e2e.screen.conftest import KEY, Stage
from tests.fakes.terminal import Terminal, check_after

pytestmark = pytest.mark.terminal


def quit_and_check(terminal: Terminal, stage: Stage) -> None:
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )


def test_a_chat_model_is_found_by_typing_and_tells_of_its_missing_key(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local")
    terminal.wait_for("- ready")
    terminal.press("f2")
    terminal.wait_for("Type to filter")
    terminal.type_text("/4.7-flash")
    screen = terminal.wait_for(lambda text: "glm-4.7-flash" in text and "gpt-realtime" not in text)
    assert "V voice" in screen
    terminal.press("enter")
    terminal.wait_for(lambda text: "ERROR:" in text and "ZHIPUAI_API_KEY" in text)
    assert "- ready" in terminal.screen_text()
    quit_and_check(terminal, stage)


def test_the_list_is_left_as_it_was_and_speaks_chinese(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local", env={"LANG": "zh_CN.UTF-8"})
    terminal.wait_for("就绪")
    terminal.press("f2")
    terminal.wait_for(lambda text: "[无需密钥]" in text and "语=语音" in text)
    terminal.press("escape")
    terminal.wait_for(lambda text: "语=语音" not in text and "就绪" in text)
    quit_and_check(terminal, stage)
