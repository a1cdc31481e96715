"""The deadline; the whole program in a terminal is tested in e2e/screen."""

import subprocess
import sys
import time

from voicechat.front.tui.run import CLOSING_S

HANGING = """
import time
from voicechat.front.tui.run import Deadline
deadline = Deadline()
deadline.start(143)
deadline.start(1)
time.sleep(60)
"""
LEAVING = """
import time
from voicechat.front.tui.run import CLOSING_S, Deadline
deadline = Deadline()
deadline.start(143)
deadline.cancel()
time.sleep(CLOSING_S + 0.5)
print("left by itself")
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False
    )


def test_what_hangs_is_ended_with_the_first_code() -> None:
    started = time.monotonic()
    assert run(HANGING).returncode == 143
    assert time.monotonic() - started < 40


def test_what_ends_by_itself_is_left_alone() -> None:
    done = run(LEAVING)
    assert (done.returncode, done.stdout) == (0, "left by itself\n") and CLOSING_S < 2
