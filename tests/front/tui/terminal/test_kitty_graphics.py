"""What a terminal is told of a picture, read as the protocol says."""

import unicodedata

import pytest

from tests.fakes.terminal_pictures import Held, hung_on
from tests.front.pictures.drawn import noise
from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import (
    CHUNK,
    MARKS,
    NUMBERS,
    PLACEHOLDER,
    Placement,
    colour,
    delete_picture,
    fit_cells,
    place_picture,
    placeholders,
    send_picture,
    shows_pictures,
)
from voicechat.front.tui.transcript.thumbnail import LARGEST

SMALL = Sketch(2, 2, bytes(range(12)))


@pytest.mark.parametrize("size", [(2, 2), (60, 40), (384, 192)])
def test_every_pixel_arrives(size: tuple[int, int]) -> None:
    rgb = noise(*size).tobytes()
    written = send_picture(7, Sketch(*size, rgb)).encode()
    wall = hung_on(written)
    assert wall.pictures == {7: Held(*size, rgb)} and wall.sent == [7]
    assert written.count(b"\x1b_G") == 1 + len(rgb) * 4 // 3 // CHUNK


def test_a_picture_is_placed_stretched_anew_and_forgotten() -> None:
    wall = hung_on(send_picture(7, SMALL).encode())
    for size in ((18, 12), (9, 6)):
        wall.feed(place_picture(Placement(7, *size)).encode())
        assert wall.places == {7: size}
    wall.feed(delete_picture(7).encode())
    assert not wall.pictures and not wall.places


def test_a_cell_names_its_line_and_its_column() -> None:
    cells = list(placeholders(Placement(7, 3, 2)))
    assert cells == [
        [PLACEHOLDER + down + across for across in "\u0305\u030d\u030e"] for down in "\u0305\u030d"
    ]
    largest = list(placeholders(Placement(7, *LARGEST)))
    assert [len(line) for line in largest] == [LARGEST[0]] * LARGEST[1]


def test_marks_are_those_that_the_protocol_counts_with() -> None:
    """Above the letter, never composed with it, in the order of Unicode 6."""
    assert len(MARKS) == len(set(MARKS)) >= max(LARGEST) and "".join(sorted(MARKS)) == MARKS
    assert all(unicodedata.combining(mark) == 230 for mark in MARKS)
    assert not any(unicodedata.decomposition(mark) for mark in MARKS)
    assert ord(MARKS[29]) == 0x36F and ord(MARKS[47]) == 0x5A1


def test_a_number_is_a_colour() -> None:
    for number in (NUMBERS[0], NUMBERS[-1]):
        red, green, blue = colour(Placement(number, 1, 1))
        assert (red << 16) + (green << 8) + blue == number <= 0xFFFFFF
        assert all(0 <= one <= 255 for one in (red, green, blue))


def test_a_picture_keeps_its_shape_within_its_room_and_is_not_enlarged() -> None:
    def fit(width: int, height: int) -> tuple[int, int]:
        return fit_cells(Sketch(width, height, b""), 48, 12)

    assert fit(384, 192) == (48, 12) and fit(192, 192) == (24, 12) and fit(384, 16) == (48, 1)
    assert fit(144, 192) == (18, 12) and fit(64, 64) == (8, 4) and fit(1, 2) == (1, 1)
    assert fit(3840, 960) == (48, 6) and fit(10, 9000) == (1, 12)


KITTY = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}


@pytest.mark.parametrize(
    ("env", "does"),
    [
        (KITTY, True),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, True),
        ({**KITTY, "TERM": "xterm-256color"}, False),  # another one, started out of kitty
        ({**KITTY, "TMUX": "/tmp/tmux-0/default,1,0"}, False),
        ({**KITTY, "STY": "1.pts-0"}, False),
        ({**KITTY, "ZELLIJ": "0"}, False),
        ({**KITTY, "VIM_TERMINAL": "901"}, False),
        ({**KITTY, "NO_COLOR": "1"}, False),
        ({"TERM": "tmux-256color"}, False),
        ({}, False),
    ],
)
def test_only_a_terminal_that_is_known_to_is_sent_pictures(env: dict[str, str], does: bool) -> None:
    assert shows_pictures(env) is does
