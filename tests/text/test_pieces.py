"""A text in pieces is whole whenever it is asked for, and keeps no crowd of them."""

from voicechat.text.pieces import MOST, Pieces


def test_it_is_whole_whenever_it_is_asked_for() -> None:
    text = Pieces("a")
    assert text.text == "a"
    text.add("b")
    text.add("")
    assert text.text == "ab" == text.text
    text.add("c")
    assert text.text == "abc"
    assert Pieces().text == ""


def test_many_pieces_are_put_together_though_nobody_asks() -> None:
    text = Pieces()
    for at in range(3 * MOST):
        text.add(f"{at} ")
        assert len(text._parts) <= MOST
    assert text.text == "".join(f"{at} " for at in range(3 * MOST))
