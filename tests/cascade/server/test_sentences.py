"""Where text is cut, and that nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.cascade.server.sentences import SentenceSplitter, cut_words


def _split(text: str, size: int = 1) -> list[str]:
    splitter = SentenceSplitter()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return [one for piece in pieces for one in splitter.feed(piece)] + splitter.flush()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One. ", "Two! ", "Three?"]),
        ("Pi is 3.14 or so. Yes.", ["Pi is 3.14 or so. ", "Yes."]),
        ("Dr. Who, e.g. this one. Next.", ["Dr. Who, e.g. this one. ", "Next."]),
        ("J. S. Bach wrote it. Really.", ["J. S. Bach wrote it. ", "Really."]),
        ('He said "no." Then he left.', ['He said "no." ', "Then he left."]),
        ("Wait... what?! Oh.", ["Wait... ", "what?! ", "Oh."]),
        ("See example.org/a.html now. Ok.", ["See example.org/a.html now. ", "Ok."]),
        ("1. First\n2. Second\n", ["1. First\n", "2. Second\n"]),
        ("你好。今天怎么样？很好！", ["你好。", "今天怎么样？", "很好！"]),
        ("他说：“你好。”然后走了；再见。", ["他说：“你好。”", "然后走了；", "再见。"]),
        ("版本是3.14。好", ["版本是3.14。", "好"]),
        ("Title\n\nText here.", ["Title\n", "\nText here."]),
        ("   ", ["   "]),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_text_is_cut_where_sentences_end(text: str, sentences: list[str], size: int) -> None:
    assert _split(text, size) == sentences


def test_sentence_is_given_as_soon_as_the_blank_after_it_is_there() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Good morning.") == []
    assert splitter.feed(" ") == ["Good morning. "]


def test_text_without_an_end_is_cut_at_a_comma_before_it_grows_too_long() -> None:
    parts = _split("some words, " * 100)
    assert len(parts) > 4 and all(len(part) <= 241 for part in parts)
    assert all(part.endswith(",") for part in parts[:-1])
    assert len(_split("x" * 1000)) == 5


@given(st.text(alphabet="aB1 .,!?。！\n…\"'e", max_size=600), st.integers(1, 50))
def test_nothing_is_lost_or_added(text: str, size: int) -> None:
    assert "".join(_split(text, size)) == text


@pytest.mark.parametrize(
    ("text", "longest", "pieces"),
    [
        ("", 10, []),
        ("short", 10, ["short"]),
        ("One two. Three four.", 12, ["One two.", "Three four."]),
        ("one two, three four", 12, ["one two,", "three four"]),
        ("one two three four", 10, ["one two", "three four"]),
        ("你好世界。今天天气很好。", 7, ["你好世界。", "今天天气很好。"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
    ],
)
def test_text_too_long_for_a_service_is_cut_where_it_hurts_least(
    text: str, longest: int, pieces: list[str]
) -> None:
    assert cut_words(text, longest) == pieces


@given(st.text(alphabet="aB1 .,!?。！\n…\"'e", max_size=600), st.integers(5, 50))
def test_no_sign_but_blanks_is_lost_by_cutting(text: str, longest: int) -> None:
    pieces = cut_words(text, longest)
    assert all(0 < len(piece) <= longest for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
