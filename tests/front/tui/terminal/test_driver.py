"""The terminal's end of the screen; the whole program in a terminal is tested in e2e/screen."""

import io
import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from voicechat.front.tui.terminal.driver import TerminalOutput
from voicechat.front.tui.terminal.kitty_graphics import NUMBERS, delete_picture

PUT_BACK = """
import sys, termios, tty
from voicechat.front.tui.terminal.driver import Keeper
keeper = Keeper()
tty.setraw(0)
keeper.put_back()
"""


def test_drawing_on_a_terminal_that_is_gone_does_no_harm() -> None:
    master, slave = pty.openpty()
    raw = io.FileIO(slave, "w", closefd=False)
    output = TerminalOutput(io.BufferedWriter(raw), encoding="utf-8")
    output.write("seen")
    output.flush()
    assert os.read(master, 100) == b"seen"
    os.close(master)
    for _ in range(3):
        assert output.write("x" * 20_000) == 20_000
        output.flush()
    os.close(slave)
    with suppress(OSError):
        output.close()


@pytest.mark.parametrize(("term", "has_pictures"), [("xterm", False), ("xterm-kitty", True)])
def test_the_keeper_puts_modes_and_settings_back(term: str, has_pictures: bool) -> None:
    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        done = subprocess.run(
            [sys.executable, "-c", PUT_BACK],
            stdin=slave,
            stdout=slave,
            timeout=30,
            check=True,
            env={**os.environ, "TERM": term},
        )
        assert done.returncode == 0 and termios.tcgetattr(slave) == before
        written = os.read(master, 4000)
        drawn, _, after = written.partition(b"\x1b[?1049l")
        deleted = [delete_picture(number).encode() in drawn for number in NUMBERS]
        assert all(deleted) if has_pictures else b"\x1b_G" not in written
        assert (
            b"\x1b_G" not in after
            and b"\x1b[?1049l" in written
            and b"\x1b[?25h" in written
            and b"\x1b[<u" in written
        )
    finally:
        os.close(master)
        os.close(slave)
