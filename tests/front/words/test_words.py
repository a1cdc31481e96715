"""Every word that the screen asks for exists; some are the same in every language."""

import re
from pathlib import Path

from voicechat import front
from voicechat.front.words.translation import languages
from voicechat.front.words.words import _WORDS, Words

CALL = re.compile(r'\b(?:words|_words|_tell)\(\s*"(\w+)"')


def test_every_word_the_screen_asks_for_exists() -> None:
    asked = {
        key
        for path in Path(front.__file__).parent.rglob("*.py")
        for key in CALL.findall(path.read_text(encoding="utf-8"))
    }
    assert asked and asked <= set(_WORDS)


def test_the_live_mode_is_named_live_in_every_language() -> None:
    for language in languages():
        words = Words(language)
        assert words("live_ptt").startswith("LIVE") and words("live_hands_free").startswith("LIVE")
