"""Which conversations there are, which is meant, and taking one up again."""

import json
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conversation.journal.talk import kept_talk, nobody, talking
from tests.conversation.journal.test_file import mounted
from voicechat.conversation.journal import Resumed, list_kept, load, read, resume
from voicechat.conversation.journal.library import find
from voicechat.errors import ConfigError


def test_a_list_tells_what_one_looks_for(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.reply("hello", "Good morning")
        talk.type("a", "What is\nthe time? " + "x" * 500)
        path = talk.path
    (kept,) = list_kept(tmp_path)
    assert (kept.id, kept.model, kept.rows, kept.damaged_lines) == (path.stem, "model-1", 2, 0)
    assert kept.words.startswith("What is the time? xxx") and len(kept.words) <= 73
    assert kept.started.endswith("Z") and kept.last.endswith("Z") and not kept.problem


def test_the_newest_is_the_one_that_was_written_last(tmp_path: Path) -> None:
    found = [kept_talk(tmp_path, name) for name in "abc"]
    for moment, path in zip((300, 100, 200), found, strict=True):
        os.utime(path, (moment, moment))
    assert [kept.words for kept in list_kept(tmp_path)] == ["a", "c", "b"]


def test_nothing_but_conversations_is_listed(tmp_path: Path) -> None:
    good = kept_talk(tmp_path, "a")
    folder = good.parent
    (folder / "notes.txt").write_text("mine")
    (folder / "empty.jsonl").touch()
    (folder / "folder.jsonl").mkdir()
    (folder / "link.jsonl").symlink_to(good)
    (folder / "steers\x1b[31m.jsonl").write_bytes(good.read_bytes())
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.jsonl")
    assert [kept.id for kept in list_kept(tmp_path)] == [good.stem]


def test_a_file_of_rubbish_is_listed_with_its_damage(tmp_path: Path) -> None:
    bad = kept_talk(tmp_path, "a")
    bad.write_bytes(b"\x00\xff\n" * 3)
    (kept,) = list_kept(tmp_path)
    assert (kept.id, kept.rows, kept.damaged_lines) == (bad.stem, 0, 3)


def test_a_file_from_a_year_that_no_calendar_knows_is_listed_without_a_time(
    tmp_path: Path,
) -> None:
    with mounted(tmp_path / "disk", "64k") as disk:  # Other file systems know no such years.
        path = kept_talk(disk, "a")
        os.utime(path, (2**40, 2**40))
        (kept,) = list_kept(disk)
    assert (kept.id, kept.last, kept.words) == (path.stem, "", "a")


def test_no_folder_is_an_empty_list(tmp_path: Path) -> None:
    assert list_kept(tmp_path / "nowhere") == []
    (tmp_path / "file").write_text("")
    assert list_kept(tmp_path / "file") == []
    with pytest.raises(ConfigError, match="cannot be read"):
        list_kept(Path("bad\x00name"))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_somebody_elses_conversation_is_listed_with_the_reason_it_cannot_be_read(
    open_folder: Path,
) -> None:
    path = kept_talk(open_folder, "a")
    path.parent.chmod(0o755)
    with nobody():
        (kept,) = list_kept(open_folder)
        assert kept.id == path.stem and "Permission denied" in kept.problem and kept.last
        for will_write in (True, False):
            with pytest.raises(ConfigError, match="cannot be read .Permission denied"):
                resume(open_folder, path.stem, will_write=will_write)
    resume(open_folder, path.stem, will_write=True).close()


@pytest.mark.parametrize(("mode", "is_told"), [(0o744, False), (0o700, True)])
def test_a_folder_that_cannot_be_entered_has_nothing_in_it(
    open_folder: Path, mode: int, *, is_told: bool
) -> None:
    """It may be listed all the same: then the names are known, and nothing else."""
    kept_talk(open_folder, "a").parent.chmod(mode)
    with nobody():
        if is_told:
            with pytest.raises(ConfigError, match="cannot be read .Permission denied"):
                list_kept(open_folder)
        else:
            assert list_kept(open_folder) == []


# -- which is meant -------------------------------------------------------------------------------


def copies(folder: Path, *names: str) -> None:
    data = kept_talk(folder, "a").read_bytes()
    for path in (folder / "conversations").iterdir():
        path.unlink()
    for name in names:
        (folder / "conversations" / f"{name}.jsonl").write_bytes(data)


def test_a_part_that_no_other_has_is_enough(tmp_path: Path) -> None:
    copies(tmp_path, "20260101-120000-aaaaaa", "20260101-130000-bbbbbb")
    assert find(tmp_path, "bbbbbb").stem == "20260101-130000-bbbbbb"
    assert find(tmp_path, "20260101-12").stem == "20260101-120000-aaaaaa"


@pytest.mark.fault("D10")
@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("20260101", "2 conversations are called like '20260101'. `voicechat conversations`"),
        ("20260101-130000-bbbbbx", "Did you mean 20260101-130000-bbbbbb?"),
        ("a", "There is no conversation 'a'"),
        ("zzzzzzzz", "`voicechat conversations` lists"),
        ("../conversations/20260101-130000-bbbbbb", "There is no conversation"),
        ("x\x1b[31m\ny", "There is no conversation 'x y'"),
        ("", "There is no conversation ''"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, wanted: str, told: str) -> None:
    copies(tmp_path, "20260101-120000-aaaaaa", "20260101-130000-bbbbbb")
    with pytest.raises(ConfigError) as failed:
        find(tmp_path, wanted)
    assert told in str(failed.value) and str(failed.value).isprintable()


def test_where_nothing_was_kept_no_name_is_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="None was kept so far"):
        find(tmp_path, "20260101")


