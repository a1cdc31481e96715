"""Escaping for display: nothing hides, and what is shown means exactly what it was made from."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voicechat.text.clean import clean
from voicechat.text.visible import ESCAPE, visible, visible_json, without_gaps

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Cn", "Mn", "Me", "Zl", "Zp", "Zs"]),
        st.sampled_from('\x1b[]P\\u;0m"\x07\x9b\x9c\x9d\r\n\t\u200d\ufe0f\u0301\u3164\U000e0041  '),
    )
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), NASTY),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NASTY, inner, max_size=3)),
    max_leaves=8,
)


def as_sent(value: Any) -> Any:
    """As a tool gets it: JSON knows no two halves of a pair that are not one character."""
    return json.loads(json.dumps(value))


@pytest.mark.fault("S13")
@settings(deadline=None)
@given(VALUES)
@example({"a\x9d0;": ["\ud83d", "\ude00", "e\u0301\u0301\u0301\u0301\u0301\u0301", "\\u009d"]})
def test_what_is_shown_read_as_json_is_the_value(value: Any) -> None:
    value = as_sent(value)
    for shown in (visible_json(value), without_gaps(visible_json(value)), visible_json(value, 1)):
        assert json.loads(shown) == value


@pytest.mark.fault("S13")
@settings(deadline=None)
@given(VALUES)
def test_nothing_that_is_shown_steers_hides_or_reverses(value: Any) -> None:
    shown = without_gaps(visible_json(value))
    assert shown.isprintable() and clean(shown) == shown and visible(shown) == shown
    assert " " * 9 not in shown
    for char, before in zip(shown, "\0" + shown, strict=False):
        is_mark = unicodedata.category(char)[0] == "M"
        assert not is_mark or before.isalpha() or unicodedata.category(before)[0] == "M"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x9d0;rm\x9c", r"\u009d0;rm\u009c"),
        ("\x1b]0;rm\x07", r"\u001b]0;rm\u0007"),
        ("\x90\x98\x9e\x9f\x7f", r"\u0090\u0098\u009e\u009f\u007f"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("a\u200bb\u2060c\ufeff\u00ad", r"a\u200bb\u2060c\ufeff\u00ad"),
        ("x\U000e0041", r"x\udb40\udc41"),
        ("x\ufe01\U000e0100", r"x\ufe01\udb40\udd00"),
        ("\u3164\u2800\u00a0\u3000", r"\u3164\u2800\u00a0\u3000"),
        ("\ud800", r"\ud800"),
        ("\u0301e\u0301", "\\u0301e\u0301"),
        ("Z" + "\u0301" * 6, "Z" + "\u0301" * 4 + r"\u0301\u0301"),
        ("a\nb\tc", r"a\nb\tc"),
        (r"\u009d", r"\\u009d"),
        ("你好, 北京 naïve हिन्दी ไทย ⅔ 🙂", "你好, 北京 naïve हिन्दी ไทย ⅔ 🙂"),
    ],
)
def test_each_kind_of_character(text: str, shown: str) -> None:
    assert visible_json(text) == f'"{shown}"'


def test_a_real_backslash_is_no_escape_of_a_hidden_character() -> None:
    shown = visible_json({"real": r"\u009d", "hidden": "\x9d"})
    assert [found[0] for found in ESCAPE.finditer(shown) if found[1]] == [r"\u009d"]


def test_a_long_run_of_spaces_is_seen_and_the_indentation_of_code_is_kept() -> None:
    assert without_gaps('"if x:\\n        y"') == '"if x:\\n        y"'
    assert without_gaps(f'"ls{" " * 9}x"') == '"ls ' + r"\u0020" * 8 + 'x"'


@pytest.mark.parametrize(
    "unit", ["a", "\x9d", "\u0301", "e\u0301", "\u200d", "你", "\ud800", "  a"]
)
def test_a_megabyte_is_shown_in_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert json.loads(without_gaps(visible_json(text))) == text
