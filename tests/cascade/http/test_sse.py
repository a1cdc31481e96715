"""Streams of events, whole and in crumbs, as tidy and as loose as services send them."""

import json
from typing import Any

import pytest

from voicechat.cascade.http import sse
from voicechat.cascade.http.sse import EventReader
from voicechat.errors import ServiceError

_A, _B = {"a": 1}, {"b": "ü"}
_FORMS: list[tuple[str, bytes, list[Any]]] = [
    ("tidy", b'data: {"a": 1}\n\ndata: {"b": "\xc3\xbc"}\n\ndata: [DONE]\n\n', [_A, _B]),
    ("crlf", b'data: {"a": 1}\r\n\r\ndata: {"b": "\xc3\xbc"}\r\n\r\n', [_A, _B]),
    ("no blank", b'data:{"a": 1}\ndata:{"b": "\xc3\xbc"}\n', [_A, _B]),
    ("no end", b'data: {"a": 1}\n\ndata: {"b": "\xc3\xbc"}', [_A, _B]),
    ("comments", b': ping\n\nevent: x\nid: 7\nretry: 1\ndata: {"a": 1}\n\n: ping\n', [_A]),
    ("two lines", b'data: {"a":\ndata: 1}\n\ndata: {"b": "\xc3\xbc"}\n\n', [_A, _B]),
    ("noise", b'data: nonsense\n\ndata: 7\n\ndata: {"a": 1}\n\n', [_A]),
    ("byte order mark", b'\xef\xbb\xbfdata: {"a": 1}\n\n', [_A]),
    ("one object", b'{\n  "a": 1\n}', [_A]),
    ("an array", b'[{"a": 1}\n,\n{"b": "\xc3\xbc"}]\n', [_A, _B]),
    (
        "bare error",
        b'data: {"a": 1}\n\n{\n "error": {\n  "code": 5\n }\n}\n',
        [_A, {"error": {"code": 5}}],
    ),
    ("after the end", b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b": 2}\n\n', [_A]),
    ("nothing", b"", []),
]


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(
    ("data", "events"), [form[1:] for form in _FORMS], ids=[f[0] for f in _FORMS]
)
def test_events_are_found_in_every_form_and_in_pieces_of_any_size(
    data: bytes, events: list[Any], size: int
) -> None:
    reader = EventReader()
    found: list[Any] = []
    for at in range(0, len(data), size):
        found += reader.feed(data[at : at + size])
    assert [*found, *reader.finish()] == events


def test_large_event_in_small_pieces_is_read() -> None:
    reader = EventReader()
    found: list[Any] = []
    data = b"data: " + json.dumps({"sound": "A" * 3_000_000}).encode() + b"\n\n"
    for at in range(0, len(data), 4096):
        found += reader.feed(data[at : at + 4096])
    assert [len(event["sound"]) for event in found] == [3_000_000]


def test_line_without_end_is_refused() -> None:
    reader = EventReader()
    with pytest.raises(ServiceError):
        _feed_for_ever(reader)


def _feed_for_ever(reader: EventReader) -> None:
    for _ in range(sse._LONGEST // 2**20 + 2):
        assert not list(reader.feed(b"x" * 2**20))
