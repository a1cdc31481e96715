"""Thoughts between tags are taken out of the text, wherever the pieces are cut."""

import pytest

from voicechat.cascade.llm.thinking import Thoughts

_CASES = [
    ("Hello there.", "Hello there."),
    ("<think>Hm, 1 < 2.</think>\n\nYes.", "Yes."),
    ("<think></think>Yes.", "Yes."),
    ("<THINK>No.</Think> Yes.", "Yes."),
    ("<thinking>a</thinking>One. <thought>b</thought>Two.", "One. Two."),
    ("One.<think>never ends", "One."),
    ("</think>\nYes.", "Yes."),
    ("<|begin_of_box|>42<|end_of_box|>", "42"),
    ("a < b and <b>bold</b> <thin", "a < b and <b>bold</b> <thin"),
    ("1 <", "1 <"),
    ("", ""),
]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize(("text", "said"), _CASES)
def test_only_what_is_meant_to_be_said_is_left(text: str, said: str, size: int) -> None:
    thoughts = Thoughts()
    pieces = [thoughts.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join(pieces) + thoughts.finish() == said


def test_text_without_tags_is_not_held_back() -> None:
    thoughts = Thoughts()
    assert [thoughts.feed("Hel"), thoughts.feed("lo <"), thoughts.feed("3")] == ["Hel", "lo ", "<3"]
