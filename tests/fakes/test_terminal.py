"""The terminal shows what a person would see, and notices what a program leaves behind."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.terminal import (
    Terminal,
    check_after,
    foreign_sequences,
    key_bytes,
    modes_left_on,
    plain_text,
    problems_after,
)
from tests.fakes.terminal_screen import ScreenModel

pytestmark = pytest.mark.terminal

APP = """
    from textual.app import App
    from textual.widgets import Input, Static

    class Small(App):
        BINDINGS = [("ctrl+q", "quit", "Quit"), ("escape", "note('escaped')", "")]

        def compose(self):
            yield Static("hello 你好吗 world|", markup=False)
            yield Static(TEXT, markup=False, id="text")
            yield Input(id="field")

        def on_input_submitted(self, event):
            self.action_note("got <" + event.value + ">")

        def action_note(self, text):
            self.query_one("#text").update(text)

        def on_resize(self, event):
            self.query_one("#field").placeholder = f"{event.size.width}x{event.size.height}"

    app = Small()
    app.run()
    raise SystemExit(app.return_code)
"""


@contextmanager
def textual(text: str = "quiet", *, cols: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """A small real Textual program."""
    program = f"TEXT = {text!r}\n" + textwrap.dedent(APP)
    with Terminal([sys.executable, "-c", program], cols=cols, rows=rows) as terminal:
        terminal.wait_for("hello")
        yield terminal


@contextmanager
def python(program: str, *arguments: str) -> Iterator[Terminal]:
    """A plain Python program."""
    argv = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    with Terminal(argv) as terminal:
        yield terminal


# -- a good program ---------------------------------------------------------------------------


def test_a_textual_program_that_quits_leaves_nothing() -> None:
    with textual() as terminal:
        assert terminal.shows_alternate_screen
        assert terminal.modes_left_on()
        assert not terminal.termios_is_restored
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=20)
        assert not terminal.shows_alternate_screen
        assert terminal.exit_code == 0


def test_keys_reach_the_program() -> None:
    with textual() as terminal:
        terminal.press("esc")
        terminal.wait_for("escaped")
        terminal.type_text("wörld 好")
        terminal.press("space", "!", "left", "backspace", "enter")
        terminal.wait_for("got <wörld 好!>")
        terminal.press("end", "ctrl+u")
        terminal.paste("pasted text")
        terminal.press("enter")
        terminal.wait_for("got <pasted text>")


def test_resize_reaches_the_program_and_the_screen() -> None:
    with textual() as terminal:
        terminal.wait_for("80x24")
        terminal.resize(60, 15)
        text = terminal.wait_for("60x15")
        assert len(text.splitlines()) <= 15
        terminal.resize(120, 40)
        terminal.wait_for("120x40")


def test_a_size_in_the_environment_does_not_reach_the_program() -> None:
    program = "import os; print('COLUMNS' in os.environ, *os.get_terminal_size())"
    env = dict(os.environ) | {"COLUMNS": "80", "LINES": "24"}
    with Terminal([sys.executable, "-c", program], cols=61, rows=17, env=env) as terminal:
        terminal.wait_for("False 61 17")


def test_wide_characters_keep_their_place() -> None:
    with textual() as terminal:
        assert "hello 你好吗 world|" in terminal.screen_text()


# -- bad programs -----------------------------------------------------------------------------


def test_a_killed_program_leaves_modes_on_and_settings_changed() -> None:
    with textual() as terminal:
        problems = problems_after(
            terminal,
            leave=lambda: terminal.signal(signal.SIGKILL),
            exit_code=-signal.SIGKILL,
            within_s=20,
        )
    assert "left on: 1049 alternate screen" in problems
    assert "left on: 25 cursor hidden" in problems
    assert "left on: kitty keyboard" in problems
    assert "terminal settings changed" in problems
    assert not any(problem.startswith("exit code") for problem in problems)


def test_a_crash_is_seen_even_in_colour() -> None:
    with python("print('\\x1b[31mTrace\\x1b[1mback (most recent call last)\\x1b[0m')") as terminal:
        terminal.wait_exit()
        problems = problems_after(terminal)
    assert problems == ["crash in the output: Traceback (most recent call last)"]


def test_a_rich_traceback_is_a_crash() -> None:
    with textual() as terminal:
        terminal.press("ctrl+q")
        terminal.wait_exit()
    with python("from rich.traceback import install; install(); 1 / 0") as terminal:
        terminal.wait_exit()
        problems = problems_after(terminal, exit_code=1)
    assert any("crash" in problem for problem in problems)


def test_exit_codes_and_death_by_signal_are_told_apart() -> None:
    with python("raise SystemExit(3)") as terminal:
        assert terminal.wait_exit() == 3
        assert problems_after(terminal) == ["exit code 3, not 0"]
        assert problems_after(terminal, exit_code=3) == []
    with python("print('up', flush=True); import time; time.sleep(60)") as terminal:
        terminal.wait_for("up")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_exit() == -signal.SIGTERM


def test_a_program_that_does_not_end_is_a_problem() -> None:
    with python("print('up', flush=True); import time; time.sleep(60)") as terminal:
        terminal.wait_for("up")
        problems = problems_after(terminal, within_s=0.3)
    assert problems[0] == "still runs 0.3 s after it should have ended"


def test_a_child_left_behind_is_a_problem() -> None:
    program = """
        import signal, subprocess, sys
        child = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
        child += "; print('ready', flush=True); time.sleep(60)"
        process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
        process.stdout.readline()
    """
    with python(program) as terminal:
        terminal.wait_exit()
        problems = problems_after(terminal)
    assert [problem.split(":")[0] for problem in problems] == ["left behind"]


def test_canaries_are_found_in_output_files_and_command_lines(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log.txt").write_text("token sk-canary-1 here")
    (tmp_path / "config.toml").write_text('key = "sk-canary-1"')
    with python("print('p%40ss-2')", "sk-canary-1") as terminal:
        terminal.wait_exit()
        with pytest.raises(AssertionError) as failed:
            check_after(
                terminal,
                canaries=["sk-canary-1", "p@ss-2", "never-3"],
                files=[tmp_path],
                except_files=[tmp_path / "config.toml"],
            )
    text = str(failed.value)
    assert "canary 1 in the output" in text
    assert "canary 0 in a command line" in text
    assert "canary 0 in " + str(tmp_path / "deep" / "log.txt") in text
    assert "config.toml" not in text
    assert "canary 2" not in text


def test_waiting_for_what_never_shows_tells_the_screen() -> None:
    with python("print('only this')") as terminal, pytest.raises(TimeoutError, match="only this"):
        terminal.wait_for("something else")


def test_a_blocked_terminal_takes_nothing_until_it_goes_on() -> None:
    with python("import time\nprint('one', flush=True); input(); print('two')") as terminal:
        terminal.wait_for("one")
        terminal.stop_reading()
        time.sleep(0.2)
        terminal.press("enter")
        assert terminal.wait_exit() == 0
        assert "two" not in terminal.screen_text()
        terminal.go_on_reading()
        terminal.wait_for("two")


def test_hanging_up_ends_the_program_with_sighup() -> None:
    with python("print('up', flush=True); import time; time.sleep(60)") as terminal:
        terminal.wait_for("up")
        terminal.hang_up()
        assert terminal.wait_exit() == -signal.SIGHUP


# -- foreign sequences ------------------------------------------------------------------------

HOSTILE = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\",
    "title": "\x1b]0;owned\x07",
    "reset": "\x1bc",
    "erase": "\x1b[2J",
    "query": "\x1b[6n",
    "device string": "\x1bP+q544e\x1b\\",
    "8 bit control": "\x9b2J",
    "bell": "\x07",
    "nothing": "\x00",
    "delete": "\x7f",
    "override": "\u202egnp.exe",
    "isolate": "\u2066x",
    "zero width": "a\u200bb",
    "tag": "\U000e0041",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_sequences_are_found(name: str) -> None:
    good = "\x1b[?1049h\x1b[3;4H\x1b[38;2;1;2;3mfine\x1b[0m\r\n"
    assert foreign_sequences((good + HOSTILE[name] + good).encode())


def test_bytes_that_are_no_utf8_are_foreign() -> None:
    assert foreign_sequences(b"fine \x9b2J") == ["byte 9b is no UTF-8"]


def test_colours_emoji_and_modes_are_not_foreign() -> None:
    text = "\x1b[1;38;5;4m👩‍👩‍👧 Ünïcödé 你好 e\u0301\x1b[0m\x1b[?2026h\x1b[?2026l\x1b[>25u\x1b[<u"
    assert foreign_sequences(text.encode()) == []


def test_links_can_be_allowed_by_their_beginning() -> None:
    link = "\x1b]8;id=1;https://platform.example/keys\x1b\\keys\x1b]8;;\x1b\\"
    assert foreign_sequences(link.encode(), links=("https://platform.example/",)) == []
    assert foreign_sequences(link.encode(), links=("https://other.example/",))


def test_a_string_without_its_end_is_found_whole() -> None:
    assert foreign_sequences(b"a\x1b]52;c;ZXZpbA==\x1b[0mb") == [repr(b"\x1b]52;c;ZXZpbA==")]


def test_textual_passes_hostile_text_on_and_the_terminal_notices() -> None:
    with textual("x\x1b]52;c;ZXZpbA==\x07y") as terminal:
        terminal.press("ctrl+q")
        terminal.wait_exit()
        assert any("]52;c;" in each for each in terminal.foreign_sequences())


# -- bytes and screen -------------------------------------------------------------------------


def test_modes_that_are_set_back_are_not_left_on() -> None:
    assert modes_left_on(b"\x1b[?1049h\x1b[?25l\x1b[>1u\x1b[<u\x1b[?25h\x1b[?1049l") == []
    assert modes_left_on(b"\x1b[?1000h\x1b[?2004;1006h\x1b[?2004l") == [
        "1000 mouse clicks",
        "1006 mouse in SGR form",
    ]
    assert modes_left_on(b"\x1b[?7l") == ["7 line wrap off"]


def test_plain_text_has_no_sequences() -> None:
    assert plain_text(b"a\x1b[1mb\x1b]0;t\x07c\nd") == "abc\nd"


def test_the_screen_is_the_same_however_the_bytes_are_cut() -> None:
    data = "\x1b[2;3H你好 \x1b[1m👍🏽 ok\x1b[0m\x1b]0;title\x07\x1b[>1u!\x1b[?2026$p.".encode()
    whole = ScreenModel(20, 4)
    whole.feed(data)
    single = ScreenModel(20, 4)
    for at in range(len(data)):
        single.feed(data[at : at + 1])
    assert whole.text().splitlines()[1] == "  你好 👍🏽 ok!."
    assert single.text().replace("🏽", "") == whole.text().replace("🏽", "")


def test_a_family_is_one_pair_of_cells() -> None:
    screen = ScreenModel(10, 2)
    screen.feed("👩‍👩‍👧‍👦|e\u0301|".encode())
    assert screen.screen.buffer[0][2].data == "|"
    assert screen.screen.buffer[0][4].data == "|"


def test_the_main_screen_comes_back() -> None:
    screen = ScreenModel(10, 2)
    screen.feed(b"before\x1b[?1049h\x1b[Hinside")
    assert screen.is_alternate
    assert screen.text().startswith("inside")
    screen.feed(b"\x1b[?1049l")
    assert screen.text().startswith("before")


def test_a_position_query_is_answered_as_a_terminal_would() -> None:
    screen = ScreenModel(10, 2)
    screen.feed(b"abc\x1b[6n")
    assert screen.answers == ["\x1b[1;4R"]


def test_keys_have_their_bytes() -> None:
    assert key_bytes("ctrl+c") == b"\x03"
    assert key_bytes("alt+x") == b"\x1bx"
    assert key_bytes("é") == "é".encode()
    assert key_bytes("f1") == b"\x1bOP"
    with pytest.raises(ValueError, match="no such key"):
        key_bytes("hyper+q")
