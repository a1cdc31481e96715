"""Localization: an English sentence that remembers its message key and its values.

The English pattern is the key, as in gettext: a translation is found by it, never by reading the
finished sentence again.  A phrase is a `str`, so whoever knows nothing of languages (a journal, a
script, a log) has the English words.
"""

from collections.abc import Callable, Mapping


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


def without_stop(text: str) -> str:
    """For the middle of a sentence: without the full stop at its end, still a phrase if it was."""
    return text.rstrip(" .\u3002") if text.endswith((" ", ".", "\u3002")) else text
