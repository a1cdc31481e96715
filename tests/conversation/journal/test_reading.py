"""Reading back: tools and pictures, and every good line of a file that was damaged."""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bench.journal import damage
from tests.conversation.journal.talk import talking, wait_for
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.journal import JournalItem, load
from voicechat.conversation.journal.file import encode
from voicechat.errors import ConfigError
from voicechat.events import (
    Heard,
    InputTranscript,
    ReplyText,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
)


def line(name: str, **more: Any) -> bytes:
    return encode({"type": "item", "id": name, "role": "user", "text": f"say {name}", **more})


def ids(path: Path) -> list[str]:
    return [item.id for item in load(path).items]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talk.jsonl"


# -- tools and pictures ---------------------------------------------------------------------------


def test_a_tools_call_and_its_answer_are_one_row_in_its_place(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.type("ask")
        talk.hear(ToolCalled("r", "call_1", "weather", '{"at": "Paris"}'))
        talk.hear(ToolAnswered("call_1", "weather", '{"sky": "blue"}'))
        talk.reply("answer")
        talk.hear(
            ToolCalled("r2", "call_2", "weather", "{}"), ToolAnswered("call_2", "", "no", True)
        )
        talk.hear(ToolCalled("r3", "call_3", "weather", "{}"), ToolsCancelled(("call_3",)))
        items = load(talk.path).items
    assert [(item.id, item.role, item.status) for item in items] == [
        ("ask", "user", ""),
        ("call_1", "tool", ""),
        ("answer", "assistant", ""),
        ("call_2", "tool", "failed"),
        ("call_3", "tool", "failed"),
    ]
    assert items[1].text == 'weather {"at": "Paris"} → {"sky": "blue"}'


def test_a_call_that_has_no_answer_yet_is_kept_at_once(tmp_path: Path) -> None:
    """Tools may run for minutes, and what is said meanwhile waits for them."""
    with talking(tmp_path) as talk:
        talk.hear(ToolCalled("r", "call_1", "slow", "{}"))
        talk.type("meanwhile")
        loaded = load(talk.path)
    assert [(item.id, item.status) for item in loaded.items] == [
        ("call_1", "open"),
        ("meanwhile", ""),
    ]


def test_a_picture_is_known_for_one(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.record(talk.conversation.shown("p", "cat.jpg 640×480", "who is that?"))
        (item,) = load(talk.path).items
    assert (item.role, item.code, item.text) == ("user", "picture", "cat.jpg 640×480  who is that?")


def test_what_was_read_back_is_the_conversation_again(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.record(talk.conversation.shown("p", "cat.jpg", "look"))
        talk.hear(ToolCalled("r", "t", "name", "{}"), ToolAnswered("t", "name", "Mitzi"))
        talk.hear(ReplyText("r", "cut", "one two three four five", final=True))
        row = talk.conversation.cut(Heard("cut", 500, 1000), is_complete=True)
        assert row is not None
        talk.record(row)
        talk.reply("whole")
        items = load(talk.path).items
        before = talk.conversation
    after = Conversation()
    after.restore(items)
    facts = ("id", "role", "text", "spoken", "state", "heard_ms", "heard_text", "code")
    described = [[getattr(row, fact) for fact in facts] for row in before.rows]
    assert [[getattr(row, fact) for fact in facts] for row in after.rows] == described
    assert after.history() == before.history() and len(after.history()) == 3


# -- damage ---------------------------------------------------------------------------------------


def test_a_byte_order_mark_and_foreign_line_ends_are_no_damage(path: Path) -> None:
    header = encode({"type": "conversation", "version": 1, "id": "x", "model": "m"})
    text = b"\xef\xbb\xbf" + (header + line("a") + b"\n" + line("b")).replace(b"\n", b"\r\n")
    path.write_bytes(text)
    loaded = load(path)
    assert [item.id for item in loaded.items] == ["a", "b"]
    assert loaded.damaged_lines == 0 and loaded.model == "m"


def test_a_line_behind_a_torn_one_is_saved(path: Path) -> None:
    path.write_bytes(line("a") + line("torn")[:20] + line("b") + line("c"))
    assert ids(path) == ["a", "b", "c"]
    assert load(path).damaged_lines == 1


def test_a_text_that_looks_like_a_line_is_a_text(path: Path) -> None:
    fake = line("fake").decode().strip()
    path.write_bytes(line("a", text=fake) + line("torn", text=fake)[:-3] + b"\n" + line("b"))
    assert ids(path) == ["a", "b"]
    assert load(path).items[0].text == fake


@pytest.mark.fault("D05")
def test_zeros_of_a_power_failure_cost_no_good_line(path: Path) -> None:
    path.write_bytes(line("a") + bytes(4096) + line("b") + line("c")[:-1] + bytes(100))
    assert ids(path) == ["a", "b", "c"]
    assert load(path).damaged_lines == 2


def test_the_rest_of_a_huge_line_is_not_read_as_lines(path: Path) -> None:
    path.write_bytes(line("a") + b"x" * 40_000_000 + line("within") + line("b"))
    assert ids(path) == ["a", "b"]
    assert load(path).damaged_lines == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": 5},
        {"spoken": "yes"},
        {"model": None},
        {"cut": 1},
        {"heard_text": []},
        {"heard_ms": "9"},
        {"heard_ms": 1.5},
        {"heard_ms": True},
        {"status": {}},
        {"code": 0},
    ],
)
def test_a_field_of_the_wrong_type_costs_that_field_alone(
    path: Path, wrong: dict[str, Any]
) -> None:
    path.write_bytes(line("a", **wrong))
    assert load(path).items == (JournalItem("a", "user", "say a"),)
    assert load(path).damaged_lines == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"id": ""},
        {"id": "\x1b[31m"},
        {"id": 1},
        {"text": None},
        {"role": "root"},
        {"role": ["user"]},
    ],
)
def test_a_line_without_what_makes_a_say_is_none(path: Path, bad: dict[str, Any]) -> None:
    path.write_bytes(line("a", **bad) + line("b"))
    assert ids(path) == ["b"] and load(path).damaged_lines == 1


