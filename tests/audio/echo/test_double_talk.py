"""What is louder than the echo can be is somebody who speaks."""

import numpy as np

from tests.audio.echo_room import Room, Sound, far_end, near_end
from voicechat.audio.echo.double_talk import NEEDED_MS, EchoLoudness
from voicechat.audio.echo.frame import FRAME, slices

RATE = 24_000
STORY = 8 * RATE


def feed(loudness: EchoLoudness, heard: Sound, played: Sound) -> list[bool]:
    """By frames of 10 ms."""
    sides = [slices(side.astype(np.int16).tobytes()) for side in (heard, played)]
    return [loudness.feed(*pair) for pair in zip(*sides, strict=True)]


def test_an_echo_is_never_more_than_the_echo() -> None:
    played = far_end()[: 2 * STORY]
    for gain_db in (-12, 0, 6):
        heard = Room(gain_db=gain_db).echo(played)
        assert np.mean(feed(EchoLoudness(), heard, played)) < 0.01


def test_a_voice_over_a_usual_echo_is_more() -> None:
    played, loudness = far_end()[: 2 * STORY], EchoLoudness()
    heard = Room(gain_db=-12).echo(played)
    heard[STORY:] += near_end()[:STORY]
    told = feed(loudness, heard, played)
    assert np.mean(told[: STORY // FRAME]) < 0.01
    assert any(told[STORY // FRAME : (STORY + RATE) // FRAME]), "not heard within a second"


def test_an_echo_hardly_softer_than_its_sound_is_strong() -> None:
    played = far_end()[:STORY]
    for gain_db, is_strong in ((-12, False), (0, True)):
        loudness = EchoLoudness()
        feed(loudness, Room(gain_db=gain_db).echo(played), played)
        assert loudness.is_strong is is_strong


def test_nothing_is_known_before_a_second_was_played() -> None:
    near = near_end()[:STORY]
    assert not any(feed(EchoLoudness(), near, np.zeros_like(near)))
    played = far_end()[: NEEDED_MS * RATE // 1000 // 2]
    assert not any(feed(EchoLoudness(), near_end()[: played.size], played))


def test_soft_sound_proves_nothing() -> None:
    played, loudness = far_end()[:STORY], EchoLoudness()
    feed(loudness, np.zeros_like(played), played)
    assert not any(feed(loudness, near_end()[:STORY] * 0.01, played))
