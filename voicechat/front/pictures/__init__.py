"""Pictures for a model: from a file or the screen, made small enough, with nothing else in them.

Pillow and mss are imported when the first picture is wanted, by the thread that needs them: a call
without pictures must not wait for them.
"""

from voicechat.conversation.picture import Limits, Picture, Sketch
from voicechat.front.pictures.fetch import (
    fetch_dropped,
    fetch_named,
    fetch_picture,
    fetch_screen,
    fetch_sketch,
    load_picture,
)

__all__ = [
    "Limits",
    "Picture",
    "Sketch",
    "fetch_dropped",
    "fetch_named",
    "fetch_picture",
    "fetch_screen",
    "fetch_sketch",
    "load_picture",
]
