"""What the card was given is told frame by frame: sound, fades and silence, on any channels."""

import numpy as np
import pytest

from voicechat.audio.card.portaudio import Render
from voicechat.audio.card.ring import Ring


class Status:
    output_underflow = False


def loudspeaker(channels: int) -> Render:
    render = Render.__new__(Render)
    render.channels, render.xruns, render.rate, render.ring = channels, 0, 24_000, Ring(100)
    render._mono = memoryview(bytearray(8))
    return render


def play(render: Render, *frames: int) -> None:
    """A block of four frames, of which these are sound."""
    render.ring.write(np.array(frames, "<i2").tobytes())
    callback = render._callback if render.channels == 1 else render._spreading_callback
    callback(bytearray(b"\x55" * 8 * render.channels), 4, None, Status)


def told(render: Render) -> list[int]:
    return np.frombuffer(render.take_played(), "<i2").tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_was_given_to_the_card_is_told_once_with_its_silence(channels: int) -> None:
    render = loudspeaker(channels)
    play(render, 9, 9, 9, 9)
    assert told(render) == [], "before it is asked for, nothing is kept"
    play(render, 1, -2, 3)
    play(render)
    play(render, 4, 5, 6, 7)
    assert told(render) == [1, -2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 7]
    assert told(render) == []


def test_where_nobody_asks_any_more_the_loudspeaker_plays_on() -> None:
    render = loudspeaker(1)
    assert told(render) == []
    for _ in range(20_000):
        play(render, 1, 2, 3, 4)
    assert render.ring.level == 0
    assert len(told(render)) <= 48_000
