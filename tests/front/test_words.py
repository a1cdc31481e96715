"""Every interface word exists in both languages, with the same values to fill in."""

import re
import string
from pathlib import Path

import pytest

from voicechat import front
from voicechat.front.words import _WORDS, Language, Words, find_language

CALL = re.compile(r'\b(?:words|_words|_tell)\(\s*"(\w+)"')


@pytest.mark.parametrize("key", sorted(_WORDS))
def test_both_languages_take_the_same_values(key: str) -> None:
    def names(text: str) -> list[str]:
        return sorted(name or "" for _, name, _, _ in string.Formatter().parse(text) if name)

    english, chinese = _WORDS[key]
    assert english and chinese and names(english) == names(chinese)


def test_every_word_the_screen_asks_for_exists() -> None:
    asked = {
        key
        for path in Path(front.__file__).parent.rglob("*.py")
        for key in CALL.findall(path.read_text(encoding="utf-8"))
    }
    assert asked and asked <= set(_WORDS)


def test_chinese_words_are_chinese() -> None:
    same = {key for key, (english, chinese) in _WORDS.items() if english == chinese}
    assert same <= {"transcribing", "cost"}


def test_the_live_mode_is_named_live_in_every_language() -> None:
    languages: tuple[Language, ...] = ("en", "zh")
    for language in languages:
        words = Words(language)
        assert words("live_ptt").startswith("LIVE") and words("live_hands_free").startswith("LIVE")


@pytest.mark.parametrize(
    ("wanted", "environ", "found"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("auto", {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LC_MESSAGES": "zh_TW", "LANG": "en_GB"}, "zh"),
        ("auto", {"LC_ALL": "", "LANG": "zh_HK.UTF-8"}, "zh"),
        ("auto", {}, "en"),
    ],
)
def test_language_follows_the_wish_then_the_locale(
    wanted: str, environ: dict[str, str], found: str
) -> None:
    assert find_language(wanted, environ) == found
