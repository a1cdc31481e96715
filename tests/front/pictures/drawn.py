"""Pictures to test with, made by Pillow: photographs, screenshots, odd ones."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SECRET = b"48.8584N-2.2945E-taken-by-Erika"


def photo(width: int = 640, height: int = 480, seed: int = 1) -> Image.Image:
    """Smooth areas with grain: as hard to compress as what a camera sees."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = rng.integers(-10, 11, (height, width, 3), dtype=np.int8)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def noise(width: int, height: int) -> Image.Image:
    """What no encoder can make small."""
    pixels = np.random.default_rng(2).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def screenshot(width: int = 1280, height: int = 720) -> Image.Image:
    """Lines of text on one colour."""
    image = Image.new("RGB", (width, height), "#202028")
    draw = ImageDraw.Draw(image)
    for line in range(0, height, 16):
        draw.text(
            (8, line), f"{line:5} def function_{line}(argument): return {line * 7}", "#d0d0d0"
        )
    return image


def quarters(width: int = 60, height: int = 40) -> Image.Image:
    """Red left above, green right above, blue left below, white right below."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), "red")
    draw.rectangle((width // 2, 0, width, height // 2 - 1), "lime")
    draw.rectangle((0, height // 2, width // 2 - 1, height), "blue")
    return image


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def near(pixel: Any, wanted: tuple[int, int, int]) -> bool:
    """The same colour, as far as JPEG can tell."""
    return all(abs(is_one - one) < 40 for is_one, one in zip(pixel, wanted, strict=True))


def claims_to_be(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that unpacks to as many pixels as it says."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(100_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
