"""A picture a few lines of text high, for people to recognise it by."""

from io import BytesIO

from voicechat.conversation.picture import Picture, Sketch


def draw_sketch(picture: Picture, width: int, height: int) -> Sketch:
    """The picture within so many pixels, which are square; never larger than it is.

    Two pixels make one character cell, one above the other, so the height is even.
    """
    from PIL import Image

    with Image.open(BytesIO(picture.data)) as image:
        image.draft("RGB", (width * 2, height * 2))
        scale = min(width / image.width, height / image.height, 1.0)
        columns = max(1, round(image.width * scale))
        lines = max(2, round(image.height * scale / 2) * 2)
        small = image.convert("RGB").resize((columns, lines), Image.Resampling.BOX)
    return Sketch(columns, lines, small.tobytes())
