"""Escaping for display: JSON text in which every character is seen (Unicode 4.4 and 5.21).

Deleting what hides (`voicechat.text.clean`) is right for words that are read.  Where something is
about to be done, or is parsed again, nothing may be missing: controls, bidi marks, blanks that are
no space, invisible and unassigned characters, lone surrogates and marks without a letter under
them are written as JSON writes them, `\\u202e`.  A real backslash is `\\\\` in JSON, so the text
means exactly one value, the one it was made from.
"""

import json
import re
import unicodedata
from typing import Any

ESCAPE = re.compile(r"\\(?:(u[0-9a-f]{4}|[bfnrt])|.)")
"""An escape of JSON; the group is there where it stands for a character that is not seen."""

_MOST_MARKS = 4
"""Marks on one letter; more than living languages need could grow over other lines."""
_LONGEST_GAP = 8
"""Spaces in a row, as in indented code; more could push something out of sight."""

_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]+")
_GAP = re.compile(f" {{{_LONGEST_GAP + 1},}}")
# Printable to Python, and yet nothing is seen: fillers, the blank of Braille, selectors.
_UNSEEN = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\U0001d159\U000e0100-\U000e01ef]"
)


def visible_json(value: Any, indent: int | None = None) -> str:
    """A value as JSON that shows every character of it; `json.loads` gives the value back."""
    return visible(json.dumps(value, ensure_ascii=False, indent=indent))


def visible(text: str) -> str:
    """JSON text with an escape for each character that hides; line feeds between values stay.

    Linear and idempotent; `clean` finds nothing to take away.
    """
    return text if text.isascii() and text.isprintable() else _NOT_ASCII.sub(_show, text)


def without_gaps(text: str) -> str:
    """JSON text, not indented, in which a long run of spaces is seen: as escapes, but for one."""
    return _GAP.sub(lambda gap: " " + r"\u0020" * (len(gap[0]) - 1), text)


def _show(match: re.Match[str]) -> str:
    before = match.string[match.start() - 1 : match.start()]
    room = _MOST_MARKS if before.isalpha() else 0
    shown: list[str] = []
    for char in match[0]:
        is_mark = unicodedata.category(char)[0] == "M"
        is_seen = char.isprintable() and not _UNSEEN.match(char) and (room > 0 or not is_mark)
        shown.append(char if is_seen else _escape(char))
        room = room - 1 if is_mark and is_seen else _MOST_MARKS if is_seen and char.isalpha() else 0
    return "".join(shown)


def _escape(char: str) -> str:
    """As JSON writes it: beyond U+FFFF as a pair of surrogates."""
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else json.dumps(char)[1:-1]
