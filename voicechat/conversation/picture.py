"""What a picture is once it is ready to be sent, and what a model asks of one.  Only values."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model takes."""

    types: tuple[str, ...] = ("image/jpeg", "image/png")
    """MIME types, the one to encode to first."""
    bytes: int = 1_500_000
    """The largest picture, before base64."""
    side: int = 2048
    """Pixels of the longer side."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture within the limits of a model, upright, without transparency or metadata."""

    name: str
    """Of the file, without its folder; `screen` for a screenshot.  Safe to show."""
    data: bytes = field(repr=False)
    mime: str
    width: int
    """Pixels."""
    height: int

    @property
    def label(self) -> str:
        """As a person reads it: `photo.jpg 640×480, 35 kB`."""
        return f"{self.name} {self.width}\u00d7{self.height}, {_size(len(self.data))}"


@dataclass(frozen=True, slots=True)
class Sketch:
    """A picture as small as a few lines of text, to be recognised by."""

    width: int
    """Pixels."""
    height: int
    """Pixels; always even."""
    rgb: bytes = field(repr=False)
    """Three bytes a pixel, line after line."""


def _size(count: int) -> str:
    """Bytes as decimal units (IEC 80000-13): `35 kB`, `1.4 MB`."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f} MB"
    return f"{max(1, round(count / 1000))} kB"
