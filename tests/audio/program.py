"""A child process that writes until it is killed."""

import signal
import subprocess
import sys
from pathlib import Path


def killed(program: str, path: Path, *, lines: int) -> None:
    """Run a program with `path` as its argument; kill it once it has printed so many lines."""
    child = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    assert child.stdout is not None
    for _ in range(lines):
        assert child.stdout.readline(), "the program ended by itself"
    child.send_signal(signal.SIGKILL)
    child.communicate()
