"""The file while it is written: removed, replaced, cut, locked, on a full or read-only disk."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conversation.journal.talk import Talk, kept_talk, talking, wait_for
from voicechat.conversation.journal import load, resume
from voicechat.conversation.journal.file import ExistingFile, File, encode, open_place
from voicechat.errors import ConfigError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")


# -- what others do to it -------------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize("what", ["file", "folder", "data"])
def test_what_is_removed_during_the_talk_is_made_again_with_all_of_it(
    tmp_path: Path, what: str
) -> None:
    data = tmp_path / "data"
    with talking(data) as talk:
        talk.type("a")
        talk.reply("b")
        path = talk.path
        if what == "file":
            path.unlink()
        else:
            shutil.rmtree(path.parent if what == "folder" else data)
        talk.type("c")
        assert talk.path == path and talk.ids() == ["a", "b", "c"]
        assert "removed" in talk.errors[0].message and "--no-save" in talk.errors[0].message
        talk.type("d")
        assert talk.ids() == ["a", "b", "c", "d"] and len(talk.errors) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@POSIX
def test_a_file_that_was_replaced_is_left_to_whoever_did_it(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.type("a")
        path = talk.path
        path.unlink()
        path.write_text("not ours")
        talk.type("b")
        assert talk.ids() == ["a", "b"] and talk.path != path
    assert path.read_text() == "not ours"


@POSIX
def test_a_removed_folder_that_cannot_be_made_again_is_waited_for(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with talking(data) as talk:
        talk.type("a")
        path = talk.path
        shutil.rmtree(data)
        data.write_text("in the way")
        talk.type("b")
        wait_for(lambda: bool(talk.errors))
        assert "Cannot save" in talk.errors[0].message
        data.unlink()
        talk.type("c")
        assert talk.path == path and talk.ids() == ["a", "b", "c"]


@pytest.mark.parametrize("left", [0, 1, 50, -5])
def test_after_somebody_cut_the_file_new_lines_are_whole(tmp_path: Path, left: int) -> None:
    with talking(tmp_path) as talk:
        talk.type("a")
        path = talk.path
        os.truncate(path, left if left >= 0 else path.stat().st_size + left)
        talk.type("b")
        talk.type("c")
        loaded = load(talk.path)
    assert [item.id for item in loaded.items] == ["b", "c"]
    assert loaded.damaged_lines <= 1 and b"\x00" not in path.read_bytes()


def test_what_somebody_added_stays(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.type("a")
        with talk.path.open("ab") as file:
            file.write(encode({"type": "item", "id": "x", "role": "user", "text": "mine"})[:-1])
        talk.type("b")
        assert talk.ids() == ["a", "x", "b"]


@POSIX
def test_a_folder_that_is_removed_before_it_is_safe_is_made_again(tmp_path: Path) -> None:
    line = encode({"type": "item", "id": "a", "role": "user", "text": "a"})
    file = File(tmp_path, {})
    file.write(line)
    assert file.path is not None
    shutil.rmtree(file.path.parent)
    file.sync()
    assert put(file, line), "it had been removed"
    file.close()
    assert file.path.read_bytes().endswith(line + line)


# -- a disk that refuses --------------------------------------------------------------------------


def put(file: File, lines: bytes) -> bool:
    was_removed = file.write(lines)
    file.sync()
    return was_removed


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A small file system of its own, which takes the right to mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"these tests need the right to mount a tmpfs: {done.stderr}"
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.fault("D01")
def test_a_disk_that_is_full_at_any_byte_tears_nothing_for_good(tmp_path: Path) -> None:
    """The free space is from none at all to enough for some of it."""
    for pages in range(5):
        with mounted(tmp_path / f"disk{pages}", "32k") as disk:
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(4096 * (7 - pages)))
            file = File(disk, {})
            written, refused = b"", 0
            for number in range(40):
                line = encode(
                    {"type": "item", "id": f"{number}", "role": "user", "text": "x" * 700}
                )
                try:
                    put(file, line)
                    written += line
                except OSError:
                    refused += 1
                    ballast.unlink(missing_ok=True)
                    put(file, line)
                    written += line
                if refused and number > 30:
                    break
            file.close()
            assert refused >= 1 and file.path is not None
            assert file.path.read_bytes().endswith(written)
            assert load(file.path).damaged_lines == 0
            assert len(load(file.path).items) == written.count(b"\n")


@pytest.mark.fault("D01")
def test_a_line_that_did_not_fit_leaves_nothing_of_itself_behind(tmp_path: Path) -> None:
    """Even where nothing is ever written again."""
    with mounted(tmp_path / "disk", "16k") as disk:
        file = File(disk, {})
        put(file, encode({"type": "item", "id": "a", "role": "user", "text": "whole"}))
        with pytest.raises(OSError, match="space"):
            put(file, encode({"type": "item", "id": "b", "role": "user", "text": "x" * 20_000}))
        file.close()
        assert file.path is not None
        loaded = load(file.path)
    assert loaded.damaged_lines == 0 and [item.id for item in loaded.items] == ["a"]


@pytest.mark.fault("D01")
def test_a_file_removed_from_a_full_disk_comes_back_whole_under_its_name(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "48k") as disk:
        file = File(disk, {})
        put(file, encode({"type": "item", "id": "a", "role": "user", "text": "x" * 9000}))
        assert file.path is not None
        path, lines = file.path, path_lines(file.path)
        path.unlink()
        (disk / "ballast").write_bytes(bytes(28 * 1024))
        for _ in range(3):
            with pytest.raises(OSError, match="space"):
                put(file, encode({"type": "item", "id": "b", "role": "user", "text": "y"}))
        (disk / "ballast").unlink()
        assert put(file, encode({"type": "item", "id": "b", "role": "user", "text": "y"}))
        file.close()
        assert list(path.parent.iterdir()) == [path]
        assert path_lines(path)[:-1] == lines and load(path).items[-1].id == "b"


def path_lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


@pytest.mark.fault("D02")
def test_a_disk_that_turns_read_only_is_told_and_waited_for(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "256k") as disk:
        first = kept_talk(disk, "before")

        def turn(way: str) -> None:
            subprocess.run(["mount", "-o", f"remount,{way}", str(disk)], check=True)

        turn("ro")
        with talking(disk) as fresh, talking(disk, first.stem) as resumed:
            for talk in (fresh, resumed):
                talk.type("a")
            for talk in (fresh, resumed):
                wait_for(lambda talk=talk: bool(talk.errors))  # type: ignore[misc]
                assert "ead-only" in talk.errors[0].message
            turn("rw")
            assert fresh.ids() == ["a"] and resumed.ids() == ["before", "a"]
            assert resumed.path == first


# -- one at a time --------------------------------------------------------------------------------


def test_a_file_is_locked_from_its_first_line_to_its_close(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.type("a")
        path = talk.path
        with pytest.raises(OSError, match="another voicechat"):
            open_place(path)
    place = open_place(path)
    with pytest.raises(OSError, match="another voicechat"):
        open_place(path)
    os.close(place.file)
    os.close(open_place(path).file)


HOLDER = """
import sys
from pathlib import Path
from voicechat.conversation.journal.file import open_place
place = open_place(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.fault("D08")
def test_another_program_has_it_until_it_ends_however_it_does(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a")
    command = [sys.executable, "-c", HOLDER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match="open in another voicechat"):
            resume(tmp_path, path.stem, will_write=True)
        other.kill()
        other.wait(20)
        resume(tmp_path, path.stem, will_write=True).close()


def test_where_a_file_system_knows_no_locks_everybody_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(file: int, how: int) -> None:
        """As NFS without its lock service says it."""
        raise OSError(errno.ENOLCK, "No locks available")

    path = kept_talk(tmp_path, "a")
    monkeypatch.setattr("fcntl.flock", flock)
    with talking(tmp_path, path.stem) as talk:
        talk.type("b")
        assert talk.ids() == ["a", "b"]


@pytest.mark.fault("S06")
@POSIX
def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    link = tmp_path / "link.jsonl"
    link.symlink_to(target)
    with pytest.raises(OSError, match=r".+"):
        open_place(link)
    file = File(tmp_path, {}, ExistingFile(link))
    with pytest.raises(OSError, match=r".+"):
        put(file, b"{}\n")
    assert target.read_text() == "keep me"


@pytest.mark.fault("D08")
def test_two_talks_at_once_have_files_of_their_own(tmp_path: Path) -> None:
    talks = [Talk(tmp_path) for _ in range(5)]
    for number in range(20):
        for who, talk in enumerate(talks):
            talk.type(f"{who}-{number}")
    for who, talk in enumerate(talks):
        assert talk.ids() == [f"{who}-{number}" for number in range(20)]
        assert talk.journal.close(20)
