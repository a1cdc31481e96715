"""Periods are found where there are any, and a seam over one leaves no step."""

import numpy as np
import pytest

from tests.audio.voices import hiss, samples, steepest, voice
from voicechat.audio.playback.stretch import crossfade, find_period, longest, window


def halves(sound: bytes, rate: int) -> tuple[bytes, bytes]:
    before, after = longest(rate) * 2, window(rate) * 2
    return sound[:before], sound[before : before + after]


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("hertz", [80, 123, 210, 333])
def test_the_period_of_a_voice_is_found(rate: int, hertz: float) -> None:
    lag = find_period(*halves(voice(100, hertz, rate), rate), rate)
    periods = lag * hertz / rate
    assert lag and abs(periods - round(periods)) * rate / hertz <= 1.5


def test_noise_and_silence_have_no_period() -> None:
    for seed in range(50):
        assert find_period(*halves(hiss(50, seed=seed), 24_000)) == 0
    assert find_period(*halves(bytes(2400), 24_000)) == 0


def test_a_crossfade_goes_from_one_to_the_other() -> None:
    old, new = np.full(99, 5000, "<i2").tobytes(), np.full(99, -5000, "<i2").tobytes()
    mixed = samples(crossfade(old, new))
    assert mixed.size == 99 and mixed[49] == 0
    assert mixed[0] == 4900 and mixed[-1] == -4900
    assert (np.diff(mixed) < 0).all()


def test_a_period_said_twice_makes_no_step() -> None:
    sound = voice(100)
    before, after = halves(sound, 24_000)
    lag = find_period(before, after)
    twice = crossfade(sound[len(before) : len(before) + lag * 2], before[-lag * 2 :])
    assert steepest(before + twice + sound[len(before) :]) <= steepest(sound) * 1.1
