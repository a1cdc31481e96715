"""Sentences as the Chinese interface tells them, and whether they became Chinese."""

import re

from voicechat.errors import VoiceChatError
from voicechat.front.words.words import Words

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"\b(the|is|it|its|of|to|Check|Set|Try|Choose|There)\b|\. [A-Z]")


def in_chinese(text: str | VoiceChatError) -> str:
    return Words("zh").told(text)


def english_in(text: str | VoiceChatError, *foreign: str) -> str:
    """What stayed English though it is ours; `foreign`: what somebody else said."""
    shown = in_chinese(text)
    for words in foreign:
        shown = shown.replace(words, "")
    return shown if ENGLISH.search(shown) or not CHINESE.search(shown) else ""
