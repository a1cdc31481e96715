"""A picture under a row: in its colours, within its room, never wider than the window."""

from rich.style import Style as RichStyle
from textual.content import Content
from textual.css.styles import RulesMap
from textual.style import Style
from textual.visual import RenderOptions

from voicechat.front.tui.illustrated import LARGEST, Illustrated, draw_cells, room_for_sketch
from voicechat.pictures import Sketch

RED_OVER_BLUE = Sketch(2, 4, bytes([255, 0, 0] * 2 + [0, 0, 255] * 2) * 2)


def row() -> Illustrated:
    return Illustrated(Content("You: "), Content("one two three"), RED_OVER_BLUE)


def lines(visual: Illustrated, width: int, height: int | None = None) -> list[str]:
    options = RenderOptions(lambda name: Style(), RulesMap(), None, None)
    return [strip.text for strip in visual.render_strips(width, height, Style(), options)]


def test_two_pixels_make_a_cell() -> None:
    cells = draw_cells(RED_OVER_BLUE)
    assert [[cell.text for cell in line] for line in cells] == [["\u2580"] * 2] * 2
    assert cells[0][0].style == RichStyle(color="#ff0000", bgcolor="#0000ff")


def test_a_picture_stands_under_the_words() -> None:
    assert lines(row(), 30) == ["You: one two three", "     ▀▀", "     ▀▀"]
    assert row().get_height(RulesMap(), 30) == 3
    assert row().get_optimal_width(RulesMap(), 80) == 18


def test_a_narrow_window_cuts_it_and_height_is_what_is_drawn() -> None:
    for width in (6, 10, 17):
        drawn = lines(row(), width)
        assert len(drawn) == row().get_height(RulesMap(), width)
        assert all(len(line) <= width for line in drawn[-2:])
    assert lines(row(), 6)[-1] == "▀▀"
    assert len(lines(row(), 30, 2)) == 2


def test_a_picture_takes_half_of_the_transcript_at_most() -> None:
    assert room_for_sketch(200, 60) == (LARGEST[0], LARGEST[1] * 2)
    assert room_for_sketch(80, 18) == (40, 18)
    assert room_for_sketch(40, 8) == (20, 8)
    assert room_for_sketch(40, 7) is None and room_for_sketch(0, 0) is None
