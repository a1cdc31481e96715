"""The conversation on disk: its order, its permissions, what survives a crash or a full disk."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from voicechat.conversation.conversation import Conversation, Row, State
from voicechat.conversation.journal import (
    Journal,
    JournalItem,
    NullJournal,
    TranscriptWriter,
    data_folder,
    load,
)
from voicechat.errors import ConfigError
from voicechat.events import (
    Heard,
    InputTranscript,
    Notice,
    ReplyFinished,
    ReplyText,
    TurnCommitted,
)


class Call:
    """A conversation and its journal, as a session keeps them."""

    def __init__(self, folder: Path) -> None:
        self.errors: list[Notice] = []
        self.now = 0.0
        self.journal = Journal.open(
            folder, "model-1", "openai", self.errors.append, clock=lambda: self.now
        )
        self.conversation = Conversation()

    def hear(self, *events: Any) -> None:
        for event in events:
            for row in self.conversation.apply(event):
                self.record(row)

    def type(self, text: str) -> Row:
        row = self.conversation.typed(f"msg_{len(self.conversation.rows)}", text)
        self.record(row)
        return row

    def record(self, row: Row) -> None:
        self.journal.record(row, self.conversation.rows)

    def reply(self, name: str, text: str) -> None:
        self.hear(ReplyText(f"r_{name}", name, text, final=True), ReplyFinished(f"r_{name}"))

    @property
    def path(self) -> Path:
        assert self.journal.flush(10)
        assert self.journal.path is not None
        return self.journal.path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    def said(self) -> list[str]:
        return [line["text"] for line in self.lines() if "role" in line and "text" in line]


@contextmanager
def called(folder: Path) -> Iterator[Call]:
    call = Call(folder)
    try:
        yield call
    finally:
        assert call.journal.close(10)


def test_a_call_in_which_nothing_is_said_leaves_no_file(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.record(call.conversation.note("hello", "a note is no say"))
        call.hear(TurnCommitted("u"))
    assert call.journal.path is None
    assert list(tmp_path.iterdir()) == []


def test_every_item_is_one_line_in_order(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.type("Hello [/bold] 你好\u2028new")
        call.reply("a", "Hi!")
        call.type("Bye")
    header, *lines = call.lines()
    assert header["type"] == "conversation" and header["version"] == 1
    assert (header["model"], header["provider"]) == ("model-1", "openai")
    assert header["id"] == call.path.stem and header["started"].endswith("Z")
    assert not {"role", "text"} & header.keys()
    assert [line["type"] for line in lines] == ["item"] * 3
    assert [line["text"] for line in lines] == ["Hello [/bold] 你好\nnew", "Hi!", "Bye"]
    assert [line["role"] for line in lines] == ["user", "assistant", "user"]
    assert lines[1]["spoken"] is True and lines[1]["model"] == "model-1"
    assert lines[0]["spoken"] is False and "model" not in lines[0]


@pytest.mark.fault("T02")
def test_no_control_character_reaches_the_file(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.type("a\x1b[31m\x07\x9b2J\u202eb")
    assert call.said() == ["ab"]
    assert not set(call.path.read_bytes()) & (set(range(32)) - {10})


@pytest.mark.fault("P17")
def test_a_reply_waits_for_the_words_it_answers(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.hear(TurnCommitted("u"))
        call.reply("a", "It is noon.")
        assert call.said() == []
        assert [line["type"] for line in call.lines()][-1] == "draft"
        assert call.lines()[-1]["item"]["text"] == "It is noon."
        call.hear(InputTranscript("u", "What time is it?", final=True))
        assert call.said() == ["What time is it?", "It is noon."]
    assert [item.id for item in load(call.path).items] == ["u", "a"]


def test_a_draft_survives_when_its_turn_never_came(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.type("first")
        call.hear(TurnCommitted("u1"))
        call.reply("a1", "answer one")
        call.hear(TurnCommitted("u2"))
        call.reply("a2", "answer two")
        call.hear(InputTranscript("u2", "question two", final=True))
        loaded = load(call.path)  # As after a crash: u1 is still without words.
        words = [item.text for item in loaded.items]
        assert words == ["first", "answer one", "question two", "answer two"]


def test_a_growing_reply_is_kept_about_once_a_second(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.type("Tell me a story")
        for _ in range(200):
            call.now += 0.02
            call.hear(ReplyText("r", "a", "word "))
        item = load(call.path).items[1]
        assert len(item.text) >= 5 * 150 and item.status == "open"
        assert [line["type"] for line in call.lines()].count("draft") == 3
        call.hear(ReplyFinished("r"))
    assert call.said() == ["Tell me a story", "word " * 200]
    assert load(call.path).items[1].status == ""


def test_a_cut_that_comes_after_the_line_amends_it(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.reply("a", "one two three four")
        row = call.conversation.cut(Heard("a", 500, 1000), is_complete=True)
        assert row is not None
        call.record(row)
        call.record(row)
    amends = [line for line in call.lines() if line["type"] == "amend"]
    assert amends == [
        {"type": "amend", "id": "a", "cut": True, "heard_text": row.heard_text, "heard_ms": 500}
    ]
    assert call.said() == ["one two three four"]
    item = load(call.path).items[0]
    assert item.cut and item.heard_ms == 500 and item.heard_text == "one two three"


def test_a_reply_that_was_cut_before_it_ended_says_so_in_its_line(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.hear(ReplyText("r", "a", "one two three"))
        row = call.conversation.cut(Heard("a", 100, 5000), is_complete=False)
        assert row is not None
        call.record(row)
    line = call.lines()[-1]
    assert line["type"] == "item" and line["cut"] is True and line["heard_ms"] == 100


@pytest.mark.fault("P17")
def test_words_that_come_after_the_line_amend_it(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.hear(TurnCommitted("u", transcribed=False))
        assert call.said() == [""]
        call.hear(InputTranscript("u", "so it was heard", final=True))
    assert load(call.path).items[0].text == "so it was heard"


def test_a_reply_without_a_word_is_nobodys_say_and_holds_nothing_up(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.record(call.conversation.reply_row("a", "r", spoken=True))
        call.hear(ReplyFinished("r", "cancelled"))
        call.type("next")
    assert call.said() == ["next"]


def test_a_reply_that_is_open_at_the_end_is_written_as_failed(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.hear(TurnCommitted("u"), ReplyText("r", "a", "half an ans"))
        for row in call.conversation.end():
            call.record(row)
    assert [(item.text, item.status) for item in load(call.path).items] == [
        ("", ""),
        ("half an ans", "failed"),
    ]


def test_of_a_reply_that_broke_off_it_is_written_what_was_heard(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.conversation.received_ms = lambda item_id: 400
        call.hear(ReplyText("r", "a", "one two three four five six seven"))
        for row in call.conversation.end():
            call.record(row)
    (item,) = load(call.path).items
    assert (item.cut, item.status, item.heard_text, item.heard_ms) == (
        True,
        "failed",
        "one two",
        400,
    )
    again = Conversation()
    again.restore([item])
    assert again.history() == (("assistant", "one two"),)
    assert again.rows[0].state is State.FAILED


def test_a_reply_that_grows_for_hours_takes_no_longer_with_every_word(tmp_path: Path) -> None:
    """Put together anew with each of its pieces, these would be some hundred thousand million."""
    journal = Journal.open(tmp_path, "m", "p", print, clock=lambda: 0.0)
    conversation, count = Conversation(), 100_000
    words = "and on and on and on and on and on and on and on and on "
    for _ in range(count):
        for row in conversation.apply(ReplyText("r", "a", words)):
            journal.record(row, conversation.rows)
    for row in conversation.apply(ReplyFinished("r")):
        journal.record(row, conversation.rows)
    assert journal.close(20) and journal.path is not None
    assert load(journal.path).items[0].text == words * count


def test_the_model_of_an_answer_is_the_one_that_gave_it(tmp_path: Path) -> None:
    with called(tmp_path) as call:
        call.reply("a", "one")
        call.journal.model = "model-2"
        call.reply("b", "two")
    assert [item.model for item in load(call.path).items] == ["model-1", "model-2"]


@pytest.mark.fault("S07")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_nobody_else_may_read_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with called(tmp_path / "data" / "voicechat") as call:
            call.type("secret")
            path = call.path
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, tmp_path / "data" / "voicechat", tmp_path / "data"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_an_open_folder_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "conversations").mkdir(mode=0o755)
    with called(tmp_path) as call:
        call.type("secret")
    assert (tmp_path / "conversations").stat().st_mode & 0o777 == 0o700


@pytest.mark.fault("D11")
def test_calls_of_the_same_second_have_files_of_their_own(tmp_path: Path) -> None:
    calls = [Call(tmp_path) for _ in range(20)]
    for number, call in enumerate(calls):
        call.type(f"call {number}")
    paths = [call.path for call in calls]
    assert len(set(paths)) == 20
    assert [load(path).items[0].text for path in paths] == [f"call {n}" for n in range(20)]
    assert all(call.journal.close(10) for call in calls)


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    assert data_folder({"VOICECHAT_DATA": str(tmp_path)}) == tmp_path
    assert data_folder({}).name == "voicechat"


def test_the_null_journal_keeps_nothing(tmp_path: Path) -> None:
    journal: TranscriptWriter = NullJournal()
    journal.record(Row("a", "user", "hello", state=State.DONE), [])
    assert journal.close()


def test_a_journal_is_a_recorder(tmp_path: Path) -> None:
    journal: TranscriptWriter = Journal.open(tmp_path, "m", "p", print)
    assert journal.close()


# -- a disk that refuses --------------------------------------------------------------------------


@pytest.mark.fault("D02")
def test_a_folder_that_is_a_file_is_told_once_and_saved_when_it_is_mended(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("in the way")
    call = Call(data)
    call.type("one")
    wait_for(lambda: bool(call.errors))
    call.type("two")
    assert not call.journal.flush(0.3)
    assert len(call.errors) == 1
    assert "Cannot save the conversation" in call.errors[0].message
    assert call.errors[0].code == "not_saved" and "as soon as" in call.errors[0].message
    data.unlink()
    call.type("three")
    assert call.said() == ["one", "two", "three"]
    assert len(call.errors) == 1
    assert call.journal.close(10)


def test_it_is_tried_again_without_a_new_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("in the way")
    call = Call(data)
    call.type("one")
    wait_for(lambda: bool(call.errors))
    data.unlink()
    assert call.said() == ["one"]
    assert call.journal.close(10)


def test_closing_does_not_wait_for_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    call = Call(tmp_path / "data")
    call.type("one")
    assert not call.journal.close(5)


@pytest.mark.fault("D01", "D09")
def test_what_waits_in_memory_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    call = Call(tmp_path / "data")
    for _ in range(15):
        call.type("x" * 1_000_000)
    (tmp_path / "data").unlink()
    call.type("the last")
    assert call.journal.flush(20)
    assert call.path.stat().st_size <= 10_000_000 + 1_000
    assert load(call.path).damaged_lines == 0
    assert call.journal.close(10)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 KiB, which needs the right to mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    mounted = done.returncode == 0
    try:
        yield folder if mounted else Path("/dev/full")
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.fault("D01")
def test_a_full_disk_costs_nothing_once_there_is_room_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        call = Call(disk)
        if disk == Path("/dev/full"):  # Nobody lets us mount: a folder that refuses everything.
            call.type("one")
            wait_for(lambda: bool(call.errors))
            assert not call.journal.close(5)
            return
        call.type("before")
        path = call.path
        ballast = disk / "ballast"
        fill(ballast)
        words = [f"{number} " + "x" * 3000 for number in range(10)]
        for text in words:
            call.type(text)
        wait_for(lambda: bool(call.errors))
        assert "space" in call.errors[0].message
        assert load(path).items[0].text == "before"
        ballast.unlink()
        call.type("after")
        assert call.said() == ["before", *words, "after"]
        assert len(call.errors) == 1
        assert load(path).damaged_lines == 0
        assert call.journal.close(10)


def fill(path: Path) -> None:
    """Leave two blocks: enough for half of what comes."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(path, path.stat().st_size - 8192)


