"""Which models were talked to last: a file that may be missing, damaged or unwritable."""

import json
import stat
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from voicechat.conversation.journal.used import FILE, last_used, remember

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_what_was_used_is_read_back_newest_first(tmp_path: Path) -> None:
    remember(tmp_path, "openai/a", NOON)
    remember(tmp_path, "chat/glm/b", NOON + timedelta(hours=2))
    remember(tmp_path, "openai/c", NOON.astimezone(timezone(timedelta(hours=8))))
    remember(tmp_path, "openai/a", NOON + timedelta(hours=1))
    found = last_used(tmp_path)
    assert list(found) == ["chat/glm/b", "openai/a", "openai/c"]
    assert found["openai/a"] == "2026-11-21T13:00:00.000Z"
    assert found["openai/c"] == "2026-11-21T12:00:00.000Z"


@pytest.mark.fault("S07")
def test_the_file_is_its_owners_alone_and_no_draft_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    remember(folder, "openai/a", NOON)
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(60):
        remember(tmp_path, f"openai/{number}", NOON + timedelta(minutes=number))
    found = list(last_used(tmp_path))
    assert len(found) == 50 and found[0] == "openai/59" and "openai/9" not in found


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'{"models": 5}',
        b'{"models": {"a": "yesterday"}}',
        b'{"models": {"a": 5}}',
        b'{"models": {"a": "2026-11-21T12:00:00"}}',
        b'{"models": {"a": "0001-01-01T00:00:00+14:00"}}',
        b"[" * 50_000,
        b'{"version": 1, "models": {"a": "2026-11-21T12:00',
    ],
)
def test_a_damaged_file_is_forgotten_and_written_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    assert last_used(tmp_path) == {}
    remember(tmp_path, "openai/a", NOON)
    assert list(last_used(tmp_path)) == ["openai/a"]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    remember(blocked / "data", "openai/a", NOON)
    assert last_used(blocked / "data") == {}
    (tmp_path / FILE).mkdir()
    remember(tmp_path, "openai/a", NOON)
    assert last_used(tmp_path) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["file", FILE])


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    record = {"models": {"a\x1b[31m\nb": NOON.isoformat()}}
    (tmp_path / FILE).write_text(json.dumps(record))
    (name,) = last_used(tmp_path)
    assert name.isprintable()


def test_two_programs_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    def work(who: int) -> None:
        for number in range(20):
            remember(tmp_path, f"openai/{who}-{number}", NOON)

    workers = [threading.Thread(target=work, args=(who,)) for who in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert last_used(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
