"""A text that comes in pieces, a million of them if need be.

The rule: adding one costs the same however long the text is, so it is put together only when
somebody asks.  A piece by itself costs ten times its letters: many are put together at once.
"""

MOST = 2000
"""Pieces that wait to be put together."""


class Pieces:
    """Grows at its end."""

    __slots__ = ("_parts",)

    def __init__(self, text: str = "") -> None:
        self._parts = [text]

    def add(self, text: str) -> None:
        """More of it."""
        self._parts.append(text)
        if len(self._parts) > MOST:
            self._parts = ["".join(self._parts)]

    @property
    def text(self) -> str:
        """All of it so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0]
