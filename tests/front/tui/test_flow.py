"""Words flow into lines that fit, whatever the script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from voicechat.front.tui.flow import _CLOSING, _OPENING, Flow, break_lines

TEXTS = st.text(alphabet="ab ,.\n你好，。（）「」é👋🏽한국어ー", max_size=120)


def lines_of(text: str, width: int, label: str = "AI: ") -> list[str]:
    return Flow(Content(label), Content(text)).fold(width).plain.split("\n")


def test_latin_breaks_at_spaces_and_stands_beside_the_label() -> None:
    assert lines_of("one two three four", 14) == ["AI: one two", "    three four"]


def test_chinese_breaks_anywhere_but_before_a_closing_mark() -> None:
    assert lines_of("你好，很高兴认识你。今天", 14, "") == ["你好，很高兴认", "识你。今天"]
    assert lines_of("天气很好非常好。啊", 14, "") == ["天气很好非常", "好。啊"]
    assert lines_of("他说很好（真的）", 10, "") == ["他说很好", "（真的）"]


def test_a_chinese_text_begins_beside_its_label() -> None:
    assert lines_of("太阳光里有各种颜色", 14, "AI： ")[0] == "AI： 太阳光里"


def test_mixed_text_keeps_latin_words_whole() -> None:
    assert lines_of("打开 config.toml 文件", 14, "") == ["打开", "config.toml 文", "件"]


def test_newlines_stay_and_blank_lines_too() -> None:
    assert [line.strip() for line in lines_of("a\n\nb", 20)] == ["AI: a", "", "b"]


def test_a_narrow_window_gives_up_the_indent() -> None:
    assert lines_of("one two", 8) == ["AI: one", "two"]


@given(TEXTS, st.integers(1, 30))
def test_nothing_is_lost_and_every_line_fits(text: str, width: int) -> None:
    folded = lines_of(text, width, "")
    assert "".join("".join(folded).split()) == "".join(text.split())
    assert all(cell_len(line) <= max(width, 2) for line in folded)


@given(TEXTS, st.integers(12, 30))
def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(
    text: str, width: int
) -> None:
    runs = text.replace("，。", "，").replace("「（", "「").split()
    for run in runs:
        for at in break_lines(run, width):
            glued = len(run[:at].rstrip(_OPENING)) < at or run[at] in _CLOSING
            assert not glued or _is_too_long(run, at, width)


def _is_too_long(run: str, at: int, width: int) -> bool:
    """Marks without end must be broken somewhere."""
    around = run[max(0, at - width) : at + width]
    return sum(char in _OPENING + _CLOSING for char in around) >= 4 or "ab" in around


@pytest.mark.parametrize("text", ["x" * 100, "字" * 100, "👨‍👩‍👧‍👦" * 30])
def test_what_is_wider_than_a_line_is_broken(text: str) -> None:
    assert all(cell_len(line) <= 10 for line in lines_of(text, 10, ""))
