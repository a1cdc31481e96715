"""A picture under a row, in character cells.

Where the terminal is known to draw pictures in cells (`graphics`) they name the picture it has.
Everywhere else each shows two pixels as a half block, which any terminal with colours can.
"""

from typing import TypeAlias

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style as RichStyle

from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import Placement, colour, placeholders

LARGEST = (48, 12)
"""Columns and lines."""
SMALLEST_LINES = 4
"""With less room than that for it, no picture is drawn."""

Drawing: TypeAlias = Sketch | Placement
"""What is drawn: in half blocks, or by the terminal."""

Cells: TypeAlias = list[list[Segment]]
"""Lines of them."""


def room_for_picture(columns: int, lines: int) -> tuple[int, int] | None:
    """Columns and lines for a picture in a transcript of that size: half of it at most."""
    width, height = min(LARGEST[0], columns // 2), min(LARGEST[1], lines // 2)
    return (width, height) if height >= SMALLEST_LINES and width > 0 else None


def draw_cells(drawing: Drawing) -> Cells:
    """Lines of cells."""
    if isinstance(drawing, Placement):
        style = RichStyle(color=Color.from_rgb(*colour(drawing)))
        return [[Segment(cell, style) for cell in line] for line in placeholders(drawing)]
    return _draw_half_blocks(drawing)


def _draw_half_blocks(sketch: Sketch) -> Cells:
    """The upper pixel is the colour of a half block, the lower one its ground."""
    return [
        [
            Segment(
                "\u2580", RichStyle(color=_colour(sketch, x, y), bgcolor=_colour(sketch, x, y + 1))
            )
            for x in range(sketch.width)
        ]
        for y in range(0, sketch.height, 2)
    ]


def place_cells(cells: list[Segment], indent: int, width: int) -> list[Segment]:
    """A line of cells under the words, or at the edge where that is too narrow."""
    if indent + len(cells) <= width:
        return [Segment(" " * indent, RichStyle()), *cells] if indent else cells
    return cells[:width]


def _colour(sketch: Sketch, x: int, y: int) -> Color:
    at = (y * sketch.width + x) * 3
    return Color.from_triplet(ColorTriplet(*sketch.rgb[at : at + 3]))
