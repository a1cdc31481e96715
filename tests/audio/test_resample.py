import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicechat.audio.resample import Resampler

RATES = [(24_000, 48_000), (48_000, 24_000), (44_100, 24_000), (24_000, 44_100), (24_000, 16_000)]


def tone(rate: int, hertz: float = 1000.0, seconds: float = 0.5) -> bytes:
    turns = np.arange(int(rate * seconds)) * hertz / rate
    return (np.sin(turns * 2 * np.pi) * 16000).astype("<i2").tobytes()


@pytest.mark.parametrize(("source", "target"), RATES)
def test_a_tone_stays_the_same_tone_in_time(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    heard = np.frombuffer(resampler.process(tone(source)) + resampler.flush(), "<i2").astype(float)
    wanted = np.frombuffer(tone(target), "<i2").astype(float)
    assert abs(len(heard) - len(wanted)) <= 1
    size = min(len(heard), len(wanted)) - 200
    assert np.abs(heard[200:size] - wanted[200:size]).max() < 40


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 700), min_size=1, max_size=20))
def test_how_it_is_cut_into_calls_does_not_matter(rates: tuple[int, int], cuts: list[int]) -> None:
    whole, resampler = tone(rates[0], seconds=0.1), Resampler(*rates)
    once = resampler.process(whole) + resampler.flush()
    parts, at = b"", 0
    for cut in cuts:
        parts += resampler.process(whole[at : at + cut * 2])
        at += cut * 2
    parts += resampler.process(whole[at:]) + resampler.flush()
    assert np.abs(np.subtract(*map(to_int, (parts, once)))).max() <= 1


def to_int(pcm: bytes) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def test_equal_rates_pass_through_untouched() -> None:
    resampler = Resampler(24_000, 24_000)
    assert resampler.process(b"\1\2\3\4") == b"\1\2\3\4"
    assert resampler.flush() == b""


def test_full_scale_is_clipped_and_never_wraps() -> None:
    square = np.repeat(np.tile([32767, -32768], 50), 48).astype("<i2").tobytes()
    resampler = Resampler(48_000, 24_000)
    heard = to_int(resampler.process(square) + resampler.flush())
    wanted = np.repeat(np.tile([1, -1], 50), 24)
    inner = np.arange(len(wanted)) % 24 > 5
    inner &= np.arange(len(wanted)) % 24 < 18
    assert (np.sign(heard) == wanted)[inner].all()


def test_little_is_held_back() -> None:
    resampler = Resampler(48_000, 24_000)
    given_ms = got_ms = 0.0
    for _ in range(50):
        got_ms += len(resampler.process(bytes(960))) / 48
        given_ms += 10
        assert given_ms - got_ms < 4.0
