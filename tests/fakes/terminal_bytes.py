"""What a program wrote to its terminal, taken apart: text, controls, escape sequences, modes.

The sequences a Textual program writes by itself are listed here; every other one came from a text
that somebody else chose, and is *foreign*.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.fakes.terminal_keyboard import Flags

Kind = Literal["text", "c0", "c1", "esc", "csi", "osc", "dcs"]

_TOKEN = re.compile(
    rb"(?P<csi>\x1b\[[0-?]*[ -/]*[@-~])"
    rb"|(?P<osc>\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?)"
    rb"|(?P<dcs>\x1b[PX^_][^\x1b]*(?:\x1b\\)?)"
    rb"|(?P<esc>\x1b[ -/]*[0-~])"
    rb"|(?P<c0>[\x00-\x1f\x7f])"
    rb"|(?P<c1>\xc2[\x80-\x9f])"
    rb"|(?P<text>(?:[^\x00-\x1f\x7f\xc2]|\xc2(?![\x80-\x9f]))+)"
)
_UNFINISHED = re.compile(
    rb"(?:\x1b(?:[ -/]*|\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?))$"
)
LONGEST_SEQUENCE = 100_000
"""Bytes after which an unfinished sequence is taken for text."""

_OWN = {
    "csi": re.compile(
        rb"\x1b\[(?:"
        rb"[\d;:]*m"  # colours and styles
        rb"|(?:\d+;\d+)?H|\d*[ABCDGK]"  # where to write
        rb"|\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"
        rb"|\?(?:2026|2048)\$p"  # what can you do?
        rb"|>\d+u|<\d*u|=2;2u|\?u"  # kitty keyboard
        rb")"
    ),
    "osc": re.compile(rb"\x1b\]22;[a-z-]*\x07"),  # pointer shape
    "c0": re.compile(rb"[\r\n\t\x08]"),
}
DIRECTION_CHARACTERS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e") | frozenset(
    "\u2066\u2067\u2068\u2069\u061c"
)
HIDDEN_CHARACTERS = frozenset("\u200b\u2028\u2029\u2060\ufeff")
ON_BY_DEFAULT = frozenset({"7", "25"})
MODES = {
    "7": "line wrap off",
    "25": "cursor hidden",
    "1000": "mouse clicks",
    "1002": "mouse drags",
    "1003": "mouse moves",
    "1004": "focus reports",
    "1006": "mouse in SGR form",
    "1015": "mouse in urxvt form",
    "1016": "mouse in pixels",
    "1049": "alternate screen",
    "2004": "bracketed paste",
    "2026": "synchronised output",
    "2048": "resize reports",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A run of text, one control character, or one whole sequence."""

    kind: Kind
    data: bytes


def tokens(raw: bytes) -> Iterator[Token]:
    """Take bytes apart; a broken sequence shows as its ESC (`c0`) and text.

    A string without its end swallows all up to the next ESC, as it does in a real terminal.
    """
    at = 0
    while at < len(raw):
        match = _TOKEN.match(raw, at)
        if match is None:  # a lone 0xC2 at the end
            yield Token("text", raw[at:])
            return
        at = match.end()
        kind: Kind = match.lastgroup or "text"  # type: ignore[assignment]
        yield Token(kind, match.group())


def unfinished(raw: bytes) -> int:
    """Where a sequence or character begins whose end is still to come; else the length."""
    match = _UNFINISHED.search(raw, max(0, len(raw) - LONGEST_SEQUENCE))
    if match:
        return match.start()
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(raw) - back if length > back else len(raw)
        if byte < 0x80:
            break
    return len(raw)


def plain_text(raw: bytes) -> str:
    """The text alone, sequences removed: to look for words that colours may split."""
    kept = (t.data for t in tokens(raw) if t.kind == "text" or t.data in (b"\n", b"\t"))
    return b"".join(kept).decode(errors="replace")


def foreign_sequences(raw: bytes, links: tuple[str, ...] = ()) -> list[str]:
    """Everything written that can act on a terminal and is not Textual's own, as `repr`.

    Finds clipboard writes, titles, links (unless their address begins with one of `links`),
    resets, queries, device strings, 7 and 8 bit forms, BEL, NUL, direction overrides, hidden and
    tag characters, and bytes that are no UTF-8.
    """
    found: list[str] = []
    for token in tokens(raw):
        if token.kind == "text":
            found += _odd_characters(token.data)
        elif not _is_own(token, links):
            found.append(repr(token.data))
    return found


def _is_own(token: Token, links: tuple[str, ...]) -> bool:
    if token.data.startswith(b"\x1b]8;"):
        address = token.data[4:].split(b";", 1)[-1].rstrip(b"\x07\\\x1b").decode(errors="replace")
        return address == "" if not links else address.startswith(("", *links)[bool(address) :])
    own = _OWN.get(token.kind)
    return bool(own and own.fullmatch(token.data))


def _odd_characters(data: bytes) -> list[str]:
    odd: list[str] = []
    for character in data.decode(errors="surrogateescape"):
        if character in DIRECTION_CHARACTERS or character in HIDDEN_CHARACTERS:
            odd.append(f"U+{ord(character):04X} {unicodedata.name(character, '')}")
        elif 0xE0000 <= ord(character) <= 0xE007F:
            odd.append(f"U+{ord(character):04X} tag character")
        elif 0xDC80 <= ord(character) <= 0xDCFF:
            odd.append(f"byte {ord(character) - 0xDC00:02x} is no UTF-8")
    return odd


_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")


def modes_left_on(raw: bytes) -> list[str]:
    """What a program changed in the terminal and did not change back, in words."""
    changed: dict[str, bool] = {}
    keyboard = Flags()
    for token in tokens(raw):
        keyboard.take(token.data)
        if mode := _MODE.fullmatch(token.data):
            for number in mode[1].decode().split(";"):
                changed[number] = (mode[2] == b"h") != (number in ON_BY_DEFAULT)
    left = [f"{n} {MODES.get(n, 'private mode')}" for n, is_on in sorted(changed.items()) if is_on]
    return left + ["kitty keyboard"] * keyboard.left_on
