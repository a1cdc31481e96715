"""Silence says that there is no echo; anything else says nothing."""

import numpy as np

from voicechat.audio.echo.delay_search import NEEDED_MS, Absence
from voicechat.audio.echo.frame import FRAME, FRAME_MS, SILENCE, Slice

FRAMES = NEEDED_MS // FRAME_MS


def tone(dbfs: float) -> Slice:
    """A frame whose RMS is `dbfs`."""
    wave = np.sin(np.arange(FRAME) * 2 * np.pi * 500 / 24_000) * np.sqrt(2)
    return Slice.of((wave * 32768 * 10.0 ** (dbfs / 20)).astype(np.int16))


def feed(absence: Absence, heard: Slice, played: Slice, frames: int) -> list[bool]:
    return [absence.feed(heard, played) for _ in range(frames)]


def test_half_a_second_of_sound_that_nobody_hears_is_enough() -> None:
    told = feed(Absence(), SILENCE, tone(-20), FRAMES)
    assert told == [False] * (FRAMES - 1) + [True]


def test_the_way_to_the_ear_is_waited_for() -> None:
    absence = Absence(latency_ms=200)
    assert not any(feed(absence, SILENCE, tone(-20), FRAMES + 19))
    assert absence.feed(SILENCE, tone(-20))


def test_soft_noise_of_a_room_is_silence() -> None:
    assert feed(Absence(), tone(-60), tone(-20), FRAMES)[-1]


def test_whatever_is_heard_may_be_the_echo() -> None:
    absence = Absence()
    for _ in range(5):
        assert not any(feed(absence, SILENCE, tone(-20), FRAMES - 1))
        assert not absence.feed(tone(-45), tone(-20))


def test_silence_and_whispers_from_the_loudspeaker_count_for_nothing() -> None:
    absence = Absence()
    assert not any(feed(absence, SILENCE, SILENCE, 3 * FRAMES))
    assert not any(feed(absence, SILENCE, tone(-45), 3 * FRAMES))
