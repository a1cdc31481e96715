"""kill -9 at random moments of the real program while it talks: what was finished is on the disk.

Each run but the first goes on with the conversation that the one before was killed over, half of
the time; a run says a few things and is killed at a random moment of the last answer or between.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.e2e.screen.conftest import Service
from tests.fakes.ga_script import SCRIPTS, Reply
from voicechat.conversation.journal import load

ANSWER = "Yes, so it is."
QUICK = replace(
    SCRIPTS["normal"], replies=(Reply(ANSWER, audio_ms=200),), first_delay_ms=0, pace=0.0
)
SETTLED_S = 0.1
"""What was told so long before the kill must be there: the system needs a moment to be told."""


@dataclass(slots=True)
class Kills:
    """A home, a service, and everything that was ever said there."""

    home: Path
    service: Service
    dice: random.Random
    runs: int = 0
    told: list[tuple[str, bool]] = field(default_factory=list)
    """Words the program told as said or answered; whether well before it was killed."""

    def once(self) -> None:
        """One program, killed somewhere in its talk."""
        goes_on = self.runs > 0 and self.dice.random() < 0.5
        options = ["--json", *(["--resume"] if goes_on else []), *self.service.options]
        with _started(self.home, options) as child:
            reader = _Reader(child)
            for number in range(self.dice.randrange(1, 5)):
                self._ask(child, reader, f"{self.runs}-{number}")
            _say(child, f"{self.runs}-cut")
            time.sleep(self.dice.random() ** 2 * 0.4)
            killed = time.monotonic()
            child.send_signal(signal.SIGKILL)
            child.wait()
            reader.join()
        self.told += [(words, killed - at > SETTLED_S) for at, words in reader.told]
        self.runs += 1

    def _ask(self, child: "subprocess.Popen[bytes]", reader: "_Reader", words: str) -> None:
        done = reader.done
        _say(child, words)
        _wait_for(lambda: reader.done > done, words)
        reader.told.append((time.monotonic(), words))

    # -- what is left ---------------------------------------------------------------------------

    def lost(self, *, settled: bool = True) -> list[str]:
        """Words that were told and are nowhere; `settled`: well before the kill only."""
        kept = Counter(item.text for item in self._items())
        wanted = Counter(words for words, was_settled in self.told if was_settled or not settled)
        return list((wanted - kept).elements())

    def torn(self) -> int:
        """Lines that are damaged, in all files."""
        return sum(load(path).damaged_lines for path in self._files())

    def doubled(self) -> list[str]:
        """Questions that stand there twice."""
        said = Counter(item.text for item in self._items() if item.role == "user")
        return [words for words, count in said.items() if count > 1 and not words.endswith("cut")]

    def _items(self) -> list[Any]:
        return [item for path in self._files() for item in load(path).items]

    def _files(self) -> list[Path]:
        return list(self.home.glob("data/conversations/*.jsonl"))


class _Reader:
    """Reads what a program tells, as it comes."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self.done = 0
        self.told: list[tuple[float, str]] = []
        self._child = child
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._child.stdout
        for line in self._child.stdout:
            if line.endswith(b"\n") and json.loads(line)["event"] == "reply_done":
                self.told.append((time.monotonic(), ANSWER))
                self.done += 1

    def join(self) -> None:
        self._thread.join(10)


def _started(home: Path, options: list[str]) -> "subprocess.Popen[bytes]":
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HOME": str(home),
        "VOICECHAT_DATA": str(home / "data"),
        "OPENAI_API_KEY": "sk-bench-0123456789abcdef",
        "LANG": "C.UTF-8",
    }
    command = [sys.executable, "-m", "voicechat", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, cwd=home, stdin=pipe, stdout=pipe, stderr=None)


def _say(child: "subprocess.Popen[bytes]", words: str) -> None:
    assert child.stdin
    child.stdin.write(words.encode() + b"\n")
    child.stdin.flush()


def _wait_for(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, f"{what} was not answered"
        time.sleep(0.002)


def print_kills(times: int = 20, seed: int = 1) -> int:
    """How much was lost; returns how many items that had settled."""
    with tempfile.TemporaryDirectory() as home, Service(QUICK) as service:
        kills = Kills(Path(home), service, random.Random(seed))
        for _ in range(times):
            kills.once()
        lost, at_once = kills.lost(), kills.lost(settled=False)
        print(
            f"{kills.runs} kills, {len(kills.told)} items told: {len(lost)} lost, "
            f"{len(at_once)} with those of the last {SETTLED_S:g} s; "
            f"{len(kills.doubled())} doubled, {kills.torn()} lines torn"
        )
    return len(lost)


if __name__ == "__main__":
    print_kills(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
