"""Two tracks on one timeline."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicechat.audio.pcm import HOUSE_RATE, ms_to_frames
from voicechat.audio.recording.tracks import HOLD_MS, LEAP_MS, Mix, Track

CHUNK = 480


def coded(frames: int, first: int = 0) -> bytes:
    """Sound of which every frame tells where it belongs, and none is silent."""
    return ((np.arange(frames) + first) % 20_000 + 5_000).astype("<i2").tobytes()


def stereo(pcm: bytes) -> Any:
    return np.frombuffer(pcm, "<i2").reshape(-1, 2)


def test_sound_stands_where_it_belongs_and_the_rest_is_silent() -> None:
    mix = Mix()
    written = mix.user(coded(CHUNK), 24_000)
    written += mix.assistant(coded(CHUNK), 36_000)
    both = stereo(written + mix.finish())
    assert len(both) == 36_000 + CHUNK
    assert list(np.flatnonzero(both[:, 0])) == list(range(24_000, 24_000 + CHUNK))
    assert list(np.flatnonzero(both[:, 1])) == list(range(36_000, 36_000 + CHUNK))


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 1000), min_size=1, max_size=60),
    errors=st.lists(st.integers(-2000, 2000), min_size=60, max_size=60),
)
def test_pieces_that_follow_each_other_have_no_seam_whatever_the_clock_says(
    sizes: list[int], errors: list[int]
) -> None:
    track, at = Track(), 0
    for size, error in zip(sizes, errors, strict=False):
        track.place(coded(size, at), at + error if at else 0)
        at += size
    assert track.pop(at).tolist() == np.frombuffer(coded(at), "<i2").tolist()


def test_what_is_told_late_is_put_in_its_place_as_long_as_it_is_held() -> None:
    mix, second = Mix(), HOUSE_RATE
    written = mix.assistant(bytes(2 * CHUNK), 2 * second)
    written += mix.user(coded(CHUNK), 2 * second - ms_to_frames(300))
    both = stereo(written + mix.finish())
    first = 2 * second - ms_to_frames(300)
    assert list(np.flatnonzero(both[:, 0])) == list(range(first, first + CHUNK))


def test_what_is_told_too_late_is_lost_and_moves_nothing() -> None:
    mix, far = Mix(), ms_to_frames(HOLD_MS) + HOUSE_RATE
    written = mix.assistant(coded(CHUNK), far)
    written += mix.user(coded(CHUNK), 0)
    both = stereo(written + mix.finish())
    assert len(both) == far + CHUNK
    assert not both[:, 0].any()
    assert (both[far:, 1] == np.frombuffer(coded(CHUNK), "<i2")).all()


def test_what_is_held_stays_bounded_while_the_recording_grows() -> None:
    mix, settled = Mix(), 0
    for chunk in range(1000):
        settled += len(mix.assistant(bytes(2 * CHUNK), chunk * CHUNK)) // 4
    assert 1000 * CHUNK - settled <= ms_to_frames(HOLD_MS) + CHUNK


def test_a_clock_that_runs_fast_is_followed_in_the_pauses() -> None:
    """500 parts of a million over ten minutes are 300 ms."""
    track, taken = Track(), 0
    for chunk in range(30_000):
        is_pause = chunk % 100 >= 80
        place = chunk * CHUNK * 1.0005
        track.place(bytes(2 * CHUNK) if is_pause else coded(CHUNK), round(place))
        if chunk % 100 == 99:
            taken += len(track.pop(track.end - CHUNK))
    assert track.end == pytest.approx(30_000 * CHUNK * 1.0005, abs=ms_to_frames(40))
    assert taken > 0


def test_another_rate_is_converted_and_stays_in_its_place() -> None:
    mix = Mix()
    tone = (np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000) * 9000).astype("<i2").tobytes()
    written = b""
    for block in range(100):
        written += mix.assistant(
            tone[block * 960 : (block + 1) * 960], 24_000 + block * 240, 48_000
        )
    both = stereo(written + mix.finish())
    loud = np.flatnonzero(np.abs(both[:, 1]) > 500)
    assert loud[0] == pytest.approx(24_000, abs=60)
    assert loud[-1] == pytest.approx(48_000, abs=100)


def test_a_night_of_nothing_is_left_out_but_for_a_minute() -> None:
    mix, night = Mix(), 8 * 3600 * HOUSE_RATE
    written = mix.user(coded(CHUNK), 0)
    written += mix.user(coded(CHUNK), night)
    written += mix.assistant(coded(CHUNK), night)
    both = stereo(written + mix.finish())
    assert len(both) == ms_to_frames(LEAP_MS) + 2 * CHUNK
    assert (both[-CHUNK:, 0] == both[-CHUNK:, 1]).all()
