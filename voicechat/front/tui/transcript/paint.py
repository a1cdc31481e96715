"""A line of the transcript in colours: the bar at its left, the label, the words."""

from dataclasses import dataclass
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from voicechat.front.tui.transcript.row_view import RowLines

BAR = "\u258c"
EDGE = 2
"""Cells before the words of each line: the bar and a blank."""
CUT_OFF = "\u2026"


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours of a row."""

    bar: Style
    words: Style

    @property
    def label(self) -> Style:
        return self.words + Style(bold=True)

    @property
    def mark(self) -> Style:
        return self.words + Style(italic=True)


class Run(NamedTuple):
    """Characters in one colour."""

    text: str
    style: Style


def read_line(lines: RowLines, number: int) -> str:
    """A line as it stands on the screen, without its edge."""
    return "".join(run.text for run in write_line(lines, number, _PLAIN))


def write_line(lines: RowLines, number: int, ink: Ink) -> list[Run]:
    """The words of a line, its label or the blank under it before them.

    A line of the picture under the words has none.
    """
    fold, said = lines.fold, lines.said
    if number >= len(fold):
        return []
    before = Run(said.label, ink.label) if number == 0 else Run(" " * fold.indent, ink.words)
    if number == 0 and fold.is_shortened:
        return [before, Run(CUT_OFF, ink.mark)]
    start, end = fold.span(number)
    lead, mark = len(said.lead), len(fold.text) - len(said.mark)
    bounds = sorted({start, end, min(max(lead, start), end), min(max(mark, start), end)})
    words = [
        Run(fold.text[at:to], ink.words if lead <= at < mark else ink.mark)
        for at, to in zip(bounds, bounds[1:], strict=False)
    ]
    return [before, *words]


def paint_line(
    lines: RowLines, number: int, ink: Ink, span: tuple[int, int] | None, chosen: Style
) -> Strip:
    """A line with its edge.

    Args:
        span: Characters that are selected, counted with the edge; an end of -1: all to the end.
    """
    runs = write_line(lines, number, ink)
    if span is not None:
        runs = _choose(runs, span[0] - EDGE, span[1] - EDGE if span[1] >= 0 else None, chosen)
    cells = lines.picture(number)
    if cells:
        cells = list(Segment.apply_style(cells, Style(bgcolor=ink.words.bgcolor)))
    edge = [Segment(BAR, ink.bar), Segment(" ", ink.words)]
    return Strip([*edge, *(Segment(run.text, run.style) for run in runs if run.text), *cells])


def _choose(runs: list[Run], start: int, end: int | None, chosen: Style) -> list[Run]:
    """The runs, what is selected of them in its own colour."""
    result: list[Run] = []
    at = 0
    for text, style in runs:
        first = min(max(start - at, 0), len(text))
        last = len(text) if end is None else min(max(end - at, first), len(text))
        result += [
            Run(text[:first], style),
            Run(text[first:last], style + chosen),
            Run(text[last:], style),
        ]
        at += len(text)
    return result


_PLAIN = Ink(Style(), Style())
