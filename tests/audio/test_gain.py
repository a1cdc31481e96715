"""Gain without clicks and without clipping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicechat.audio.gain import CEILING, Loudness
from voicechat.audio.pcm import FULL_SCALE, to_pcm, to_samples

BLOCK = 480


def voice(level: float, frames: int = 24_000, pitch: float = 200.0) -> bytes:
    time = np.arange(frames) / 24_000
    return to_pcm(np.sin(2 * np.pi * pitch * time) * level * FULL_SCALE)


def run(loudness: Loudness, pcm: bytes, factors: list[float]) -> bytes:
    """Block by block; the last factor stays."""
    blocks = [pcm[at : at + 2 * BLOCK] for at in range(0, len(pcm), 2 * BLOCK)]
    rest = [factors[-1]] * len(blocks)
    return b"".join(map(loudness.process, blocks, [*factors, *rest]))


def peak(pcm: bytes) -> float:
    return float(np.abs(to_samples(pcm).astype(np.float64)).max()) / FULL_SCALE


def test_gain_one_changes_nothing_however_loud() -> None:
    loud = voice(1.0)
    assert run(Loudness(), loud, [1.0]) is not None
    assert run(Loudness(), loud, [1.0]) == loud


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 4.0])
def test_what_fits_is_louder_or_softer_by_just_the_factor(factor: float) -> None:
    soft = voice(0.1)
    made = to_samples(run(Loudness(factor=factor), soft, [factor])).astype(np.float64)
    assert np.abs(made - to_samples(soft) * factor).max() <= 1


@pytest.mark.parametrize("factor", [1.5, 2.0, 4.0])
def test_what_does_not_fit_is_turned_down_and_not_cut_off(factor: float) -> None:
    made = run(Loudness(factor=factor), voice(0.8), [factor])
    assert peak(made) <= 1.0
    later = to_samples(made[24_000:]).astype(np.float64) / FULL_SCALE  # After half a second.
    assert np.abs(later).max() == pytest.approx(CEILING, abs=0.02)
    spectrum = np.abs(np.fft.rfft(later * np.hanning(len(later)))) ** 2
    tone = spectrum[95:106].sum()  # 2 Hz a bin
    assert (spectrum.sum() - tone) / spectrum.sum() < 0.001, "it is distorted"


def test_loud_sound_at_low_gain_is_not_limited() -> None:
    made = run(Loudness(factor=0.95), voice(1.0), [0.95])
    assert peak(made) == pytest.approx(0.95, abs=0.001)


def steps(pcm: bytes) -> float:
    """The largest step between neighbours."""
    return float(np.abs(np.diff(to_samples(pcm).astype(np.float64))).max())


def test_a_change_of_volume_makes_no_step() -> None:
    low = voice(0.4, pitch=50)
    made = run(Loudness(), low, [1.0, 1.0, 2.0, 2.0, 0.1, 0.0, 2.0, 1.0])
    assert steps(made) < steps(run(Loudness(factor=2.0), low, [2.0])) * 3


def test_after_a_loud_sound_the_gain_comes_back() -> None:
    loudness = Loudness(factor=4.0)
    run(loudness, voice(0.9, 4800), [4.0])
    made = run(loudness, voice(0.1, 48_000), [4.0])
    assert peak(made[-9600:]) == pytest.approx(0.4, abs=0.01)


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 700), min_size=1, max_size=30),
    factors=st.lists(st.floats(0, 4), min_size=30, max_size=30),
    seed=st.integers(0, 2**32 - 1),
)
def test_nothing_wraps_around_whatever_comes(
    sizes: list[int], factors: list[float], seed: int
) -> None:
    dice, loudness = np.random.default_rng(seed), Loudness()
    for size, factor in zip(sizes, factors, strict=False):
        samples = dice.integers(-FULL_SCALE, FULL_SCALE, size)
        made = to_samples(loudness.process(to_pcm(samples), factor)).astype(np.int64)
        assert len(made) == size
        assert (made * samples >= 0).all(), "a sample changed its side"
