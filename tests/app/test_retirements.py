"""Memory of model retirement: kept, bounded, and worth nothing more than itself when damaged."""

import json
import stat
import threading
from datetime import date
from pathlib import Path

import pytest

from voicechat.app.retirements import FILE, EndsMemory, good_ends
from voicechat.config.schema import Retirements

DAY = date(2026, 12, 1)


def test_what_was_told_and_listed_is_read_again(tmp_path: Path) -> None:
    memory = EndsMemory(tmp_path / "data")
    assert memory.read() == Retirements() and not memory.is_fresh("host", DAY)
    memory.keep_told("One ends")
    memory.keep_told("One ends")
    memory.keep_list("host", {"one": "2027-01-06"}, DAY)
    memory.keep_list("host", {"two": "2027-02-26"}, DAY)
    kept = EndsMemory(tmp_path / "data").read()
    assert kept == Retirements({"host": {"two": "2027-02-26"}}, frozenset({"One ends"}))
    assert memory.is_fresh("host", DAY) and not memory.is_fresh("host", date(2026, 12, 2))
    assert not memory.is_fresh("other", DAY)
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FILE]


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\x00 no JSON", b"[]", b'{"told": 1, "lists": {}}', b'{"told": [], "lists": {"h": 1}}'],
)
def test_a_damaged_file_is_no_memory_and_is_written_anew(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / FILE).write_bytes(damaged)
    memory = EndsMemory(tmp_path)
    assert memory.read() == Retirements()
    memory.keep_told("One ends")
    assert memory.read().told == {"One ends"}


def test_a_folder_that_cannot_be_written_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = EndsMemory(tmp_path / "file" / "data")
    memory.keep_told("One ends")
    memory.keep_list("host", {"one": "2027-01-06"}, DAY)
    assert memory.read() == Retirements()


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    memory = EndsMemory(tmp_path)
    for number in range(230):
        memory.keep_told(f"{number} ends")
    for number in range(25):
        memory.keep_list(f"host{number}", {f"m{n}": "2027-01-06" for n in range(600)}, DAY)
    kept = memory.read()
    assert len(kept.told) == 200 and "229 ends" in kept.told
    assert len(kept.lists) == 20 and "host24" in kept.lists
    assert all(len(ends) == 500 for ends in kept.lists.values())


def test_two_threads_lose_nothing_of_each_other(tmp_path: Path) -> None:
    memory = EndsMemory(tmp_path)

    def tell(part: int) -> None:
        for number in range(20):
            memory.keep_told(f"{part}.{number}")

    threads = [threading.Thread(target=tell, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory.read().told) == 80


def test_only_dates_are_ends() -> None:
    listed = {"a": "2027-01-06", "b": None, "c": "soon", "d": 5, "e\x1b[31m": "2027-01-06"}
    good = good_ends(listed)
    assert good["a"] == "2027-01-06" and len(good) == 2 and "\x1b" not in json.dumps(good)
