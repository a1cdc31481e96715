"""Localization: an English sentence that remembers its message key and its values.

The English pattern is the key, as in gettext: a translation is found by it, never by reading the
finished sentence again.  A phrase is a `str`, so whoever knows nothing of languages (a journal, a
script, a log) has the English words.
"""

from collections.abc import Callable, Mapping
from typing import Any


class Phrase(str):
    """`key` filled in with `values`; a value may be a phrase itself."""

    __slots__ = ("key", "values")

    key: str
    """The English pattern, with its gaps by name: `{who} was not found`."""
    values: Mapping[str, object]


def message_key(key: str) -> str:
    """Mark a pattern in a table for the catalog; `phrase` fills it in later (gettext_noop)."""
    return key


def phrase(key: str, /, **values: object) -> Phrase:
    """An English sentence that can be told in other languages.

    Args:
        key: The pattern, written where it is used, so that tools find it; gaps as `{name}` or with
            a format, `{seconds:.0f}`.

    Raises:
        KeyError: a gap has no value.
    """
    made = Phrase(key.format_map(values) if values else key)
    made.key = key
    made.values = values
    return made


def refilled(told: str, change: Callable[[str], str]) -> str:
    """A phrase whose values were changed, each by itself; any other text changed as a whole."""
    if not isinstance(told, Phrase):
        return change(told)
    if not told.values:
        return told
    values = {
        name: refilled(value, change) if isinstance(value, str) else value
        for name, value in told.values.items()
    }
    return phrase(told.key, **values)


def to_json(told: str) -> dict[str, Any] | str:
    """A text for another process; a phrase as its key and values."""
    if not isinstance(told, Phrase):
        return told
    return {"key": told.key, "values": {name: _plain(one) for name, one in told.values.items()}}


def from_json(value: object, english: str) -> str:
    """The phrase that `to_json` wrote, if it reads like the English beside it; else the English."""
    try:
        told = _from_json(value)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError, RecursionError):
        return english
    return told if told == english else english


def _plain(value: object) -> object:
    if isinstance(value, str):
        return to_json(value)
    return value if isinstance(value, int | float) else str(value)


def _from_json(value: object) -> str:
    match value:
        case str(text):
            return text
        case {"key": str(key), "values": dict(values)}:
            return phrase(key, **{name: _value(one) for name, one in values.items()})
    raise TypeError


def _value(value: object) -> object:
    return value if isinstance(value, int | float) else _from_json(value)


def without_stop(text: str) -> str:
    """For the middle of a sentence: without the full stop at its end, still a phrase if it was."""
    return text.rstrip(" .\u3002") if text.endswith((" ", ".", "\u3002")) else text
