"""The pictures that hang in the terminal: which it has, and when they are taken down.

Only the newest hang: each is some 200 kB, here and there.  A terminal that is behind is sent none
and told nothing, which would have to wait for it; what it still has goes when it is left.
"""

from collections.abc import Callable
from dataclasses import dataclass

from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import (
    NUMBERS,
    Placement,
    delete_picture,
    fit_cells,
    place_picture,
    send_picture,
)

MOST = 16
"""Fewer than there are numbers: one that was taken down is not used again at once, as its cells
may still be on the screen."""


@dataclass(slots=True)
class Hung:
    """A picture on the wall."""

    placement: Placement
    sketch: Sketch


class Gallery:
    """Pictures, each by the key of what it belongs to, oldest first.

    Args:
        write: Sends to the terminal.
        is_behind: Whether sending would have to wait.
    """

    def __init__(self, write: Callable[[str], None], is_behind: Callable[[], bool]) -> None:
        self._write = write
        self._is_behind = is_behind
        self._hung: dict[str, Hung] = {}
        self._sent: set[int] = set()
        """The numbers that mean something to the terminal."""
        self._last = 0
        self._is_open = False

    def hang(self, key: str, sketch: Sketch, columns: int, lines: int) -> None:
        """Hang a picture in at most so many cells, unless the terminal is behind or left."""
        if not self._may_write:
            return
        while len(self._hung) >= MOST:
            self.take_down(next(iter(self._hung)))
        number = self._free_number()
        hung = Hung(Placement(number, *fit_cells(sketch, columns, lines)), sketch)
        self._hung[key] = hung
        self._send(hung)

    def placement(self, key: str) -> Placement | None:
        """Where the picture hangs; None: it does not."""
        hung = self._hung.get(key)
        return hung.placement if hung is not None else None

    def fit(self, columns: int, lines: int) -> None:
        """Hang all of them in at most so many cells."""
        if not self._may_write:
            return
        for hung in self._hung.values():
            placement = Placement(hung.placement.number, *fit_cells(hung.sketch, columns, lines))
            if placement != hung.placement:
                hung.placement = placement
                self._write(place_picture(placement))

    def take_down(self, key: str) -> None:
        """Take one away, if it hangs."""
        hung = self._hung.pop(key, None)
        if hung is not None and self._may_write:
            self._sent.discard(hung.placement.number)
            self._write(delete_picture(hung.placement.number))

    def close(self) -> None:
        """Leave nothing in the terminal; to be said before its screen is left."""
        self._is_open = False
        if self._sent:
            self._write("".join(map(delete_picture, sorted(self._sent))))
            self._sent.clear()

    def open(self) -> None:
        """Hang everything again, on a new screen; only from now on anything is written."""
        self._is_open = True
        for hung in self._hung.values():
            self._send(hung)

    @property
    def _may_write(self) -> bool:
        return self._is_open and not self._is_behind()

    def _send(self, hung: Hung) -> None:
        number = hung.placement.number
        self._sent.add(number)
        self._write(send_picture(number, hung.sketch) + place_picture(hung.placement))

    def _free_number(self) -> int:
        """The one that has not been used for the longest time, of those that are free."""
        used = {hung.placement.number for hung in self._hung.values()}
        while True:
            self._last = (self._last + 1) % len(NUMBERS)
            if NUMBERS[self._last] not in used:
                return NUMBERS[self._last]
