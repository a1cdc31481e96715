"""How good the canceller is at an echo that was recorded."""

import numpy as np
import pytest

from voicechat.audio.card.erle import erle_db
from voicechat.audio.card.tone import chirp
from voicechat.audio.pcm import to_pcm, to_samples

PLAYED = [24_000, 52_800, 81_600]


def hear(delay_ms: int, *, scale: float = 0.3, noise: float = 10.0) -> tuple[bytes, list[int]]:
    """A room in which the chirps come back, and where."""
    sound = to_samples(chirp()).astype(np.float64) * scale
    room = np.random.default_rng(1).normal(0, noise, 110_000)
    places = [at + delay_ms * 24 for at in PLAYED]
    for place in places:
        room[place : place + len(sound)] += sound
    return to_pcm(room), places


@pytest.mark.parametrize("delay_ms", [20, 60, 150])
def test_a_plain_echo_is_softened_by_more_than_15_db(delay_ms: int) -> None:
    heard, places = hear(delay_ms)
    found = erle_db(chirp(), heard, PLAYED, places)
    assert found is not None and found > 15


def test_what_was_not_played_is_not_taken_out() -> None:
    heard, places = hear(60)
    found = erle_db(chirp(), heard, [], places)
    assert found is not None and abs(found) < 3


def test_sounds_at_the_ends_are_no_trouble() -> None:
    heard, places = hear(60)
    assert erle_db(chirp(), heard, [-100, *PLAYED, 109_990], places) is not None
