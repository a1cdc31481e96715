"""A cold microphone is no silent one."""

import pytest

from voicechat.audio.card.health import SILENT_MS, WAKE_MS, Waking
from voicechat.audio.pcm import ms_to_bytes

CHUNK_MS = 20
ZEROS = bytes(ms_to_bytes(CHUNK_MS))
NOISE = b"\1\0" + ZEROS[2:]


@pytest.mark.fault("A14")
def test_a_microphone_wakes_with_its_first_sample_that_is_not_zero() -> None:
    waking = Waking(24_000)
    assert waking.is_waking
    for _ in range(700 // CHUNK_MS):
        assert not waking.hear(ZEROS)
        assert waking.is_waking
    waking.hear(NOISE)
    assert not waking.is_waking


def test_one_that_hears_at_once_never_seems_to_wake() -> None:
    waking = Waking(24_000)
    waking.hear(NOISE)
    assert not waking.is_waking


def test_one_that_goes_on_with_zeros_is_not_waking_for_ever() -> None:
    waking = Waking(24_000)
    for _ in range(WAKE_MS // CHUNK_MS):
        assert waking.is_waking
        waking.hear(ZEROS)
    assert not waking.is_waking


def test_one_that_was_awake_does_not_wake_again_in_a_pause() -> None:
    waking = Waking(24_000)
    for pcm in (NOISE, ZEROS, ZEROS):
        waking.hear(pcm)
        assert not waking.is_waking


def test_silence_is_told_once_after_five_seconds_and_again_after_sound() -> None:
    waking = Waking(24_000)
    told = [waking.hear(ZEROS) for _ in range(2 * SILENT_MS // CHUNK_MS)]
    assert told.count(True) == 1 and told.index(True) == SILENT_MS // CHUNK_MS - 1
    waking.hear(NOISE)
    assert sum(waking.hear(ZEROS) for _ in range(SILENT_MS // CHUNK_MS)) == 1


@pytest.mark.fault("A23")
def test_silence_counts_only_while_the_user_is_to_be_heard() -> None:
    """Two turns of three seconds tell what an hour at rest does not."""
    waking, turn = Waking(24_000), 3000 // CHUNK_MS
    assert not any(waking.hear(ZEROS, is_expected=False) for _ in range(60 * turn))
    assert not any(waking.hear(ZEROS) for _ in range(turn))
    assert not any(waking.hear(ZEROS, is_expected=False) for _ in range(60 * turn))
    assert sum(waking.hear(ZEROS) for _ in range(turn)) == 1
