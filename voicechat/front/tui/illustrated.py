"""A small picture under a row: two pixels in every character cell.

Half blocks are drawn in any terminal with colours.  The terminals' own picture protocols (Sixel,
kitty's) must be asked for on the keyboard's line, where the answers would be read as keys, and the
pictures outlive the screen they were drawn on.
"""

from typing import TypeAlias

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style as RichStyle

from voicechat.pictures import Sketch

LARGEST = (48, 12)
"""Columns and lines."""
SMALLEST_LINES = 4
"""With less room than that for it, no picture is drawn."""

Cells: TypeAlias = list[list[Segment]]
"""Lines of them."""


def room_for_sketch(columns: int, lines: int) -> tuple[int, int] | None:
    """Pixels, across and down, of a sketch in a transcript of that size: half of it at most."""
    width, height = min(LARGEST[0], columns // 2), min(LARGEST[1], lines // 2)
    return (width, height * 2) if height >= SMALLEST_LINES and width > 0 else None


def draw_cells(sketch: Sketch) -> Cells:
    """Lines of cells: the upper pixel is the colour of a half block, the lower one its ground."""
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
