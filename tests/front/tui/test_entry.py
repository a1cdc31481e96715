"""What is typed arrives, in the box and in the picker, and the cursor is where it goes."""

import pytest

from tests.e2e.screen.conftest import Serve, Stage, serve, stage
from tests.fakes.terminal import Terminal
from voicechat.front.tui.entry import is_text

__all__ = ["serve", "stage"]

pytestmark = pytest.mark.terminal

TYPED = (
    "你好\u3000世界",
    "bonjour\u00a0!",
    "12\u202f000",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\U0001f469\u200d\U0001f4bb",
    "a\U0001fae9",
    "\U00031350x",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
)


def start(stage: Stage, serve: Serve, *, kitty: bool = False) -> Terminal:
    terminal = stage.start(*serve("normal").options, "--text", "--no-save", kitty=kitty)
    terminal.wait_for("ready")
    terminal.wait_for(lambda text: "Type" in text and cursor_line(terminal).startswith("│ Type"))
    return terminal


@pytest.mark.fault("T19")
def test_controls_and_halves_of_characters_are_no_text() -> None:
    assert all(is_text(char) for text in TYPED for char in text)
    assert not any(map(is_text, ("", "\x1b", "\x7f", "\x9b", "\ud83d", "ab")))


@pytest.mark.fault("T19")
@pytest.mark.fault("T20")
def test_what_is_typed_arrives_and_the_cursor_is_in_the_box(stage: Stage, serve: Serve) -> None:
    terminal = start(stage, serve)
    for text in TYPED[:2]:
        terminal.type_text("=" + text + "|")
        terminal.wait_for(lambda shown, text=text: "=" + text + "|" in shown)  # type: ignore[misc]
    assert cursor_line(terminal).startswith("│ =")
    terminal.write(b"\x1bOQ")
    terminal.wait_for(lambda shown: "filter" in cursor_line(terminal))


def cursor_line(terminal: Terminal) -> str:
    lines = terminal.screen_text().splitlines()
    return str(lines[terminal._screen.screen.cursor.y])
