"""A line in colours: what is bold, what is slanted, what is selected."""

from rich.style import Style

from voicechat.conversation.conversation import Row, State
from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import Placement
from voicechat.front.tui.transcript.paint import BAR, Ink, paint_line, read_line
from voicechat.front.tui.transcript.row_view import DrawContext, RowLines, RowView
from voicechat.front.tui.transcript.wrap import LONGEST
from voicechat.front.words.words import Words

INK = Ink(Style(color="blue"), Style(color="white"))
CHOSEN = Style(reverse=True)
PAGE = DrawContext(Words("en"), 24)


def lines(row: Row, sketch: Sketch | None = None) -> RowLines:
    view = RowView(row, sketch)
    view.draw(len(row.text), PAGE)
    return view.lines(PAGE)


def painted(
    drawn: RowLines, number: int, span: tuple[int, int] | None = None
) -> list[tuple[str, str]]:
    strip = paint_line(drawn, number, INK, span, CHOSEN)
    return [(segment.text, str(segment.style)) for segment in strip]


def standing_out(drawn: RowLines, number: int, how: str, *span: int) -> list[str]:
    runs = painted(drawn, number, (span[0], span[1]) if span else None)
    return [text for text, style in runs if how in style.split()]


def test_a_line_has_its_bar_and_the_first_one_its_label() -> None:
    drawn = lines(Row("i", "user", "one two three four five", state=State.DONE))
    edge = [(BAR, "blue"), (" ", "white")]
    words = [("You: ", "bold white"), ("one two three four", "white")]
    assert painted(drawn, 0) == [*edge, *words]
    assert painted(drawn, 1) == [*edge, ("     ", "white"), ("five", "white")]
    assert read_line(drawn, 0) == "You: one two three four" and read_line(drawn, 1) == "     five"


def test_marks_are_slanted_wherever_the_line_breaks() -> None:
    row = Row("i", "assistant", "one two three four", state=State.CUT)
    row.heard_ms, row.heard_text = 1500, "one two three"
    drawn = lines(row)
    slanted = standing_out(drawn, 0, "italic") + standing_out(drawn, 1, "italic")
    assert "".join(f"{text} " for text in slanted).split() == ["[cut", "at", "1.5", "s]"]
    shown = lines(Row("i", "user", "cat.png", state=State.DONE, code="picture"))
    assert standing_out(shown, 0, "italic") == ["[picture] "]


def test_what_is_selected_stands_out_and_the_edge_never_does() -> None:
    drawn = lines(Row("i", "user", "你好 two", state=State.DONE))
    assert standing_out(drawn, 0, "reverse", 0, -1) == ["You: ", "你好 two"]
    assert standing_out(drawn, 0, "reverse", 8, 10) == ["好 "]
    assert standing_out(drawn, 0, "reverse", 0, 1) == []


def test_a_picture_stands_under_the_words() -> None:
    row = Row("i", "user", "cat", state=State.DONE, code="picture")
    drawn = lines(row, Sketch(2, 2, bytes(12)))
    assert "".join(text for text, _ in painted(drawn, 1)) == BAR + " " + " " * 5 + "▀▀"
    assert read_line(drawn, 1) == ""


def test_a_text_that_is_too_long_says_so_at_its_beginning() -> None:
    drawn = lines(Row("i", "user", "word " * LONGEST, state=State.DONE))
    assert read_line(drawn, 0) == "You: …" and read_line(drawn, 1).startswith("     word")


def test_a_picture_stands_on_the_ground_of_the_words() -> None:
    """What is free of it is not the terminal's own ground, which may be white in a dark room."""
    row = Row("i", "user", "cat", state=State.DONE, code="picture")
    view = RowView(row, Placement(0x564301, 2, 1))
    view.draw(3, PAGE)
    ink = Ink(Style(color="blue"), Style(color="white", bgcolor="black"))
    strip = paint_line(view.lines(PAGE), len(view.lines(PAGE).fold), ink, None, CHOSEN)
    blank, first, _ = list(strip)[2:]
    assert str(blank.style) == "on black" and not blank.text.strip()
    assert str(first.style) == "#564301 on black" and first.text == "\U0010eeee\u0305\u0305"
