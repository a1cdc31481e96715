"""Localization: an English sentence that remembers its message key and its values.

The English pattern is the key, as in gettext: a translation is found by it, never by reading the
finished sentence again.  A phrase is a `str`, so whoever knows nothing of languages (a journal, a
script, a log) has the English words.
"""

from collections.abc import Mapping


class Phrase(str):
    """`key` filled in with `values`; a value may be a phrase itself."""

    __slots__ = ("key", "values")

    key: str
    """The English pattern, with its gaps by name: `{who} was not found`."""
    values: Mapping[str, object]


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
