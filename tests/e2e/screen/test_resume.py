"""A conversation that is resumed on the real screen: its rows are there, the model knows them."""

import pytest

from tests.e2e.screen.conftest import KEY, Serve, Stage
from tests.fakes.terminal import check_after

pytestmark = pytest.mark.terminal


def test_the_rows_of_before_are_shown_and_known(stage: Stage, serve: Serve) -> None:
    service = serve("recall")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    terminal.type_text("my cat is called Mitzi")
    terminal.press("enter")
    terminal.wait_for("AI: user: my cat")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    (path,) = stage.data.glob("conversations/*.jsonl")

    terminal = stage.start("--text", "--resume", path.stem, *service.options)
    screen = terminal.wait_for("- ready")
    assert "You: my cat is called Mitzi" in screen and path.stem in screen
    terminal.type_text("and now?")
    terminal.press("enter")
    terminal.wait_for("user: and now?")
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )
    assert list(stage.data.glob("conversations/*.jsonl")) == [path]
