"""10 ms of sound know their power."""

import numpy as np
import pytest

from voicechat.audio.echo.frame import FRAME, SILENCE, Slice, slices


def test_sound_is_sliced_and_its_power_is_the_sum_of_squares() -> None:
    sound = np.random.default_rng(3).integers(-32768, 32768, 3 * FRAME).astype(np.int16)
    found = slices(sound.tobytes())
    assert np.array_equal(np.concatenate([each.samples for each in found]), sound)
    for each, part in zip(found, sound.reshape(-1, FRAME), strict=True):
        assert each.power == pytest.approx(float(np.square(part, dtype=np.float64).sum()), rel=1e-5)
        assert Slice.of(part).power == pytest.approx(each.power, rel=1e-5)


def test_one_step_of_one_sample_is_not_silence() -> None:
    soft = np.zeros(FRAME, np.int16)
    soft[7] = -1
    assert not Slice.of(soft).is_silent and not slices(soft.tobytes())[0].is_silent
    assert SILENCE.is_silent and slices(bytes(2 * FRAME))[0].is_silent
