"""A call of many hours: what is remembered of it has an end, and what is forgotten does no harm."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.glm.call import Call as GlmCall
from tests.providers.openai.call import Call, only
from voicechat.events import ReplyFinished, ReplyText, SendToolResult, Tool, ToolCalled
from voicechat.providers.base import Dialect

REPLIES = 1000
MOST = 600
"""Members of anything that a dialect remembers."""
TOOL = Tool("f", "Does it.", {"type": "object"})


def held(value: object, path: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    """Every container inside our own objects, and how many members it has."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict | list | set | tuple):
        yield path, len(value)
        members: list[tuple[Any, Any]] = list(enumerate(value))
        if isinstance(value, dict):
            members = list(value.items())
        for name, member in members:
            yield from held(member, f"{path}[{name!r}]", seen)
    elif type(value).__module__.startswith("voicechat"):
        for name in (*vars_of(value),):
            yield from held(getattr(value, name), f"{path}.{name}", seen)


def vars_of(value: object) -> Iterator[str]:
    yield from getattr(value, "__dict__", ())
    for kind in type(value).__mro__:
        yield from (name for name in getattr(kind, "__slots__", ()) if hasattr(value, name))


def too_large(dialect: Dialect) -> dict[str, int]:
    return {path: size for path, size in held(dialect, "dialect", set()) if size > MOST}


def test_ten_hundred_replies_leave_no_more_than_the_last_of_them() -> None:
    call = Call(tools=(TOOL,)).ready()
    for at in range(REPLIES):
        name = f"resp_{at}"
        call.begins(name)
        [words] = only(ReplyText, call.writes("Yes.", name, f"item_{at}"))
        assert (words.reply_id, words.text) == (name, "Yes.")
        call.speaks(20, name, f"item_{at}")
        assert only(ReplyFinished, call.ends(name))
        call.sent()
    assert too_large(call.dialect) == {}


def test_calls_that_nobody_answers_are_forgotten_one_by_one() -> None:
    call = Call(tools=(TOOL,)).ready()
    for at in range(REPLIES):
        call.begins(f"resp_{at}")
        item = {"id": f"fc_{at}", "type": "function_call", "call_id": f"call_{at}", "name": "f"}
        begun = {**item, "id": f"never_{at}", "status": "in_progress"}
        call.says("response.output_item.added", response_id=f"resp_{at}", item=begun)
        done = {**item, "status": "completed", "arguments": "{}"}
        told = call.says("response.output_item.done", response_id=f"resp_{at}", item=done)
        assert len(only(ToolCalled, told)) == 1
        call.ends(f"resp_{at}")
    assert too_large(call.dialect) == {}
    assert call.does(SendToolResult("call_0", "f", "{}")) == []
    assert call.does(SendToolResult(f"call_{REPLIES - 1}", "f", "{}")) != []


@pytest.mark.parametrize("kinds", [("text",), ("audio_transcript", "text")])
def test_glm_knows_for_long_in_which_stream_the_words_of_a_reply_come(kinds: list[str]) -> None:
    call = GlmCall().ready()
    for at in range(REPLIES):
        name = f"resp_{at}"
        call.begins(name)
        told = [event for kind in kinds for event in call.writes("Yes.", kind, name)]
        assert [event.text for event in only(ReplyText, told)] == ["Yes."]
        call.ends(name)
        call.sent()
    assert too_large(call.dialect) == {}


def test_a_reply_of_thousands_of_pieces_is_told_whole_and_only_once() -> None:
    call = Call().ready()
    call.begins()
    words = [f"word {at} " for at in range(5000)]
    told = [event.text for one in words for event in only(ReplyText, call.writes(one))]
    assert told == words
    largest = max(size for _, size in held(call.dialect, "dialect", set()))
    assert largest < len(words) / 2, "every piece is kept by itself"
    whole = "".join(words)
    ids = {"response_id": "resp_1", "item_id": "item_A"}
    settled, again = (
        only(ReplyText, call.says("response.output_audio_transcript.done", transcript=whole, **ids))
        for _ in range(2)
    )
    assert [(one.text, one.final) for one in settled] == [(whole, True)] and again == []
