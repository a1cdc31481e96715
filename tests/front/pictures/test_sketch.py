"""A sketch keeps the picture's shape and colours."""

from tests.front.pictures.drawn import near, photo, quarters, saved
from voicechat.conversation.picture import Limits
from voicechat.front.pictures.encode import encode_file
from voicechat.front.pictures.sketch import draw_sketch


def test_a_sketch_fits_and_keeps_its_shape() -> None:
    for size in ((640, 480), (480, 640), (2000, 10), (10, 2000)):
        sketch = draw_sketch(encode_file(saved(photo(*size), "JPEG"), "a", Limits()), 40, 24)
        assert 1 <= sketch.width <= 40 and 2 <= sketch.height <= 24
        assert sketch.height % 2 == 0 and len(sketch.rgb) == sketch.width * sketch.height * 3


def test_a_sketch_shows_what_is_there() -> None:
    sketch = draw_sketch(encode_file(saved(quarters(), "PNG"), "a", Limits()), 30, 20)
    assert (sketch.width, sketch.height) == (30, 20)
    assert near(sketch.rgb[:3], (255, 0, 0)) and near(sketch.rgb[29 * 3 : 30 * 3], (0, 255, 0))


def test_a_tiny_picture_is_not_enlarged() -> None:
    sketch = draw_sketch(encode_file(saved(photo(5, 4), "PNG"), "a", Limits()), 40, 24)
    assert (sketch.width, sketch.height) == (5, 4)
