"""Which key a letter of another script lies on."""

import pytest

from voicechat.front.tui.terminal.keyboard_layouts import latin_key


@pytest.mark.fault("T17")
@pytest.mark.parametrize(
    ("letters", "keys"),
    [("йсею", "qct."), ("їі", "]s"), ("ςψτ", "wct"), ("/בא", "/ct"), ("ضؤف", "qct")],
)
def test_a_letter_lies_on_a_latin_key(letters: str, keys: str) -> None:
    found = "".join(chr(int(latin_key(str(ord(letter)), ""))) for letter in letters)
    assert [a for a in zip(found, keys, strict=True) if a[1].isalpha()] == [
        (key, key) for key in keys if key.isalpha()
    ]


def test_what_the_terminal_says_wins_but_not_over_ascii() -> None:
    assert latin_key("1089", "106") == "106"
    assert latin_key("106", "99") == "106"
    assert latin_key("20013", "") == "20013"
