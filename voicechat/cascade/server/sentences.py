"""Cuts flowing text into sentences as soon as they are whole, without losing a character."""

import re
from collections.abc import Sequence

_LONGEST = 240
"""Characters; what has no end by then is cut at a comma or a space."""
_CLOSERS = "\"'”’」』）》】)]*_"
_END = re.compile(rf"[。！？；…!?.]+[{re.escape(_CLOSERS)}]*|\n")
_WIDE = frozenset("。！？；…")
_SHORT = re.compile(
    r"mrs?|ms|dr|prof|st|jr|sr|vs|etc|fig|e\.g|i\.e|approx|inc|ltd|z\.b|bzw|usw|ca|p\.ej"
)
_LAST_WORD = re.compile(r"(\S+)$")


class SentenceSplitter:
    """Text in, whole sentences out; joined again they are the text."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """More text; the sentences that are certainly whole now."""
        self._rest += text
        whole = []
        while end := _find_end(self._rest):
            whole.append(self._rest[:end])
            self._rest = self._rest[end:]
        return whole

    def flush(self) -> list[str]:
        """The text is over: what is left."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []


def _find_end(text: str) -> int:
    """Where the first sentence ends, with one blank; 0 while that is open.

    What follows the mark must be there already: a closing quote, a digit (3.14) or more dots
    would change the answer.
    """
    begin = len(text) - len(text.lstrip())
    for mark in _END.finditer(text, begin):
        if mark.start() > _LONGEST or (mark.end() == len(text) and mark[0] != "\n"):
            break
        if end := _end_at(text, mark):
            return end
    return _cut_long(text)


def _end_at(text: str, mark: re.Match[str]) -> int:
    """Where the sentence ends if this mark ends one, else 0."""
    signs, end = mark[0], mark.end()
    if signs == "\n":
        return end
    if _WIDE & set(signs) or text[end] >= "\u3000":
        return end
    if not text[end].isspace():
        # A number, an address or a file name.
        return 0
    word = _LAST_WORD.search(text, 0, mark.start())
    if signs.startswith(".") and signs[1:2] != "." and word and _is_short_form(word[1]):
        return 0
    return end + 1


def _is_short_form(word: str) -> bool:
    """`e.g`, an initial, or the number of a list: the point after it ends no sentence."""
    bare = word.strip("([\"'“‘*").lower()
    return (
        bool(_SHORT.fullmatch(bare))
        or (len(bare) == 1 and bare != "i")
        or bare.isdigit()
        and len(bare) <= 2
    )


def _cut_long(text: str) -> int:
    return 0 if len(text) <= _LONGEST else _cut_at(text, _LONGEST, (",，、:：;—", " "))


def cut_words(text: str, longest: int) -> list[str]:
    """The text in pieces of at most so many characters, for services that take no more.

    They end at the end of a sentence where one is near, else at a comma, else at a blank.
    """
    pieces = []
    while len(text) > longest:
        place = _cut_at(text, longest, ("。！？；…!?.\n", ",，、:：;—", " "))
        pieces.append(text[:place])
        text = text[place:]
    return [stripped for piece in [*pieces, text] if (stripped := piece.strip())]


def _cut_at(text: str, longest: int, signs_by_worth: Sequence[str]) -> int:
    for signs in signs_by_worth:
        place = max(text.rfind(sign, longest // 4, longest) for sign in signs)
        if place > 0:
            return place + 1
    return longest
