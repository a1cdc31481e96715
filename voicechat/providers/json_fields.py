"""Reading JSON that somebody else wrote: every reader answers, whatever the field holds.

The rule: a missing field and one of the wrong type are the same thing.  Servers that call
themselves compatible send both.
"""

import json
from collections import deque
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

LONGEST_ID = 256
_LARGEST = 2**53
_REMEMBERED = 64


def decode(message: str | bytes) -> JsonObject | str:
    """One wire message as an object, or the reason why it is none.

    Never raises: bad UTF-8 is replaced; numbers too long to read and nesting too deep to follow
    count as no JSON.
    """
    text = message if isinstance(message, str) else message.decode("utf-8", "replace")
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return "not JSON"
    return value if isinstance(value, dict) else "not an object"


def text(source: JsonObject, key: str) -> str:
    """A string, or the empty one."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def identity(source: JsonObject, key: str) -> str:
    """An id that can be sent back as it came, or the empty string."""
    value = text(source, key)
    return value if len(value) <= LONGEST_ID and value.isprintable() else ""


def table(source: JsonObject, *path: str) -> JsonObject:
    """The object at the end of a path of keys, or an empty one."""
    value: object = source
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(source: JsonObject, key: str) -> list[JsonObject]:
    """The objects in a list; what is no object is left out."""
    value = source.get(key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def count(source: JsonObject, key: str) -> int:
    """A whole number from zero up, or zero."""
    value = source.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        return 0  # NaN fails both comparisons.
    return int(value)


def place(source: JsonObject, key: str) -> int:
    """An index into a short list (output or content), or zero."""
    value = count(source, key)
    return value if value < 1000 else 0


def moment(source: JsonObject, key: str) -> float | None:
    """A Unix time after 1970, or None."""
    value = count(source, key)
    return float(value) if value else None


class Repeats:
    """Knows the last messages again: the very same bytes with the same `event_id` count once."""

    def __init__(self) -> None:
        self._seen: deque[tuple[str, int]] = deque(maxlen=_REMEMBERED)

    def has(self, content: JsonObject, message: str | bytes) -> bool:
        """Whether this message came a moment ago; one without an id never counts as repeated."""
        event_id = identity(content, "event_id")
        mark = (event_id, hash(message))
        if not event_id or mark in self._seen:
            return bool(event_id)
        self._seen.append(mark)
        return False
