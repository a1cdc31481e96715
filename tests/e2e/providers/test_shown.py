"""A picture for every realtime model: sent as its protocol sends it, or not at all and told so."""

import base64
import json
from typing import Any

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.dialects import DIALECTS, kinds, received
from tests.front.pictures.drawn import SECRET, opened, photo, saved

SEEING = [name for name, dialect in DIALECTS.items() if dialect.shows_picture]
BLIND = [name for name, dialect in DIALECTS.items() if not dialect.shows_picture]


def draw(program: Program) -> None:
    """A picture with something in it that is nobody's business."""
    data = saved(photo(400, 300), "JPEG", comment=SECRET)
    assert SECRET in data
    (program.home / "my photo.jpg").write_bytes(data)


@pytest.mark.parametrize("name", SEEING)
async def test_a_picture_goes_with_the_question(program: Program, name: str) -> None:
    dialect = DIALECTS[name]
    dialect.configure(program)
    draw(program)
    line = '/image "my photo.jpg" What is it?\n'
    async with dialect.serving(dialect.scripts.typed) as server:
        done = await dialect.run(program, server, stdin=line)
    assert (done.code, done.err) == (0, ""), done.out
    assert [event["status"] for event in done.of("reply_done")] == ["completed"]
    (row,) = done.of("user")
    assert row["text"].startswith("my photo.jpg 400×300") and "What is it?" in row["text"]
    shown = [entry for entry in received(server) if holds_picture(entry, dialect.shows_picture)]
    assert shown and (len(shown) == 1 or name == "glm"), kinds(server)  # There with every turn.
    words = json.dumps([entry["message"] for entry in received(server)])
    assert "What is it?" in words and "my photo" not in words
    check_sight(server, shown[0])


def holds_picture(entry: dict[str, Any], kind: str) -> bool:
    within = {"conversation.item.create": "input_image", "clientContent": "inlineData"}
    return entry["type"] == kind and within.get(kind, "") in json.dumps(entry["message"])


def check_sight(server: Any, entry: dict[str, Any]) -> None:
    """Where the stand-in keeps the picture, it is one, and bare."""
    data = [*getattr(server.sessions[-1], "pictures", [])]
    for part in entry["message"].get("item", {}).get("content", []):
        if part["type"] == "input_image":
            data.append(base64.b64decode(part["image_url"].partition(";base64,")[2]))
    for one in data:
        assert opened(one).size == (400, 300) and SECRET not in one


@pytest.mark.parametrize("name", BLIND)
async def test_a_model_that_sees_nothing_gets_nothing_and_the_user_is_told(
    program: Program, name: str
) -> None:
    dialect = DIALECTS[name]
    dialect.configure(program)
    draw(program)
    lines = '/image "my photo.jpg" What is it?\n' + "hello\n" * dialect.reads
    async with dialect.serving(dialect.scripts.typed) as server:
        done = await dialect.run(program, server, stdin=lines)
    (notice,) = (event for event in done.of("notice") if event["code"] == "no_pictures")
    assert "sees no pictures" in notice["text"]
    assert [event["text"] for event in done.of("user")] == ["hello"] * dialect.reads
    assert [event["status"] for event in done.of("reply_done")] == ["completed"] * dialect.reads
    sent = json.dumps([entry["message"] for entry in received(server)])
    assert "What is it?" not in sent and "image" not in sent
