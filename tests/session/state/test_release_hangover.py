"""A turn ends with its last sound, and at once where there is none."""

import pytest

from voicechat.audio.pcm import ms_to_bytes
from voicechat.session.state.mic_gate import (
    LONGEST_LAG_MS,
    LONGEST_MORE_MS,
    LOOK_MS,
    ReleaseHangover,
)

RATE = 16_000
CHUNK_MS = 20
LOUD, SOFT, SILENT = 8000, 900, 0
"""The end of a word is softer than its middle."""


def chunk(level: int) -> bytes:
    return level.to_bytes(2, "little") * (ms_to_bytes(CHUNK_MS, RATE) // 2)


def say(tail: ReleaseHangover, level: int, ms: int) -> None:
    for _ in range(0, ms, CHUNK_MS):
        assert not tail.hear(chunk(level), RATE)


def rest(tail: ReleaseHangover, *levels: int) -> int:
    """For how long a turn goes on that goes on like this, the last level for ever."""
    for count in range(100):
        if tail.hear(chunk(levels[min(count, len(levels) - 1)]), RATE):
            return (count + 1) * CHUNK_MS
    raise AssertionError("it never ends")


def test_who_has_finished_is_not_kept_waiting() -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    say(tail, SILENT, LOOK_MS)
    assert not tail.let_go(60) and not tail.is_open


def test_who_said_nothing_at_all_is_not_kept_waiting() -> None:
    assert not ReleaseHangover().let_go(60)
    tail = ReleaseHangover()
    say(tail, SILENT, 1000)
    assert not tail.let_go(60)


def test_what_is_on_its_way_belongs_to_the_turn() -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    assert tail.let_go(60) and tail.is_open
    assert rest(tail, SILENT) == 60


def test_a_word_is_finished() -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    assert tail.let_go(40)
    assert rest(tail, SOFT, SOFT, SOFT, SOFT, SILENT) == 100


def test_the_stop_before_a_last_t_is_no_end() -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    say(tail, SILENT, LOOK_MS - CHUNK_MS)
    assert tail.let_go(60)


@pytest.mark.parametrize("lag_ms", [60, 10_000])
def test_noise_keeps_nobody_waiting_for_long(lag_ms: int) -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    assert tail.let_go(lag_ms)
    assert rest(tail, LOUD) <= min(lag_ms, LONGEST_LAG_MS) + LONGEST_MORE_MS + CHUNK_MS


def test_the_hiss_of_a_soft_microphone_is_measured_by_the_voice() -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    say(tail, 200, LOOK_MS)
    assert not tail.let_go(60)


def test_a_new_turn_begins_anew() -> None:
    tail = ReleaseHangover()
    say(tail, LOUD, 1000)
    tail.let_go(60)
    tail.begin_turn()
    assert not tail.is_open and not tail.let_go(60)
