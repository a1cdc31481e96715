"""A conversation as Markdown, as text and as JSON."""

import json
import os
import time
from collections.abc import Iterator

import pytest

from voicechat.conversation.journal import JournalItem, Loaded, export

ITEMS = (
    JournalItem("a", "user", "What is 1*2?\n# not a heading", "2026-11-21T12:00:00.000Z"),
    JournalItem("t", "tool", 'sum {"of": [1]} → 2', status="failed"),
    JournalItem(
        "b",
        "assistant",
        "It is two. Or not",
        spoken=True,
        model="m-1",
        cut=True,
        heard_text="It is",
    ),
    JournalItem("p", "user", "cat.jpg", code="picture"),
    JournalItem("c", "assistant", "half an ans", status="open"),
    JournalItem("u", "user", "", spoken=True),
)
TALK = Loaded({"type": "conversation", "started": "2026-11-21T12:00:00.000Z"}, ITEMS, 2)


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    """Two hours east, so that a time that was not made local is seen."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC-2"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_as_text_it_reads_as_it_was_heard() -> None:
    assert export("x", TALK, "txt") == (
        "Conversation x\nBegan 2026-11-21 14:00\nLines that could not be read: 2\n"
        "\nYou (14:00):\nWhat is 1*2?\n# not a heading\n"
        '\nTool:\nsum {"of": [1]} → 2 [failed]\n'
        "\nModel (m-1, spoken):\nIt is [cut: the rest was not heard]\n"
        "\nYou:\n[picture] cat.jpg\n"
        "\nModel:\nhalf an ans [broken off]\n"
        "\nYou (spoken):\n[no words]\n"
    )


@pytest.mark.fault("T05")
def test_as_markdown_no_word_is_markup() -> None:
    text = export("x", TALK, "md")
    assert text.startswith("# Conversation x\n\nBegan 2026-11-21 14:00\n")
    assert "**You (14:00)**\n\n> What is 1\\*2?  \n> \\# not a heading  \n" in text


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("  + item", "\\+ item"),
        ("===", "\\==="),
        ("    code", "code"),
        ("![x](http://y)", "\\!\\[x\\](http://y)"),
        ("<b>", "\\<b\\>"),
        ("1.5 litres", "1\\.5 litres"),
        ("plain words, 5", "plain words, 5"),
    ],
)
def test_what_begins_like_markup_is_shielded(said: str, written: str) -> None:
    text = export("x", Loaded({}, (JournalItem("a", "user", said),), 0), "md")
    assert text.endswith(f"**You**\n\n> {written}  \n")


def test_as_json_it_is_everything() -> None:
    found = json.loads(export("x", TALK, "json"))
    assert (found["id"], found["started"], found["damaged_lines"]) == (
        "x",
        "2026-11-21T12:00:00.000Z",
        2,
    )
    assert tuple(JournalItem(**item) for item in found["items"]) == ITEMS


@pytest.mark.parametrize("kind", ["md", "txt", "json"])
def test_odd_times_and_an_empty_talk_are_no_trouble(kind: str) -> None:
    odd = Loaded({"started": ["no"]}, (JournalItem("a", "user", "hi", time="yesterday"),), 0)
    assert "hi" in export("x", odd, kind)
    assert export("x", Loaded({}, (), 0), kind).endswith("\n")
