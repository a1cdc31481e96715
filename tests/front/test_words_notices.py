"""Every notice that is Chinese in the Chinese interface is one that the program really tells."""

import ast
import re
import string
from pathlib import Path

import pytest

from voicechat.front.words_errors import in_chinese
from voicechat.front.words_notices import NOTICES
from voicechat.watchdog import ANSWER_S, Watchdog

HOUSE = Path(__file__).parents[2] / "voicechat"


def constants() -> str:
    """All texts of the program but those of its screens, and their translations."""
    modules = (path for path in HOUSE.rglob("*.py") if "tui" not in path.parts)
    modules = (path for path in modules if not path.name.startswith("words"))
    trees = (ast.parse(path.read_text()) for path in modules)
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\n".join(node.value for node in nodes if isinstance(node.value, str))


def test_no_notice_stands_in_the_table_that_nobody_tells() -> None:
    told = constants()
    for english in NOTICES:
        pieces = re.split(r"\{\w+\}|; (?=F5)|: (?=mute and)", english)
        is_whole = english in told  # As in a phrase.
        assert is_whole or all(piece.strip(" ;:") in told for piece in pieces), english


@pytest.mark.parametrize("english", NOTICES)
def test_both_languages_take_the_same_values(english: str) -> None:
    def names(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    assert names(english) == names(NOTICES[english])


def test_a_notice_of_the_call_is_told_in_chinese() -> None:
    watchdog = Watchdog("OpenAI")
    watchdog.asked(0.0)
    notice = watchdog.look(ANSWER_S, -20.0)
    assert notice is not None
    assert in_chinese(notice.message) == "OpenAI 在 20 秒内没有回答，可能过载；按 F5 再问一次"


def test_a_conversation_that_is_resumed_is_told_in_chinese() -> None:
    told = "This goes on with conversation 20261121-0900; rows: 12; last with local"
    assert in_chinese(told) == "继续对话 20261121-0900，共 12 行，上次使用 local"


def test_a_device_has_a_chinese_name() -> None:
    assert in_chinese("The microphone is back: USB") == "麦克风已恢复：USB"
    assert in_chinese("The telephone is back: USB") == "The telephone is back: USB"
