"""What must hold while a fault lasts and after it, of a program that goes on: seen from outside.

`terminal_checks.check_after` looks at its end.  Here: it still answers the terminal, and it holds
as many threads, files and sockets as before.
"""

import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

from tests.fakes.terminal import Terminal

BEAT_S = 0.5
USUAL_GAP_S, LONGEST_GAP_S = 1.0, 8.0
"""Between a change of the window and the first byte of the new picture: as a rule, and ever.  Quiet
machines need some hundredths of a second; this one may be shared by twenty programs."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds of its machine."""

    threads: int
    files: int
    sockets: int
    rss_bytes: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Now."""
        process = psutil.Process(pid)
        with process.oneshot():
            sockets = [one for one in process.net_connections("inet") if one.status != "NONE"]
            rss = int(process.memory_info().rss)
            return cls(process.num_threads(), process.num_fds(), len(sockets), rss)


def check_footprint(
    pid: int, before: Footprint, *, within_s: float = 10.0, most_growth: int = 30_000_000
) -> None:
    """Wait until nothing more is held than before a fault.

    AssertionError: threads, files or sockets are left over, or memory grew by more than
    `most_growth` bytes.
    """
    end = time.monotonic() + within_s
    while True:
        now = Footprint.of(pid)
        is_back = (
            now.threads <= before.threads
            and now.files <= before.files
            and now.sockets <= before.sockets
        )
        if is_back or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert is_back, f"left over: {now}, before {before}"
    assert now.rss_bytes - before.rss_bytes < most_growth, f"{before} became {now}"


class Heartbeat:
    """Asks the screen for a new picture twice a second, and notes how long each took to begin.

    The window's height changes by a row, to and fro: no key is pressed.
    """

    def __init__(self, terminal: Terminal, cols: int, rows: int) -> None:
        self.gaps_s: list[float] = []
        self._terminal, self._cols, self._rows = terminal, cols, rows
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        with suppress(OSError):
            self._terminal.resize(self._cols, self._rows)
        if error is None:
            self.check()

    def check(self) -> None:
        """AssertionError: the screen stood still for too long."""
        assert self.gaps_s, "the screen never answered"
        usual_s, longest_s = statistics.median(self.gaps_s), max(self.gaps_s)
        assert usual_s < USUAL_GAP_S, f"the screen took {usual_s} s as a rule"
        assert longest_s < LONGEST_GAP_S, f"the screen stood still for {longest_s} s"

    def _beat(self) -> None:
        height = 0
        while not self._stop.wait(BEAT_S):
            height = 1 - height
            before, asked_at = len(self._terminal.raw), time.monotonic()
            self._terminal.resize(self._cols, self._rows + height)
            while len(self._terminal.raw) == before and not self._stop.is_set():
                if time.monotonic() - asked_at > 20:
                    break
                time.sleep(0.01)
            self.gaps_s.append(time.monotonic() - asked_at)
