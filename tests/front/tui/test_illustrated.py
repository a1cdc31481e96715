"""A picture under a row: in its colours, within its room, never wider than the window."""

from rich.style import Style as RichStyle

from voicechat.front.tui.illustrated import LARGEST, draw_cells, place_cells, room_for_sketch
from voicechat.pictures import Sketch

RED_OVER_BLUE = Sketch(2, 4, bytes([255, 0, 0] * 2 + [0, 0, 255] * 2) * 2)


def line(indent: int, width: int) -> str:
    cells = draw_cells(RED_OVER_BLUE)[0]
    return "".join(segment.text for segment in place_cells(cells, indent, width))


def test_two_pixels_make_a_cell() -> None:
    cells = draw_cells(RED_OVER_BLUE)
    assert [[cell.text for cell in line] for line in cells] == [["\u2580"] * 2] * 2
    assert cells[0][0].style == RichStyle(color="#ff0000", bgcolor="#0000ff")


def test_a_picture_stands_under_the_words_or_at_the_edge_and_is_cut_there() -> None:
    assert line(5, 30) == "     ▀▀" and line(0, 30) == "▀▀"
    assert line(5, 7) == "     ▀▀" and line(5, 6) == "▀▀"
    assert line(5, 1) == "▀"


def test_a_picture_takes_half_of_the_transcript_at_most() -> None:
    assert room_for_sketch(200, 60) == (LARGEST[0], LARGEST[1] * 2)
    assert room_for_sketch(80, 18) == (40, 18)
    assert room_for_sketch(40, 8) == (20, 8)
    assert room_for_sketch(40, 7) is None and room_for_sketch(0, 0) is None
