"""The test sound is found again, however it comes back."""

import numpy as np
import pytest

from voicechat.audio.card.tone import chirp, clipped_share, find
from voicechat.audio.pcm import FULL_SCALE, gain, level_dbfs, to_pcm, to_samples


def room(frames: int, noise_dbfs: float, seed: int = 1) -> bytes:
    level = 10 ** (noise_dbfs / 20) * FULL_SCALE
    return to_pcm(np.random.default_rng(seed).normal(0, level, frames))


def put(sound: bytes, at_frame: int, where: bytes) -> bytes:
    samples = to_samples(where).astype(np.float64)
    piece = to_samples(sound)
    samples[at_frame : at_frame + len(piece)] += piece
    return to_pcm(samples)


@pytest.mark.parametrize("factor", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("at_frame", [0, 1, 3333, 14_399])
def test_the_chirp_is_found_where_it_is_however_soft(factor: float, at_frame: int) -> None:
    heard = put(gain(chirp(), factor), at_frame, room(24_000, -80))
    found = find(chirp(), heard)
    assert found is not None
    assert found.at_frame == pytest.approx(at_frame, abs=2)


def test_it_is_found_beneath_noise_that_is_as_loud() -> None:
    soft = gain(chirp(), 0.1)
    found = find(chirp(), put(soft, 7000, room(24_000, level_dbfs(soft))))
    assert found is not None and found.at_frame == pytest.approx(7000, abs=5)


def test_it_is_found_when_it_is_turned_around_as_some_cards_do() -> None:
    turned = to_pcm(-to_samples(chirp()).astype(np.float64) * 0.5)
    found = find(chirp(), put(turned, 5000, room(24_000, -70)))
    assert found is not None and found.at_frame == pytest.approx(5000, abs=2)


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_no_chirp(seed: int) -> None:
    assert find(chirp(), room(48_000, -30, seed)) is None


def test_other_sounds_are_no_chirp() -> None:
    time = np.arange(48_000) / 24_000
    assert find(chirp(), to_pcm(np.sin(2 * np.pi * 440 * time) * 9000)) is None
    backwards = to_pcm(to_samples(chirp())[::-1])
    assert find(chirp(), put(backwards, 5000, bytes(48_000))) is None


@pytest.mark.parametrize("frames", [0, 100, 48_000])
def test_silence_and_scraps_are_no_chirp(frames: int) -> None:
    assert find(chirp(), bytes(frames * 2)) is None


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_the_chirp_lasts_as_long_at_every_rate_and_has_soft_ends(rate: int) -> None:
    samples = to_samples(chirp(rate))
    assert len(samples) == rate * 4 // 10
    assert abs(int(samples[0])) < 10 and abs(int(samples[-1])) < 10
    assert np.abs(samples).max() == pytest.approx(FULL_SCALE / 4, rel=0.01)


def test_clipping_is_what_stays_at_full_scale() -> None:
    loud = to_pcm(np.sin(np.arange(24_000) / 20) * 2 * FULL_SCALE)
    fits = to_pcm(np.sin(np.arange(24_000) / 20) * (FULL_SCALE - 1))
    assert clipped_share(loud) > 0.3
    assert clipped_share(fits) < 0.06
    assert clipped_share(gain(fits, 0.9)) == clipped_share(b"") == clipped_share(bytes(2)) == 0
