"""Foreign words made safe for a terminal and a file.

Whatever a server, a sound card, a proxy or a file calls itself passes `clean` (many lines) or
`clean_line` (one) before a person or a file sees it.  Whatever might quote a request passes
`mask_secrets` as well.  All three are idempotent and take linear time.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "\u2022\u2022\u2022"
"""What stands where a secret stood."""

_MAX_MARKS = 8
"""Marks kept on one base letter; living languages need four, a tower of thousands hides lines."""

_SHORTEST_SECRET = 6
"""Shorter ones are no secrets, and would mask ordinary words."""

# ECMA-48: control strings (DCS, SOS, OSC, PM, APC) with their text, control sequences, and the
# short escapes; last the introducers of whatever is not well formed.  Possessive, so linear.
# A control string goes as a whole only where it has its end and holds one word of ASCII: whoever
# wants to hide a sentence in one (or in an opener without an end) hides the opener alone.
_ESCAPES = re.compile(
    r"(?:\x1b[PX\]^_]|[\x90\x98\x9d\x9e\x9f])[!-~]*+(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
    r"|\x1b[ -/]++[0-~]"
    r"|\x1b[0-~]?"
)
_LINE_ENDS = re.compile(r"\r\n?|[\x85\u2028\u2029]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# The flags of England, Scotland and Wales are the only text for which tag characters are needed.
_TAGGED_FLAGS = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in land) + "\U000e007f"
    for land in ("gbeng", "gbsct", "gbwls")
)
# Controls but tab and newline; bidi marks, overrides and isolates; blanks without width; tags.
_INVISIBLE = re.compile(
    rf"({_TAGGED_FLAGS})|"
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]+"
)
_JOINERS = "\u200c\u200d"
_JOINER_MEANS_SOMETHING_FROM = "\u0300"
_SELECTORS = re.compile(r"[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_VIRAMA = 9
"""The canonical combining class (Unicode 4.3) after which a joiner may end a word."""


def clean(text: str) -> str:
    """Text without anything that steers a terminal, hides, or reverses; lines end in `\\n`.

    Escape sequences go as a whole where they are complete.  Kept are the joiners of emoji, Persian
    and Indic scripts, variation selectors, and eight marks a letter; a half of a surrogate pair
    becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    text = _SURROGATES.sub("\ufffd", text)
    text = _INVISIBLE.sub(r"\1", text)
    return text if text.isascii() else _mark_runs().sub(_tame, text)


def clean_line(text: str, limit: int = 300) -> str:
    """`clean`, and on one line of at most `limit` characters, with an ellipsis where it is cut."""
    line = " ".join(clean(text).split())
    return cut_line(text if line == text else line, limit)  # A phrase stays one.


def cut_line(line: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where it is cut."""
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "\u2026"


@lru_cache(maxsize=1)
def _mark_runs() -> re.Pattern[str]:
    """Runs of everything that sits on, or glues together, visible characters.

    Built when first needed: it asks the Unicode database, which takes some milliseconds.  The
    rare planes are looked at only for their own characters: `re` searches them one by one.
    """
    common = _marks(*range(0x0300, 0xD800), *range(0xF900, 0x10000))
    rare = _marks(*range(0x10000, 0x20000), *range(0xE0100, 0xE01F0))
    return re.compile(f"(?:[{_JOINERS}{common}]|(?=[\U00010000-\U0010ffff])[{rare}])++")


def _marks(*codes: int) -> str:
    return "".join(chr(code) for code in codes if unicodedata.category(chr(code))[0] == "M")


def _tame(match: re.Match[str]) -> str:
    """At most eight marks, one selector after a base, and only joiners that join something."""
    text, start, end = match.string, match.start(), match.end()
    joins = start == 0 or text[start - 1] >= _JOINER_MEANS_SOMETHING_FROM
    kept: list[str] = []
    for char in match[0]:
        if _may_follow(kept[-1] if kept else "", char, joins):
            kept.append(char)
        if len(kept) == _MAX_MARKS:
            break
    if kept and kept[-1] in _JOINERS and not _may_end(kept, text[end : end + 1]):
        kept.pop()
    return "".join(kept)


def _may_follow(previous: str, char: str, joins: bool) -> bool:
    glued = previous != "" and previous in _JOINERS
    if char in _JOINERS:
        return joins and not glued
    if _SELECTORS.match(char):
        return not glued and not _SELECTORS.match(previous)
    return True


def _may_end(kept: list[str], following: str) -> bool:
    """Whether a joiner may stand last: before a letter, where a delta is cut, after a virama."""
    if not following or following >= _JOINER_MEANS_SOMETHING_FROM:
        return True
    return len(kept) > 1 and unicodedata.combining(kept[-2]) == _VIRAMA


# What looks like a key, wherever it stands; every quantifier is possessive or bounded.
_KEY_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:sk|ek|rk|gsk|xai|hf|pplx)[-_][A-Za-z0-9_*\u2026.-]{6,}+"
    r"|AIza[A-Za-z0-9_-]{10,}+"
    r"|(?<![0-9a-f])[0-9a-f]{32}\.[A-Za-z0-9]{16}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+)?"
)
_SCHEMES = re.compile(
    r"(?i)\b(Bearer|Basic)(\s++)"
    r"(?!(?:token|auth\w*|realm|scheme|header|credential\w*)\b)[^\s\"',;<>]{6,}+"
)
_USERINFO = re.compile(r"://(?:[^\s/?#\"'<>@]{1,512}+@)++|://[^\s/@:]{0,128}:[^\s@\"'<>]{1,256}@")
_NAMED_VALUES = re.compile(
    r"(?i)((?:[?&]key|(?:api|access|secret)[-_]?key|[?&][-_a-z]{0,16}token|access[-_]token|"
    r"client[-_]secret|password|passwd|[?&]authorization)"
    r"[\"']?[ \t]?[:=][ \t]?[\"']?)(?!Bearer\b|Basic\b)[^\s\"'&,;}<>#]++"
)


def mask_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Text in which `secrets` and whatever looks like a key are replaced by three dots.

    `secrets` of at least six characters are found as they are, percent-encoded and as JSON
    writes them.  Keys of the usual shapes, tokens behind `Bearer`, user and password in an
    address, and values named `key`, `api_key` or `password` are masked without being told.
    """
    masked = str(text)
    known = _forms(secrets)
    if known:
        masked = re.sub("|".join(map(re.escape, known)), MASK, masked)
    masked = _USERINFO.sub(f"://{MASK}@", masked)
    masked = _SCHEMES.sub(rf"\1\2{MASK}", masked)
    masked = _KEY_SHAPES.sub(MASK, masked)
    masked = _NAMED_VALUES.sub(rf"\1{MASK}", masked)
    return text if masked == text else masked  # A phrase stays one.


def _forms(secrets: Iterable[str]) -> list[str]:
    """Every way the secrets may be written, the longest first."""
    forms: set[str] = set()
    for secret in {form for given in secrets for form in (given, given.strip())}:
        if len(secret) >= _SHORTEST_SECRET:
            encoded = secret.encode("utf-8", "replace")
            forms |= {secret, quote(encoded, safe=""), quote(encoded), quote_plus(encoded)}
            forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return sorted(forms, key=lambda form: (-len(form), form))
