"""What a power failure may take: nothing that counts as kept.  The order of the calls shows it."""

import os
import stat
from pathlib import Path

import pytest

from tests.conversation.journal.talk import Talk, kept_talk
from voicechat.conversation.journal import resume


class Calls:
    """Stands beside the system's `write` and `fsync`, and remembers what they were called for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.all: list[tuple[str, str]] = []
        self._write, self._fsync = os.write, os.fsync
        patch.setattr(os, "write", self.write)
        patch.setattr(os, "fsync", self.fsync)

    def write(self, file: int, data: bytes) -> int:
        self._note("write", file)
        return self._write(file, data)

    def fsync(self, file: int) -> None:
        self._fsync(file)
        self._note("fsync", file)

    def _note(self, call: str, file: int) -> None:
        mode = os.fstat(file).st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            self.all.append((call, "folder" if stat.S_ISDIR(mode) else "file"))

    def since_the_last_write(self) -> set[str]:
        """What was synced after everything was written."""
        last = max(at for at, (call, _) in enumerate(self.all) if call == "write")
        return {what for call, what in self.all[last:] if call == "fsync"}


@pytest.mark.fault("D04")
def test_an_item_counts_as_kept_when_it_and_its_files_name_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch)
    talk = Talk(tmp_path)
    talk.type("a")
    assert talk.journal.flush(20)
    assert calls.since_the_last_write() == {"file", "folder"}
    for name in "bcd":
        talk.type(name)
        assert talk.journal.flush(20)
        assert calls.since_the_last_write() == {"file"}
    assert talk.journal.close(20)


@pytest.mark.fault("D04")
def test_it_is_the_same_with_a_conversation_that_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_talk(tmp_path, "before")
    calls = Calls(monkeypatch)
    talk = Talk(tmp_path, resume(tmp_path, "last", will_write=True))
    talk.type("a")
    assert talk.journal.flush(20)
    assert "file" in calls.since_the_last_write()
    assert talk.journal.close(20)


@pytest.mark.fault("D10")
def test_no_name_of_a_server_becomes_a_name_of_a_file(tmp_path: Path) -> None:
    """Ids of items, models and providers are words in the file, and nothing else."""
    names = ["../../x", "/etc/x", "a\x00b", "n" * 300, "..", "CON", "C:\\x", "x\ny"]
    data = tmp_path / "data"
    talk = Talk(data)
    for name in names:
        talk.type(name, "said")
        talk.reply(f"{name}/reply", "answered")
    path = talk.path
    assert len(talk.ids()) == 2 * len(names)
    assert talk.journal.close(20)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
    assert path.parent == data / "conversations"
    assert set(path.stem) <= set("0123456789abcdef-")
