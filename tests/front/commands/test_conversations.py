"""`voicechat conversations` and `voicechat export` on stdout."""

import json
from dataclasses import replace

import pytest

from voicechat.conversation.journal import JournalItem, Loaded, StoredConversation
from voicechat.front.commands.conversations import list_conversations, print_conversation

ONE = StoredConversation(
    "20261121-120000-abcdef", "", "2026-11-21T12:00:00.000Z", "m-1", 1, "你好", 0
)
TWO = replace(ONE, id="20261120-120000-abcdef", last="", rows=12, words="", damaged_lines=1)
BAD = replace(ONE, id="bad", rows=0, words="", model="", damaged_lines=2, problem="It is gone")


def test_each_conversation_takes_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_conversations([ONE, TWO, BAD], as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("20261121-120000-abcdef  2026-11-2")
    assert lines[0].endswith("  1 row  m-1") and lines[1] == "    你好"
    assert lines[2] == "20261120-120000-abcdef  12 rows  m-1"
    assert lines[3] == "    1 line cannot be read"
    assert lines[5:] == ["    It is gone", "    2 lines cannot be read"]


def test_as_json_everything_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_conversations([ONE, BAD], as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert [StoredConversation(**one) for one in found] == [ONE, BAD]


def test_no_conversation_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_conversations([], as_json=False) == 0
    assert capsys.readouterr().out == "No conversation was kept so far.\n"
    assert list_conversations([], as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_could_not_be_read_is_told_beside_the_conversation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loaded = Loaded({}, (JournalItem("a", "user", "hello"),), 1)
    assert print_conversation("x", loaded, "txt") == 0
    told = capsys.readouterr()
    assert "hello" in told.out
    assert told.err == "voicechat: 1 line of conversation x cannot be read; the rest is here\n"
