"""Whatever a file holds, what leaves is upright, bare, and within the limits of the model."""

import warnings
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from PIL.Image import Exif

from tests.front.pictures.drawn import (
    SECRET,
    claims_to_be,
    near,
    noise,
    opened,
    photo,
    quarters,
    saved,
    screenshot,
)
from voicechat.conversation.picture import Limits
from voicechat.errors import ConfigError
from voicechat.front.pictures.encode import LARGEST_PIXELS, encode_file, encode_pixels

JPEG_ONLY = Limits(types=("image/jpeg",))
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"])
def test_every_common_format_is_read(kind: str) -> None:
    picture = encode_file(saved(quarters(), kind), f"a.{kind.lower()}", JPEG_ONLY)
    assert (picture.mime, picture.width, picture.height) == ("image/jpeg", 60, 40)
    image = opened(picture.data)
    assert image.format == "JPEG"
    corners = [image.getpixel(at) for at in ((10, 10), (50, 10), (10, 30), (50, 30))]
    assert all(map(near, corners, (RED, GREEN, BLUE, WHITE)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_every_mode_of_pixels_is_read(mode: str) -> None:
    if mode == "I;16":
        image = Image.new("I;16", (40, 40), 65_535)
    else:
        image = Image.new("RGB", (40, 40), "white").convert(mode)
    kind = "PNG" if mode not in ("CMYK", "YCbCr") else "JPEG"
    picture = encode_file(saved(image, kind), "a", JPEG_ONLY)
    assert near(opened(picture.data).getpixel((20, 20)), WHITE)


def test_sixteen_bits_of_grey_keep_their_middle() -> None:
    picture = encode_file(saved(Image.new("I;16", (40, 40), 32_768), "PNG"), "a", JPEG_ONLY)
    assert near(opened(picture.data).getpixel((20, 20)), (128, 128, 128))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    """EXIF 2.32, 4.6.4 A: where the first row and column of the pixels are to be seen."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = quarters()
    if orientation in back:
        stored = stored.transpose(back[orientation])
    exif = Exif()
    exif[0x0112] = orientation
    for kind in ("JPEG", "PNG", "WEBP"):
        picture = encode_file(saved(stored, kind, exif=exif), "a", JPEG_ONLY)
        image = opened(picture.data)
        assert image.size == (60, 40), kind
        assert near(image.getpixel((10, 10)), RED) and near(image.getpixel((50, 10)), GREEN), kind
        assert near(image.getpixel((10, 30)), BLUE), kind


def test_no_metadata_leaves() -> None:
    exif = Exif()
    exif[0x9286] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    profile = b"\0" * 36 + SECRET + b"\0" * 60
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    files = [
        saved(photo(), "JPEG", exif=exif, comment=SECRET, xmp=SECRET, icc_profile=profile),
        saved(screenshot(), "PNG", exif=exif, pnginfo=text, icc_profile=profile),
        saved(photo(), "WEBP", exif=exif, xmp=SECRET, icc_profile=profile),
        saved(screenshot(), "GIF", comment=SECRET),
    ]
    for types in (("image/jpeg",), ("image/png",), ("image/webp",), Limits().types):
        for file in files:
            picture = encode_file(file, "a", Limits(types=types))
            left = opened(picture.data)
            assert SECRET not in picture.data
            assert not left.getexif()
            assert not {"comment", "xmp", "exif", "icc_profile", "Comment"} & set(left.info)


def test_what_is_transparent_becomes_white() -> None:
    for kind in ("PNG", "WEBP"):
        image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
        picture = encode_file(saved(image, kind), "a", JPEG_ONLY)
        assert near(opened(picture.data).getpixel((20, 20)), WHITE)
    palette = Image.new("P", (40, 40), 0)
    palette.putpalette([255, 0, 0] * 256)
    for transparency in (0, bytes([0] * 256)):
        data = saved(palette, "PNG", transparency=transparency)
        assert near(opened(encode_file(data, "a", JPEG_ONLY).data).getpixel((20, 20)), WHITE)


def test_only_the_first_picture_of_a_moving_one_is_sent() -> None:
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    for kind in ("GIF", "WEBP", "PNG"):
        data = saved(first, kind, save_all=True, append_images=[second], duration=100)
        picture = encode_file(data, "a", JPEG_ONLY)
        assert near(opened(picture.data).getpixel((20, 20)), RED)
        assert getattr(opened(picture.data), "n_frames", 1) == 1


@pytest.mark.parametrize("size", [(6000, 4000), (200, 5000), (5000, 3)])
def test_a_large_picture_keeps_its_shape_within_the_longer_side(size: tuple[int, int]) -> None:
    limits = Limits(side=1000)
    picture = encode_file(saved(photo(*size), "JPEG"), "a", limits)
    assert max(picture.width, picture.height) == 1000
    assert abs(picture.width * size[1] / (picture.height * size[0]) - 1) < 0.5
    assert opened(picture.data).size == (picture.width, picture.height)


def test_a_small_picture_is_not_enlarged() -> None:
    picture = encode_file(saved(photo(1, 1), "PNG"), "a", Limits())
    assert (picture.width, picture.height) == (1, 1)


@pytest.mark.parametrize("most", [1_500_000, 190_000, 20_000, 3_000])
@pytest.mark.parametrize("types", [("image/jpeg", "image/png"), ("image/png",), ("image/webp",)])
def test_the_largest_size_is_kept_to(most: int, types: tuple[str, ...]) -> None:
    limits = Limits(types, most, 1200)
    for image in (photo(1600, 900), noise(700, 900), screenshot()):
        picture = encode_file(saved(image, "PNG"), "a", limits)
        assert len(picture.data) <= most and picture.mime in types
        assert max(picture.width, picture.height) <= 1200


def test_quality_goes_before_pixels() -> None:
    data = saved(photo(1600, 1200), "JPEG", quality=95)
    whole = encode_file(data, "a", Limits(bytes=1_000_000))
    poorer = encode_file(data, "a", Limits(bytes=len(whole.data) // 2))
    assert (poorer.width, poorer.height) == (whole.width, whole.height) == (1600, 1200)


def test_a_screenshot_stays_sharp_where_that_is_smaller() -> None:
    data = saved(screenshot(), "PNG")
    assert encode_file(data, "a", Limits()).mime == "image/png"
    assert encode_file(data, "a", JPEG_ONLY).mime == "image/jpeg"
    assert encode_file(saved(photo(), "PNG"), "a", Limits()).mime == "image/jpeg"
    assert encode_file(saved(screenshot(), "JPEG"), "a", Limits()).mime == "image/jpeg"


def test_bare_pixels_become_a_picture() -> None:
    image = screenshot(300, 200)
    picture = encode_pixels(image.tobytes(), image.size, "screen", Limits(side=150))
    assert (picture.name, picture.width, picture.height) == ("screen", 150, 100)


def test_a_name_is_safe_to_show() -> None:
    picture = encode_file(saved(quarters(), "PNG"), "\x1b[2Ja\n\u202eb" + "c" * 200, Limits())
    assert picture.name.startswith("a b") and len(picture.name) <= 60
    with pytest.raises(ConfigError) as caught:
        encode_file(b"no", "\x1b[2Ja\nb", Limits())
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)


def cut(data: bytes) -> bytes:
    return data[: len(data) * 6 // 10]


BROKEN: list[tuple[bytes, str]] = [
    (b"", "is empty"),
    (b"Dear all,\nthis is text, renamed.\n" * 20, "is not a picture"),
    (b"%PDF-1.7 " + bytes(500), "is not a picture"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture"),
    (bytes([0, 0, 0, 24]) + b"ftypheic" + bytes(500), "is a HEIC photo"),
    (cut(saved(photo(), "JPEG")), "is damaged or incomplete"),
    (cut(saved(photo(), "PNG")), "is damaged or incomplete"),
    (cut(saved(photo(), "WEBP")), "is damaged or incomplete"),
    (cut(saved(photo(), "BMP")), "is damaged or incomplete"),
    (claims_to_be(40_000, 40_000), "million pixels"),
    (claims_to_be(12_000, 12_000), "million pixels"),
]


@pytest.mark.parametrize(("data", "why"), BROKEN, ids=lambda value: str(value)[:20])
def test_what_cannot_be_sent_is_told_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        encode_file(data, "holiday.jpg", Limits())
    assert "holiday.jpg" in str(caught.value) and caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_picture_of_the_largest_size_is_still_one() -> None:
    side = int(LARGEST_PIXELS**0.5)
    data = saved(Image.new("1", (side, side), 1), "PNG")
    picture = encode_file(data, "a", Limits(side=200))
    assert (picture.width, picture.height) == (200, 200)


def test_every_broken_byte_is_survived() -> None:
    """Any byte of any format may be wrong: a picture comes out, or one line."""
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"):
        data = saved(quarters(), kind)
        for at in range(0, len(data), max(1, len(data) // 60)):
            broken = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
            _survive(broken)


def _survive(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return encode_file(data, "a", Limits())
        except ConfigError as error:
            return error


def test_what_cannot_be_made_small_enough_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot be made smaller"):
        encode_file(saved(noise(200, 200), "PNG"), "a.png", Limits(bytes=100))


def test_a_model_that_takes_no_known_format_is_told() -> None:
    with pytest.raises(ConfigError, match="no picture format"):
        encode_file(saved(quarters(), "PNG"), "a.png", Limits(types=("image/tiff",)))
