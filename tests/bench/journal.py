"""How much a crash costs: `python -m tests.bench.journal [--kills 500] [--files 20000] [--seed 1]`.

* kill -9 at random moments of a program that writes (half of the programs go on with the file of
  the one before): items that were acknowledged and are not there, lines that were torn;
* files damaged at random: the slowest to read, and whether anything but a clean answer came out;
* lines written, synced and read again, per second, and what a list of many conversations costs.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from voicechat.conversation.journal import list_kept, load
from voicechat.errors import ConfigError

WRITER = """
import random, sys
from pathlib import Path
from voicechat.conversation.conversation import Conversation
from voicechat.events import ReplyFinished, ReplyText
from voicechat.conversation.journal import Journal, resume

folder, wanted, run = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
resumed = resume(folder, wanted, will_write=True) if wanted else None
journal = Journal.open(folder, "m", "p", print, resumed=resumed)
print("begun", flush=True)
conversation, dice, number = Conversation(), random.Random(int(run)), 0
while True:
    name = f"{run}-{number}"
    if number % 3:
        rows = [conversation.typed(name, "é" * dice.choice((0, 3, 400, 9_000)))]
        done = name
    else:
        rows = conversation.apply(ReplyText("r" + name, name, "words " * dice.randrange(900)))
        rows += conversation.apply(ReplyFinished("r" + name))
        done = name if rows[0].text else ""
    for row in rows:
        journal.record(row, conversation.rows)
    if dice.random() < 0.5:
        assert journal.flush(30)
        print(done, flush=True)
    number += 1
"""


@dataclass(slots=True)
class Kills:
    """Starts writers and kills them; remembers what each said was safe."""

    folder: Path
    dice: random.Random
    resumes: bool
    runs: int = 0
    _safe: list[str] = field(default_factory=list)
    _wanted: str = ""

    @property
    def acknowledged(self) -> int:
        return len(self._safe)

    def once(self) -> None:
        """One writer, killed somewhere between its first thought and its hundredth item."""
        command = [sys.executable, "-c", WRITER, str(self.folder), self._wanted, str(self.runs)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "begun\n"
            time.sleep(self.dice.choice((0, 0.005, 0.03, 0.15)) * self.dice.random())
            child.send_signal(signal.SIGKILL)
            told = child.stdout.read().split("\n")[:-1]
        self._safe += [name for name in told if name]
        self.runs += 1
        if self.resumes and self._safe:
            (path,) = (self.folder / "conversations").iterdir()
            self._wanted = path.stem

    def lost(self) -> list[str]:
        """What was said to be safe and is not there."""
        found = {item.id for path in self.files() for item in load(path).items}
        return [name for name in self._safe if name not in found]

    def files(self) -> list[Path]:
        return list((self.folder / "conversations").glob("*.jsonl"))


def damage(good: bytes, dice: random.Random) -> bytes:
    """Cut, overwrite, insert, double or drop pieces."""
    data = bytearray(good)
    for _ in range(dice.randrange(1, 6)):
        at, size = dice.randrange(len(data) + 1), dice.choice((1, 2, 17, 300, 5000))
        match dice.randrange(5):
            case 0:
                del data[at:]
            case 1:
                data[at : at + size] = bytes(size)
            case 2:
                data[at:at] = dice.randbytes(size)
            case 3:
                data[at:at] = data[:size]
            case 4:
                del data[at : at + size]
        data = data or bytearray(b"\n")
    return bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        _kill(Path(folder), options.kills, random.Random(options.seed))
    with tempfile.TemporaryDirectory() as folder:
        _damage(Path(folder), options.files, random.Random(options.seed))


def _kill(folder: Path, kills: int, dice: random.Random) -> None:
    for name, resumes in (("alone", False), ("resumed", True)):
        series = Kills(folder / name, dice, resumes)
        for _ in range(kills // 2):
            series.once()
        torn = sum(load(path).damaged_lines for path in series.files())
        print(
            f"{series.runs} kills, {name}: {series.acknowledged} items were safe, "
            f"{len(series.lost())} of them lost, {torn} lines torn"
        )


def _damage(folder: Path, files: int, dice: random.Random) -> None:
    series = Kills(folder, dice, resumes=False)
    while not series.acknowledged:
        series.once()
    good = max((path.read_bytes() for path in series.files()), key=len)[:200_000]
    path, slowest_s, unclean = folder / "bad.jsonl", 0.0, 0
    for _ in range(files):
        path.write_bytes(damage(good, dice))
        began = time.perf_counter()
        try:
            load(path)
        except ConfigError:
            pass
        except Exception as error:  # That is what is looked for.
            unclean += 1
            print(f"unclean: {error!r}")
        slowest_s = max(slowest_s, time.perf_counter() - began)
    print(
        f"{files} damaged files of {len(good)} bytes: {unclean} unclean, slowest {slowest_s:.3f} s"
    )
    _list(folder, good)


def _list(folder: Path, good: bytes) -> None:
    for number in range(200):
        (folder / "conversations" / f"copy-{number}.jsonl").write_bytes(good)
    began = time.perf_counter()
    count = len(list_kept(folder))
    print(f"a list of {count} conversations: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
