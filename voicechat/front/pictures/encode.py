"""Any picture made into one that a model takes: upright, on white, small, and nothing but pixels.

What leaves here is always encoded anew from bare pixels, so no place, date, camera, comment or
preview of the original can go with it.  One picture at a time: a large one takes hundreds of
megabytes while it is unpacked.
"""

import threading
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from voicechat.conversation.picture import Limits, Picture
from voicechat.errors import ConfigError
from voicechat.front.pictures.png import bare_png
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_PIXELS = 100_000_000
"""More than any camera in a pocket; a file of some kilobytes can claim to be larger."""
SMALLEST_SIDE = 16
SHRINK = 0.75
"""From one size that did not fit to the next."""
QUALITIES = (90, 80, 65, 50, 35)
MOST_DRAWN_COLOURS = 20_000
"""A screenshot or a diagram has fewer, a photograph more; only the former are small as PNG."""
_READABLE = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
_LOSSY_READ = ("JPEG", "MPO", "AVIF")
_READABLE_HINT = phrase("JPEG, PNG, WebP, GIF, BMP and AVIF can be read")
_ORIENTATION = 0x0112
_JPEG_END = b"\xff\xd9"
_NO_PIXELS = b"\x55\xaa\x0f" * 64
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_one_at_a_time = threading.Lock()


def encode_file(data: bytes, name: str, limits: Limits) -> Picture:
    """The first (or only) picture in a file's bytes, within the limits.

    Raises:
        ConfigError: it is no picture, it is broken or too large, or cannot be made small enough.
    """
    return _encode(lambda: _unpack(data, name, limits.side), name, limits)


def encode_pixels(rgb: bytes, size: tuple[int, int], name: str, limits: Limits) -> Picture:
    """Bare pixels, three bytes each, as a picture within the limits.

    Raises:
        ConfigError: it cannot be made small enough.
    """

    def unpack() -> "tuple[Image, bool]":
        from PIL import Image

        return Image.frombytes("RGB", size, rgb), True

    return _encode(unpack, name, limits)


def _encode(
    unpack: "Callable[[], tuple[Image, bool]]",
    name: str,
    limits: Limits,
) -> Picture:
    name = clean_line(name, 60) or "picture"
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd metadata is no concern of the user's: it is dropped.
        image, is_lossless = unpack()
        image = _bare(image, limits.side)
        mime, data, size = _fit(image, name, limits, may_be_drawn=is_lossless)
    return Picture(name, data, mime, *size)


# -- in ---------------------------------------------------------------------------------------


def _unpack(data: bytes, name: str, side: int) -> "tuple[Image, bool]":
    """The picture upright, and whether its file kept every pixel."""
    from PIL import Image, UnidentifiedImageError

    try:
        data = bare_png(data)
        image = _open(data, name, side)
        is_lossless = image.format not in _LOSSY_READ
        try:
            image.load()
        except OSError:
            image = _load_endless(data, name, side)
        return _upright(image), is_lossless
    except Image.DecompressionBombError:
        raise _too_many_pixels(name) from None
    except UnidentifiedImageError:
        raise _no_picture(data, name) from None
    except ConfigError:
        raise
    except MemoryError:
        raise _too_many_pixels(name) from None
    except Exception:  # A broken file makes a decoder stumble in any way there is.
        hint = phrase("Open it in another program and save it again")
        raise ConfigError(
            phrase("{who} is damaged or incomplete", who=_shown(name)), hint
        ) from None


def _open(data: bytes, name: str, side: int) -> "Image":
    image = _identify(data)
    _must_be_bearable(image.size, name)
    image.draft(image.mode, (side, side))  # JPEG: unpack it at half or quarter size at once.
    return image


def _load_endless(data: bytes, name: str, side: int) -> "Image":
    """A JPEG without its end mark, of which no pixel is missing.

    Raises:
        OSError: it is something else, or more is missing: then what is put behind it is taken for
            a part of the picture.
    """
    if not data.startswith(b"\xff\xd8"):
        raise OSError
    image, other = (_open(data + tail + _JPEG_END, name, side) for tail in (b"", _NO_PIXELS))
    image.load()
    if image.tobytes() != other.tobytes():
        raise OSError
    return image