# -- taking up again ------------------------------------------------------------------------------


def test_the_same_file_is_gone_on_with_and_nothing_of_it_changes(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a", "b")
    before = path.read_bytes()
    with talking(tmp_path, path.stem) as talk:
        assert path.read_bytes() == before, "nothing was said yet"
        talk.type("c")
        assert talk.path == path and talk.ids() == ["a", "b", "c"]
    assert path.read_bytes().startswith(before)
    kinds = [json.loads(one)["type"] for one in path.read_text("utf-8").splitlines()]
    assert kinds == ["conversation", "item", "item", "resumed", "item"]


def test_rows_of_before_are_not_written_again(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a", "b")
    with talking(tmp_path, "last") as talk:
        talk.conversation.restore(load(path).items)
        for row in talk.conversation.rows:
            talk.record(row)
        talk.type("a", "the same name")
        talk.reply("r")
        items = load(talk.path).items
    assert [item.text for item in items] == ["a", "b", "the same name", "r"]
    assert len({item.id for item in items}) == 4
    text = path.read_text("utf-8")
    assert text.count('"type":"item"') == 4 and '"type":"draft"' not in text


def test_every_say_has_a_name_of_its_own_however_often_names_come_again(tmp_path: Path) -> None:
    """Some servers count their items anew on every line."""
    kept_talk(tmp_path, "a")
    for run in range(3):
        with talking(tmp_path, "last") as talk:
            talk.conversation.restore(load(talk.path).items)
            for _ in range(3):
                if run == 0:
                    talk.conversation.note("news", "notes take places, and are not kept")
                talk.type("a")
                talk.conversation.end()
            names = talk.ids()
    assert len(names) == len(set(names)) == 10


def test_a_torn_end_stays_and_harms_nothing(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a", "b")
    torn = path.read_bytes()[:-10]
    path.write_bytes(torn)
    with talking(tmp_path, "last") as talk:
        talk.type("c")
        loaded = load(talk.path)
    assert [item.id for item in loaded.items] == ["a", "c"] and loaded.damaged_lines == 1
    assert path.read_bytes().startswith(torn)


def test_what_is_taken_up_is_open_to_nobody_else(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a")
    path.chmod(0o644)
    resumed = resume(tmp_path, "last", will_write=True)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="open in another voicechat"):
        resume(tmp_path, path.stem, will_write=True)
    assert resume(tmp_path, path.stem, will_write=False).loaded == resumed.loaded
    assert read(tmp_path, "last") == (path.stem, resumed.loaded)
    resumed.close()
    resume(tmp_path, path.stem, will_write=True).close()


def test_what_cannot_be_read_is_let_go_again(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))  # For the lock, not for reading.
    try:
        with pytest.raises(ConfigError, match="Too many open files"):
            resume(tmp_path, path.stem, will_write=True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    resume(tmp_path, path.stem, will_write=True).close()


def test_a_conversation_of_rubbish_is_not_gone_on_with(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a")
    path.write_bytes(b"\xff\x00" * 100)
    for _ in range(2):  # It is let go again.
        with pytest.raises(ConfigError, match=f"Nothing of the conversation {path.stem}"):
            resume(tmp_path, path.stem, will_write=True)


def test_a_talk_without_a_word_lets_it_go_again(tmp_path: Path) -> None:
    path = kept_talk(tmp_path, "a")
    with talking(tmp_path, "last"):
        pass
    resume(tmp_path, path.stem, will_write=True).close()


@pytest.mark.parametrize("take", [lambda f, w: resume(f, w, will_write=True), read])
def test_the_last_is_the_last_that_can_be_read(
    tmp_path: Path, take: Callable[[Path, str], object]
) -> None:
    good = kept_talk(tmp_path, "a")
    bad = kept_talk(tmp_path, "b")
    bad.write_bytes(b"\xff\x00" * 100)
    os.utime(good, (100, 100))
    found = take(tmp_path, "last")
    if isinstance(found, Resumed):
        assert found.place.path == good and bad.stem in found.told[0]
        found.close()
    else:
        assert found == (good.stem, load(good))
    good.unlink()
    with pytest.raises(ConfigError, match="no conversation"):
        take(tmp_path, "last")


def test_the_model_that_answered_last_is_named(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.reply("a")
        talk.journal.model, talk.journal.name = "model-2", "glm/model-2"
        talk.type("b")
        assert load(talk.path).name == "openai/model-1", "it has not answered yet"
        talk.reply("c")
        assert load(talk.path).name == "glm/model-2"
    resumed = resume(tmp_path, "last", will_write=False)
    assert resumed.name == "glm/model-2"
    resumed.close()
    with talking(tmp_path, "last") as talk:
        talk.type("d")
        assert load(talk.path).name == "openai/model-1"
