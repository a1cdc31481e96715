"""Secret detection: API keys in what a user types or pastes, found before they are sent.

Two ways: the shapes that services give their keys, and, for a word that stands alone, how evenly
its characters are spread (Shannon entropy).  Whatever people paste otherwise is no key: prose and
code, hashes, UUIDs, addresses, names of models and files, the lines of a picture in base64.

Quiet: it knows providers by name only.  Every pattern is linear.
"""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log2

# Letters, digits and signs of one key; it ends before what a sentence puts behind it.
_REST = r"[A-Za-z0-9_-]"
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_-])", rf"(?!{_REST})"
_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"sk-ant-", ()),
    (r"sk-or-v1-", ()),
    (r"sk-[0-9a-f]{32}(?![A-Za-z0-9_-])", ("qwen", "openai")),
    (r"(?:sk|ek|rk)[-_]", ("openai",)),
    (r"xai-", ("xai",)),
    (r"(?:gsk_|hf_|pplx-)(?=[A-Za-z0-9]{20})", ()),
    (r"AIza", ("gemini",)),
    (r"AQ\.", ("gemini",)),
)
"""How keys begin, the more exact first, and whose they may be; nobody's: no provider of ours."""
_LIKELY = re.compile(
    rf"{_BEFORE}(?:" + "|".join(f"({shape})" for shape, _ in _SHAPES) + rf"){_REST}*+"
)
_GLM = re.compile(rf"{_BEFORE}[0-9a-f]{{32}}\.[A-Za-z0-9]{{16}}{_AFTER}")
_TOKEN = re.compile(rf"{_BEFORE}eyJ{_REST}{{8,}}+\.{_REST}{{8,}}+(?:\.{_REST}*+)?")  # RFC 7519

_SHORTEST, _FEWEST_SIGNS = 20, 9
"""Characters of a key with a known beginning, and how many different ones."""
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).{8,}|(?=.*[0-9A-Z]).{16,}")
"""A part of a key between its hyphens: not a word, a year or a number."""
_LONGEST_WORD = re.compile(r"[a-z]{12,}|[A-Z]{16,}")
_WORD = re.compile(r"\S+")
_ALONE = re.compile(
    r"(?<![A-Za-z0-9_+/.:%@?&-])[A-Za-z0-9_-]{32,128}+(?![A-Za-z0-9_+/=-]|\.[A-Za-z0-9])"
)
"""Letters and digits that are no part of a path, a domain, a value in an address or of base64."""
_DATA = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
_NO_KEYS = re.compile(
    r"iVBORw0KGgo|H4sI|UEsD|R0lGOD|_9j_|UklGR|AAAA|PHN2Zy|JVBER|Qm[1-9A-HJ-NP-Za-km-z]{44}$"
)
"""How base64 of pictures, documents and SSH keys begins, and addresses of IPFS."""
_MOST_ALONE = 2
"""More long words than that are data, as the lines of a file in base64."""
_ENTROPY, _CHANGES = 3.9, 0.4
"""Bits a character, and how often its kind (capital, small, digit) changes: words are calmer."""
_PRINTABLE = frozenset(b"\n\r\t" + bytes(range(0x20, 0x7F)))
_LONGEST_RUN, _FEWEST_DIGITS = 2.5, 0.1
"""Small letters in a row, on average, and the share of digits: names joined by capitals have longer
rows and hardly a digit."""


@dataclass(frozen=True, slots=True)
class KeyFound:
    """What looks like a key."""

    key: str = field(repr=False)
    providers: tuple[str, ...] = ()
    """Whose it may be, the likeliest first."""
    is_anybodys: bool = False
    """It has no shape of anybody's: it may belong to any provider."""


def find_key(text: str) -> KeyFound | None:
    """The first key in a text; None: there is none."""
    return next(_keys(text), None)


def _keys(text: str) -> Iterator[KeyFound]:
    for found in _GLM.finditer(text):
        yield KeyFound(found[0], ("glm",))
    for found in _LIKELY.finditer(text):
        key = found[0].rstrip("-_")
        if _is_random(key):
            owners = next(who for at, (_, who) in enumerate(_SHAPES, 1) if found[at])
            yield KeyFound(key, owners)
    for found in _TOKEN.finditer(text):
        yield KeyFound(found[0])
    words = [word for word in _WORD.findall(text) if "://" not in word]
    if sum(bool(_DATA.search(word)) for word in words) <= _MOST_ALONE:
        for found in (found for word in words for found in _ALONE.finditer(word)):
            if _is_even(found[0]):
                yield KeyFound(found[0], is_anybodys=True)


def _is_random(key: str) -> bool:
    """Whether more than a known beginning speaks for a key: no words, no placeholder."""
    is_mixed = any(_MIXED.fullmatch(part) for part in re.split("[-_.]", key))
    return is_mixed and len(key) >= _SHORTEST and len(set(key)) >= _FEWEST_SIGNS


def _is_even(word: str) -> bool:
    """Whether a word of letters and digits is as random as only a key is."""
    kinds = [_kind(char) for char in word]
    if not {"A", "a", "0"} <= set(kinds) or _NO_KEYS.match(word) or _LONGEST_WORD.search(word):
        return False
    counts, length = Counter(word), len(word)
    entropy = -sum(count / length * log2(count / length) for count in counts.values())
    changes = sum(one != other for one, other in zip(kinds, kinds[1:], strict=False))
    rows = re.findall("[a-z]+", word)
    is_name = (
        sum(map(len, rows)) > _LONGEST_RUN * len(rows)
        and kinds.count("0") < _FEWEST_DIGITS * length
    )
    is_random = entropy >= _ENTROPY and changes >= _CHANGES * length
    return is_random and not is_name and not _is_text(word)


def _is_text(word: str) -> bool:
    """Whether it is a line of text in base64."""
    bare = word[: len(word) // 4 * 4]
    try:
        data = b64decode(bare, altchars=b"-_")
    except ValueError:
        return False
    return sum(byte in _PRINTABLE for byte in data) > 0.85 * len(data)


def _kind(char: str) -> str:
    return "0" if char.isdigit() else "A" if char.isupper() else "a" if char.islower() else "-"