@pytest.mark.parametrize("bad", ["[]", "5", "{}", '{"type":[]}', '{"type":"amend","id":7}'])
def test_a_line_that_is_no_record_is_damage(path: Path, bad: str) -> None:
    path.write_bytes(bad.encode() + b"\n" + line("b"))
    assert ids(path) == ["b"] and load(path).damaged_lines == 1


def test_drafts_stand_behind_what_they_followed(path: Path) -> None:
    def draft(name: str, after: object) -> bytes:
        item = {"id": name, "role": "assistant", "text": name}
        return encode({"type": "draft", "after": after, "item": item})

    drafts = [draft("d1", "a"), draft("d2", "d1"), draft("d0", ""), draft("lost", "nobody")]
    path.write_bytes(line("a") + b"".join(drafts) + draft("odd", 5) + draft("b", "") + line("b"))
    assert ids(path) == ["d0", "a", "d1", "d2", "b", "lost", "odd"]


def test_many_drafts_take_no_longer_than_many_lines(path: Path) -> None:
    """Looking each neighbour up in a list would take minutes here."""
    drafts = [
        {"type": "draft", "after": f"{n - 1}", "item": {"id": f"{n}", "role": "user", "text": "x"}}
        for n in range(60_000)
    ]
    path.write_bytes(b"".join(map(encode, drafts)))
    assert ids(path) == [f"{n}" for n in range(60_000)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), junk=st.binary(max_size=200))
def test_lines_that_were_not_touched_are_there_whatever_stands_between(
    tmp_path_factory: pytest.TempPathFactory, seed: int, junk: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.jsonl"
    dice = random.Random(seed)
    good = [line(f"{number}") for number in range(8)]
    bad = b"\n" + damage(b"".join(good[:3]), dice) + junk + b"\n"
    at = dice.randrange(3, len(good) + 1)
    path.write_bytes(b"".join(good[3:at]) + bad + b"".join(good[at:]))
    assert {f"{number}" for number in range(3, 8)} <= set(ids(path))


@pytest.mark.parametrize("name", ["model", "name"])
def test_the_name_of_the_last_model_is_known(path: Path, name: str) -> None:
    header = {"type": "conversation", "model": "m-1", "name": "p/m-1"}
    records = [{"type": "model", "name": "p/m-2"}, {"type": "resumed", "name": "p/m-3"}]
    path.write_bytes(encode(header) + line("a", role="assistant", model="shown-1"))
    assert (load(path).name, load(path).model) == ("p/m-1", "shown-1")
    with path.open("ab") as file:
        for record in records:
            file.write(encode(record))
        file.write(encode({"type": "model", "name": ["no"]}) + encode({"type": "model"}))
    assert load(path).name == "p/m-3" and load(path).damaged_lines == 1


# -- what is no file of lines ---------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in folders there")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_only_plain_files_are_read(path: Path, kind: str) -> None:
    target = Path("/dev/zero") if kind == "device" else path
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(target)


def test_a_file_that_is_being_written_can_be_read(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.type("a")
        wait_for(lambda: talk.journal.path is not None and ids(talk.journal.path) == ["a"])
        records = [json.loads(one) for one in talk.path.read_text("utf-8").splitlines()]
    assert [record["type"] for record in records] == ["conversation", "item"]


def test_a_spoken_turn_that_is_known_late_stands_where_it_was_said(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.reply("hello")
        talk.conversation.note("news", "notes are not kept, and take no part")
        talk.type("typed")
        talk.hear(TurnCommitted("spoken", "hello"))
        assert talk.ids() == ["hello", "typed"]
        talk.hear(InputTranscript("spoken", "so it was heard", final=True))
        assert talk.ids() == ["hello", "spoken", "typed"]
