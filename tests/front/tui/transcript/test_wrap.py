"""Words flow into lines that fit, whatever the script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from voicechat.front.tui.transcript.wrap import (
    _CLOSING,
    _OPENING,
    LONGEST,
    Fold,
    break_lines,
    break_words,
    find_lines,
)

TEXTS = st.text(alphabet="ab ,.\n你好，。（）「」é👋🏽한국어ー", max_size=120)


def lines_of(text: str, width: int, label: str = "AI: ") -> list[str]:
    fold = Fold(text, width, cell_len(label))
    texts = [text[slice(*fold.span(line))] for line in range(len(fold))]
    return [label + texts[0], *(" " * fold.indent + line for line in texts[1:])]


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


@given(st.text(alphabet="ab ,.", max_size=120), st.integers(1, 30))
def test_the_fast_way_for_english_breaks_where_the_other_does(text: str, width: int) -> None:
    assert break_words(text, width) in (None, break_lines(text, width))


@given(TEXTS, st.integers(8, 30), st.lists(st.integers(1, 9), min_size=1), st.integers(0, 5))
def test_a_text_that_grew_is_folded_as_one_that_came_whole(
    text: str, width: int, steps: list[int], label: int
) -> None:
    fold, at = Fold("", width, label), 0
    while at < len(text):
        before = [fold.span(line)[0] for line in range(len(fold))]
        at += steps[at % len(steps)]
        changed = fold.write(text[:at])
        assert [fold.span(line)[0] for line in range(changed)] == before[:changed]
    whole = Fold(text, width, label)
    assert [fold.span(n) for n in range(len(fold))] == [whole.span(n) for n in range(len(whole))]


def test_another_text_is_folded_anew_and_from_its_first_line() -> None:
    fold = Fold("one two three four", 9, 0)
    assert fold.write("one too three four") == 0
    lines = [fold.text[slice(*fold.span(line))] for line in range(len(fold))]
    assert lines == ["one too", "three", "four"]


def test_a_text_that_grows_without_end_keeps_its_newest_lines() -> None:
    fold = Fold("", 80, 4)
    words = "".join(f"w{number} " for number in range(100_000))
    for at in range(0, len(words) + 5000, 5000):
        fold.write(words[:at])
    first, last = fold.span(0)[0], fold.span(len(fold) - 1)
    assert fold.is_shortened and LONGEST - 80 < len(words) - first <= 2 * LONGEST + 80
    assert words[slice(*last)].endswith("w99999")
    assert fold.line_of(last[0]) == len(fold) - 1 and fold.line_of(0) == 0


def test_a_book_that_comes_at_once_is_drawn_from_a_word_on() -> None:
    words = "word " * LONGEST
    fold = Fold(words, 80, 4)
    assert fold.is_shortened and words[fold.span(0)[0] :].startswith("word ")
    assert len(words) - fold.span(0)[0] <= LONGEST


def test_lines_can_be_found_from_any_line_on() -> None:
    text = "one two\nthree four 天气很好 five\n\nsix"
    all_lines = find_lines(text, 8)
    for at in all_lines:
        assert find_lines(text, 8, at=at) == [line for line in all_lines if line >= at]
