import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.audio import pcm

FRAMES = st.lists(st.integers(-32768, 32767), max_size=64)


def sound(*samples: int) -> bytes:
    return np.array(samples, "<i2").tobytes()


def samples(data: bytes) -> list[int]:
    return [int(value) for value in np.frombuffer(data, "<i2")]


def test_times_and_sizes_agree_and_round_down() -> None:
    assert pcm.ms_to_frames(20) == 480
    assert pcm.ms_to_bytes(20) == 960
    assert pcm.frames_to_ms(479) == 19
    assert pcm.bytes_to_ms(961) == 20
    assert pcm.ms_to_frames(10, 44_100) == 441


def test_level_of_a_square_wave_is_zero_and_of_a_sine_three_less() -> None:
    turn = np.arange(2400) * 2 * math.pi / 240
    assert pcm.level_dbfs(sound(-32768, 32767) * 100) == pytest.approx(0.0, abs=0.01)
    sine = (np.sin(turn) * 32767).astype("<i2").tobytes()
    assert pcm.level_dbfs(sine) == pytest.approx(-3.01, abs=0.01)


def test_silence_and_nothing_have_the_floor_as_level() -> None:
    assert pcm.level_dbfs(b"") == pcm.level_dbfs(pcm.silence(100)) == pcm.FLOOR_DBFS


def test_peak_sees_the_lowest_sample() -> None:
    assert pcm.peak(sound(5, -32768, 7)) == 1.0
    assert pcm.peak(b"") == 0.0


def test_gain_clips_instead_of_wrapping() -> None:
    assert samples(pcm.gain(sound(30000, -30000, 100), 2.0)) == [32767, -32768, 200]


@given(FRAMES)
def test_gain_of_one_changes_nothing(values: list[int]) -> None:
    assert samples(pcm.gain(sound(*values), 1.0)) == values


def test_fades_start_and_end_in_silence_and_never_jump() -> None:
    flat = sound(*[10000] * 240)
    rise, fall = samples(pcm.fade_in(flat)), samples(pcm.fade_out(flat))
    assert rise[0] == 0 and fall[0] == 10000 and fall[-1] < 50
    assert max(np.abs(np.diff(rise))) < 50 and max(np.abs(np.diff(fall))) < 50


def test_mono_is_the_mean_of_the_channels() -> None:
    assert samples(pcm.mix_to_mono(sound(100, 300, -32768, 32767), 2)) == [200, 0]
    assert samples(pcm.mix_to_mono(sound(1, 2), 1)) == [1, 2]
