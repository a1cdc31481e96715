"""A small picture under a row: two pixels in every character cell.

Half blocks are drawn in any terminal with colours.  The terminals' own picture protocols (Sixel,
kitty's) must be asked for on the keyboard's line, where the answers would be read as keys, and the
pictures outlive the screen they were drawn on.
"""

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from voicechat.front.tui.flow import Flow
from voicechat.pictures import Sketch

LARGEST = (48, 12)
"""Columns and lines."""
SMALLEST_LINES = 4
"""With less room than that for it, no picture is drawn."""


def room_for_sketch(columns: int, lines: int) -> tuple[int, int] | None:
    """Pixels, across and down, of a sketch in a transcript of that size: half of it at most."""
    width, height = min(LARGEST[0], columns // 2), min(LARGEST[1], lines // 2)
    return (width, height * 2) if height >= SMALLEST_LINES and width > 0 else None


class Illustrated(Flow):
    """A label, text that flows beside it, and a picture under them."""

    def __init__(self, label: Content, body: Content, sketch: Sketch) -> None:
        super().__init__(label, body)
        self._sketch = sketch
        self._cells = draw_cells(sketch)

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        words = super().render_strips(width, None, style, options)
        blank = Segment(" " * self._edge(width), style.rich_style)
        lines = [Strip([blank, *cells]).crop(0, width) for cells in self._cells]
        return [*words, *lines][:height]

    def get_height(self, rules: RulesMap, width: int) -> int:
        return super().get_height(rules, width) + len(self._cells)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        words = super().get_optimal_width(rules, container_width)
        return max(words, self._indent + self._sketch.width)

    def _edge(self, width: int) -> int:
        """Under the words, or at the edge where that is too narrow."""
        return self._indent if self._indent + self._sketch.width <= width else 0


def draw_cells(sketch: Sketch) -> list[list[Segment]]:
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


def _colour(sketch: Sketch, x: int, y: int) -> Color:
    at = (y * sketch.width + x) * 3
    return Color.from_triplet(ColorTriplet(*sketch.rgb[at : at + 3]))
