"""The threads that write: a disk that is slow to say it is safe, or says that it is not."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from tests.conversation.journal.talk import Talk, kept_talk, talking, wait_for
from voicechat.conversation.journal import load
from voicechat.conversation.journal.file import File


class Fsync:
    """Stands where the system's does: slow, or failing so many times."""

    def __init__(self, patch: pytest.MonkeyPatch, *, slow_s: float = 0, failures: int = 0) -> None:
        self.calls, self.slow_s, self.failures = 0, slow_s, failures
        self._real = os.fsync
        patch.setattr(os, "fsync", self)

    def __call__(self, file: int) -> None:
        self.calls += 1
        time.sleep(self.slow_s)
        if self.calls <= self.failures:
            raise OSError(errno.EIO, "Input/output error")
        self._real(file)


@pytest.mark.fault("D09")
def test_a_slow_disk_holds_nothing_up_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system was given outlives the program, even when nobody waits for the disk."""
    Fsync(monkeypatch, slow_s=2)
    talk = Talk(tmp_path)
    for name in "abcdef":
        talk.type(name)
        wait_for(lambda name=name: names(talk)[-1:] == [name])  # type: ignore[misc]
    assert not talk.journal.flush(0.01), "none of it is safe yet"
    assert not talk.journal.close(0.1)
    assert names(talk) == list("abcdef")
    wait_for(lambda: talk.journal.flush(0))


def names(talk: Talk) -> list[str]:
    """Of what can be read by now, safe or not."""
    path = talk.journal.path
    return [item.id for item in load(path).items] if path else []


@pytest.mark.fault("D04")
@pytest.mark.parametrize("is_resumed", [False, True])
def test_what_the_disk_could_not_keep_is_written_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_resumed: bool
) -> None:
    before = [kept_talk(tmp_path, "before").read_bytes()] if is_resumed else []
    fsync = Fsync(monkeypatch, failures=1)
    with talking(tmp_path, "last" if is_resumed else "") as talk:
        for name in "abc":
            talk.type(name)
        wait_for(lambda: bool(talk.errors))
        assert "Input/output error" in talk.errors[0].message
        talk.type("d")
        assert talk.ids() == [*(["before"] if is_resumed else []), *"abcd"]
    text = talk.path.read_bytes()
    assert fsync.calls >= 2 and len(talk.errors) == 1
    assert text.count(b'"type":"item"') == len(load(talk.path).items)
    assert text.startswith(b"".join(before)) and text.count(b'"type":"conversation"') == 1


def test_a_disk_that_never_keeps_anything_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Fsync(monkeypatch, failures=1_000_000)
    talk = Talk(tmp_path)
    talk.type("a")
    wait_for(lambda: bool(talk.errors))
    assert not talk.journal.close(10)
    assert len(talk.errors) == 1


class SlowFile(File):
    """Its last word comes late: the disk has answered, and the thread that asked was not woken."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {})
        self.may_return, self.has_written = threading.Event(), threading.Event()
        self.may_return.set()

    def write(self, lines: bytes) -> bool:
        was_removed = super().write(lines)
        self.has_written.set()
        assert self.may_return.wait(20)
        return was_removed


@pytest.mark.fault("D04")
def test_what_was_written_while_the_disk_failed_does_not_count_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails, real = threading.Event(), os.fsync

    def fsync(file: int) -> None:
        if fails.is_set():
            real(file)
        else:
            assert fails.wait(20)
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with talking(tmp_path) as talk:
        talk.journal._disk._file = file = SlowFile(tmp_path)
        talk.type("a")
        wait_for(lambda: bool(talk.journal._disk._written))
        file.has_written.clear()
        file.may_return.clear()
        talk.type("b")
        assert file.has_written.wait(20)
        fails.set()
        wait_for(lambda: bool(talk.errors))
        file.may_return.set()
        assert talk.ids() == ["a", "b"]
        assert talk.path.read_bytes().count(b'"type":"item"') == 2


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_say_what_is_safe_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fsync(file: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    with talking(tmp_path) as talk:
        talk.type("a")
        assert talk.ids() == ["a"]
        assert not talk.errors