def wait_for(condition: Any, limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


# -- kill -9 --------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.journal import Journal

journal = Journal.open(Path(sys.argv[1]), "m", "p", print)
conversation = Conversation()
number = 0
while True:
    row = conversation.typed(f"msg_{number}", f"say {number} " + "é" * (number % 500))
    journal.record(row, conversation.rows)
    assert journal.flush(30)
    print(number, flush=True)
    number += 1
"""


@pytest.mark.fault("D03")
@pytest.mark.parametrize("after", [1, 7, 60])
def test_everything_acknowledged_survives_kill_9(tmp_path: Path, after: int) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(after)][-1]
        child.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, child.stdout.read().split())])
    (path,) = (tmp_path / "conversations").iterdir()
    loaded = load(path)
    assert [item.id for item in loaded.items[: acknowledged + 1]] == [
        f"msg_{number}" for number in range(acknowledged + 1)
    ]
    assert loaded.damaged_lines <= 1


# -- files that others damaged --------------------------------------------------------------------


@pytest.fixture
def good(tmp_path: Path) -> bytes:
    with called(tmp_path / "good") as call:
        call.type("one 你好")
        call.reply("a", "answer")
        call.type("three 👨‍👩‍👧")
        row = call.conversation.cut(Heard("a", 10, 1000), is_complete=True)
        assert row is not None
        call.record(row)
    return call.path.read_bytes()


@pytest.mark.fault("D05")
def test_a_file_cut_at_any_byte_gives_every_whole_line(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "cut.jsonl"
    whole = [len(line) for line in good.splitlines(keepends=True)]
    for at in range(len(good) + 1):
        path.write_bytes(good[:at])
        loaded = load(path)
        complete = [n for n in range(1, 4) if at >= sum(whole[: n + 1]) - 1]
        assert len(loaded.items) == len(complete)
        assert loaded.damaged_lines <= 1
        assert loaded.damaged_lines == 0 or not loaded.items or loaded.items[0].text == "one 你好"


@pytest.mark.fault("D05")
@pytest.mark.parametrize(
    "junk",
    [
        b"\x00" * 5000 + b"\n",
        bytes(range(256)) + b"\n",
        b"{" * 100_000 + b"\n",
        b'{"type":"item","id":"x","role":"system","text":"no"}\n',
        b'{"type":"item","id":"x","role":"user","text":7}\n',
        b'{"type":"item","id":["x"],"role":"user","text":"no"}\n',
        b'{"type":"item","role":"user","text":"no"}\n',
        b'{"type":"draft","item":3}\n',
        b'{"type":"amend"}\n',
        b"[1,2]\n",
        b"null\n",
        b"x" * 20_000_000 + b"\n",
        b"9" * 10_000 + b"\n",
    ],
)
def test_damage_anywhere_leaves_the_good_lines(tmp_path: Path, good: bytes, junk: bytes) -> None:
    path = tmp_path / "bad.jsonl"
    lines = good.splitlines(keepends=True)
    for at in range(len(lines) + 1):
        path.write_bytes(b"".join([*lines[:at], junk, *lines[at:]]))
        loaded = load(path)
        assert [item.text for item in loaded.items] == ["one 你好", "answer", "three 👨‍👩‍👧"]
        assert loaded.damaged_lines >= 1
        assert loaded.items[1].heard_ms == 10
        assert loaded.header["model"] == "model-1"


@pytest.mark.fault("D05")
def test_records_of_the_future_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text(
        '{"type":"conversation","version":9,"id":"x"}\n{"type":"mood","text":"?"}\n'
        '{"type":"item","id":"a","role":"user","text":"hi","colour":"red"}\n'
    )
    loaded = load(path)
    assert loaded.items == (JournalItem("a", "user", "hi"),) and loaded.damaged_lines == 0


@pytest.mark.fault("D05")
def test_the_last_of_several_amends_counts_and_ids_stay_unique(tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    item = '{"type":"item","id":"a","role":"assistant","text":"hi"}\n'
    amend = '{"type":"amend","id":"a","cut":true,"heard_ms":%d}\n'
    path.write_text(item + amend % 1 + item + amend % 2 + amend.replace('"a"', '"b"') % 3)
    loaded = load(path)
    assert loaded.items == (JournalItem("a", "assistant", "hi", cut=True, heard_ms=2),)


@pytest.mark.fault("T02")
def test_a_file_cannot_smuggle_escapes_onto_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "evil.jsonl"
    path.write_text('{"type":"item","id":"a","role":"user","text":"\\u001b[31mred\\u0007"}\n')
    assert load(path).items[0].text == "red"


@pytest.mark.fault("D05")
def test_an_empty_or_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path)
    path.touch()
    assert load(path).items == ()
