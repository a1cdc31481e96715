"""A picture whose pixels are whole is shown, whatever else its file holds."""

import struct
import zlib

import pytest

from tests.front.pictures.drawn import near, opened, photo, quarters, saved
from voicechat.conversation.picture import Limits
from voicechat.errors import ConfigError
from voicechat.front.pictures.encode import encode_file
from voicechat.front.pictures.png import bare_png

PNG = saved(quarters(), "PNG")
ONE_TAG = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def with_chunk(added: bytes) -> bytes:
    return PNG[:33] + added + PNG[33:]


@pytest.mark.fault("D14")
@pytest.mark.parametrize(
    "data",
    [
        with_chunk(chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(3_000_000)))),
        with_chunk(chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(bytes(3_000_000)))),
        with_chunk(chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(3_000_000)))),
        with_chunk(chunk(b"iCCP", b"icc\0\0no zlib at all")),
        with_chunk(chunk(b"tEXt", b"k\0abc", crc=0)),
        with_chunk(chunk(b"gAMA", b"\0\0\xb1\x8f", crc=0)),
        with_chunk(chunk(b"eXIf", b"garbage")),
        with_chunk(chunk(b"eXIf", ONE_TAG, crc=0)),
        with_chunk(chunk(b"pHYs", b"short")),
        PNG[:-12],
        PNG + b"more behind the end",
    ],
)
def test_metadata_does_not_hide_a_png(data: bytes) -> None:
    picture = encode_file(data, "a.png", Limits(types=("image/jpeg",)))
    assert (picture.width, picture.height) == (60, 40)
    assert near(opened(picture.data).getpixel((10, 10)), (255, 0, 0))


def test_the_way_up_of_a_png_is_kept() -> None:
    picture = encode_file(with_chunk(chunk(b"eXIf", ONE_TAG)), "a.png", Limits())
    assert (picture.width, picture.height) == (40, 60)


def test_a_png_without_metadata_and_what_is_no_png_stay_as_they_are() -> None:
    for data in (PNG, saved(photo(), "JPEG"), b"", PNG[:7]):
        assert bare_png(data) == data


@pytest.mark.fault("D14")
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_only_its_end_mark_is_shown(progressive: bool) -> None:
    whole = saved(photo(), "JPEG", progressive=progressive)
    shown = encode_file(whole, "a.jpg", Limits())
    assert encode_file(whole[:-2], "a.jpg", Limits()).data == shown.data
    with pytest.raises(ConfigError, match="damaged or incomplete"):
        encode_file(whole[: len(whole) * 3 // 4], "a.jpg", Limits())


@pytest.mark.fault("D14")
@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0" + ONE_TAG[:-8] + b"\xff" * 8])
def test_a_jpeg_with_odd_metadata_is_shown(exif: bytes) -> None:
    picture = encode_file(saved(photo(), "JPEG", exif=exif), "a.jpg", Limits())
    assert picture.width and picture.height