def _upright(image: "Image") -> "Image":
    """Turned as its camera says; where that cannot be read it stays as it is."""
    from PIL import Image

    turns = (
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
    )
    try:
        turn = dict[Any, Image.Transpose](enumerate(turns, 2)).get(
            image.getexif().get(_ORIENTATION)
        )
    except Exception:  # Metadata is odd in any way there is.
        return image
    return image if turn is None else image.transpose(turn)


def _identify(data: bytes) -> "Image":
    from PIL import Image, WebPImagePlugin
    from PIL import features as pillow

    Image.preinit()  # JPEG, PNG, GIF and BMP; importing registers the others.
    assert WebPImagePlugin
    if pillow.check("avif"):
        from PIL import AvifImagePlugin

        assert AvifImagePlugin
    return Image.open(BytesIO(data), formats=[one for one in _READABLE if one in Image.OPEN])


def _must_be_bearable(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > LARGEST_PIXELS:
        raise _too_many_pixels(name)


def _too_many_pixels(name: str) -> ConfigError:
    most = LARGEST_PIXELS // 1_000_000
    message = phrase("{who} has more than {count} million pixels", who=_shown(name), count=most)
    return ConfigError(message, phrase("Save a smaller copy of it"))


def _no_picture(data: bytes, name: str) -> ConfigError:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return ConfigError(
            phrase("{who} is a HEIC photo", who=_shown(name)), phrase("Save it as JPEG first")
        )
    if not data:
        return ConfigError(
            phrase("{who} is empty", who=_shown(name)), phrase("Choose another file")
        )
    return ConfigError(phrase("{who} is not a picture", who=_shown(name)), _READABLE_HINT)


def _shown(name: str) -> str:
    return clean_line(name, 60)


def _bare(image: "Image", side: int) -> "Image":
    """Pixels and nothing else, no longer than `side`, what is transparent on white."""
    from PIL import Image

    image = _plain_mode(image)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    return canvas


def _plain_mode(image: "Image") -> "Image":
    """RGB, or RGBA where something shines through."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip at 255.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image.copy() if image.mode == wanted else image.convert(wanted)


# -- out --------------------------------------------------------------------------------------


def _fit(
    image: "Image", name: str, limits: Limits, *, may_be_drawn: bool
) -> tuple[str, bytes, tuple[int, int]]:
    """The best encoding that is small enough: first less quality, then fewer pixels."""
    mime = next((one for one in limits.types if one in _QUALITY_OF), "")
    if not mime:
        raise ConfigError(
            phrase("The model takes no picture format that is known"), phrase("Try another model")
        )
    png = _as_png(image, limits) if may_be_drawn and mime != "image/png" else None
    while True:
        for data in _attempts(image, mime):
            if png is not None and len(png) <= len(data):
                return "image/png", png, image.size
            if len(data) <= limits.bytes:
                return mime, data, image.size
        if png is not None:  # Larger than a poor JPEG, but it fits, and every letter is sharp.
            return "image/png", png, image.size
        if max(image.size) < SMALLEST_SIDE / SHRINK:
            message = phrase(
                "{who} cannot be made smaller than {count} kB",
                who=_shown(name),
                count=limits.bytes // 1000,
            )
            raise ConfigError(message, phrase("Choose another one"))
        image = _smaller(image)


def _smaller(image: "Image") -> "Image":
    from PIL import Image

    width, height = (max(1, round(side * SHRINK)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _as_png(image: "Image", limits: Limits) -> bytes | None:
    """The picture as PNG where that is allowed, small enough, and worth trying."""
    if "image/png" not in limits.types or image.getcolors(MOST_DRAWN_COLOURS) is None:
        return None
    data = next(_attempts(image, "image/png"))
    return data if len(data) <= limits.bytes else None


def _attempts(image: "Image", mime: str) -> Iterator[bytes]:
    """Encodings of the picture at this size, the best first."""
    for quality in _QUALITY_OF[mime]:
        buffer = BytesIO()
        image.save(buffer, mime.removeprefix("image/"), optimize=True, **quality)
        yield buffer.getvalue()


_QUALITY_OF: dict[str, list[dict[str, int]]] = {
    "image/jpeg": [{"quality": quality} for quality in QUALITIES],
    "image/webp": [{"quality": quality} for quality in QUALITIES],
    "image/png": [{}],
}
