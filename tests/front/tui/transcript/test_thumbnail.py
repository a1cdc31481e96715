"""A picture under a row: in its colours, within its room, never wider than the window."""

from rich.style import Style as RichStyle

from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import PLACEHOLDER, Placement
from voicechat.front.tui.transcript.thumbnail import (
    LARGEST,
    draw_cells,
    place_cells,
    room_for_picture,
)

RED_OVER_BLUE = Sketch(2, 4, bytes([255, 0, 0] * 2 + [0, 0, 255] * 2) * 2)


def line(indent: int, width: int) -> str:
    cells = draw_cells(RED_OVER_BLUE)[0]
    return "".join(segment.text for segment in place_cells(cells, indent, width))


def test_two_pixels_make_a_cell() -> None:
    cells = draw_cells(RED_OVER_BLUE)
    assert [[cell.text for cell in line] for line in cells] == [["\u2580"] * 2] * 2
    assert cells[0][0].style == RichStyle(color="#ff0000", bgcolor="#0000ff")


def test_cells_of_a_picture_that_the_terminal_has_are_one_wide_in_the_colour_of_its_number() -> (
    None
):
    cells = draw_cells(Placement(0x564301, 48, 12))
    assert [len(line) for line in cells] == [48] * 12
    everything = [cell for line in cells for cell in line]
    assert {cell.cell_length for cell in everything} == {1}
    assert {cell.style for cell in everything} == {RichStyle(color="#564301")}
    assert len({cell.text for cell in everything}) == 48 * 12
    assert all(cell.text.startswith(PLACEHOLDER) for cell in everything)


def test_a_picture_stands_under_the_words_or_at_the_edge_and_is_cut_there() -> None:
    assert line(5, 30) == "     ▀▀" and line(0, 30) == "▀▀"
    assert line(5, 7) == "     ▀▀" and line(5, 6) == "▀▀"
    assert line(5, 1) == "▀"


def test_a_picture_takes_half_of_the_transcript_at_most() -> None:
    assert room_for_picture(200, 60) == LARGEST
    assert room_for_picture(80, 18) == (40, 9)
    assert room_for_picture(40, 8) == (20, 4)
    assert room_for_picture(40, 7) is None and room_for_picture(0, 0) is None
