"""How a picture is called."""

import pytest

from voicechat.front.pictures import Picture


@pytest.mark.parametrize(
    ("size", "words"),
    [(10, "1 kB"), (35_400, "35 kB"), (999_900, "1000 kB"), (1_449_000, "1.4 MB")],
)
def test_a_label_says_name_pixels_and_size(size: int, words: str) -> None:
    picture = Picture("photo.jpg", bytes(size), "image/jpeg", 640, 480)
    assert picture.label == f"photo.jpg 640×480, {words}"
    assert len(repr(picture)) < 200
