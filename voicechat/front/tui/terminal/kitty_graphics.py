"""Pictures that the terminal itself draws: kitty's graphics protocol, with placeholders.

A picture is sent once and shows wherever characters stand that name it, a row and a column of it.
They are cells as any others: they scroll, are cut and are overwritten.  Nothing is ever asked, and
every command is quiet (q=2): an answer would come in on the keyboard's line and be read as keys.
Sixel has no such cells; its pictures lie on the screen, whatever happens to the lines under them.

Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/ (remote client; Unicode placeholders;
deleting images).
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from zlib import compress

from voicechat.front.pictures import Sketch

CELL = (8, 16)
"""Pixels sent for a cell, across and down: the terminal stretches them to what its cells have."""
NUMBERS = range(0x564300, 0x564320)
"""Under which pictures are sent: 24 bits, which a placeholder has as its colour."""
CHUNK = 4096
"""Characters of base64 in one command; the most there may be."""
PLACEHOLDER = "\U0010eeee"
MARKS = "".join(
    chr(code)
    for part in (
        (0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C),
        (0x350, 0x351, 0x352, 0x357, 0x35B, *range(0x363, 0x370), *range(0x483, 0x488)),
        (*range(0x592, 0x596), *range(0x597, 0x59A), *range(0x59C, 0x5A2)),
    )
    for code in part
)
"""Combining characters that stand for 0, 1, 2 ... (the beginning of kitty's list of them)."""
_TERMINALS = ("xterm-kitty", "xterm-ghostty")
_BETWEEN = ("TMUX", "STY", "ZELLIJ", "VIM_TERMINAL")
"""A program that draws the screen itself is between us and the terminal."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture that the terminal has, and how many cells it is stretched over."""

    number: int
    columns: int
    lines: int


def shows_pictures(env: Mapping[str, str]) -> bool:
    """Whether the terminal is known to draw pictures in placeholders.

    Only TERM says which terminal it is: other variables, such as KITTY_WINDOW_ID, are handed down
    to terminals that were started out of it.
    """
    if "NO_COLOR" in env or any(name in env for name in _BETWEEN):
        return False
    return env.get("TERM") in _TERMINALS


def fit_cells(sketch: Sketch, columns: int, lines: int) -> tuple[int, int]:
    """Cells that a picture takes of so many, across and down; never more than it has pixels for."""
    across, down = sketch.width / CELL[0], sketch.height / CELL[1]
    scale = min(columns / across, lines / down, 1.0)
    return min(columns, ceil(across * scale)), min(lines, ceil(down * scale))


def send_picture(number: int, sketch: Sketch) -> str:
    """The pixels: 24 bits each, deflated, in as many commands as it takes."""
    data = b64encode(compress(sketch.rgb)).decode("ascii")
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    first = f"a=t,t=d,f=24,o=z,s={sketch.width},v={sketch.height},i={number},"
    last = len(chunks) - 1
    return "".join(
        _command(f"{'' if at else first}q=2,m={int(at < last)}", chunk)
        for at, chunk in enumerate(chunks)
    )


def place_picture(placement: Placement) -> str:
    """Have it stretched over so many cells, its shape kept; instead of what was said before."""
    size = f"c={placement.columns},r={placement.lines}"
    return _command(f"a=p,U=1,i={placement.number},p=1,{size},q=2")


def delete_picture(number: int) -> str:
    """Have the terminal forget it."""
    return _command(f"a=d,d=I,i={number},q=2")


def placeholders(placement: Placement) -> Iterator[list[str]]:
    """The characters of its cells, line by line; they must be in the picture's `colour`."""
    for down in MARKS[: placement.lines]:
        yield [PLACEHOLDER + down + across for across in MARKS[: placement.columns]]


def colour(placement: Placement) -> tuple[int, int, int]:
    """The number in red, green and blue."""
    number = placement.number
    return number >> 16, number >> 8 & 0xFF, number & 0xFF


def _command(control: str, payload: str = "") -> str:
    return f"\x1b_G{control}{';' if payload else ''}{payload}\x1b\\"
