"""The log of what arrived."""

from voicechat.audio.playback.start_level import LIMIT, Arrivals


def test_what_comes_together_is_one_entry() -> None:
    log = Arrivals()
    for now, size in ((1000, 50), (1003, 20), (1010, 30)):
        log.note(now, size)
    assert log.since_first() == [0, 10] and log.sizes_ms == [70, 30]
    assert log.total_ms == 100 and log.count == 2


def test_it_is_known_whether_all_came_at_once() -> None:
    log = Arrivals()
    assert not log.is_one_delta and log.since_first() == []
    log.note(0, 100)
    assert log.is_one_delta
    log.note(20, 100)
    assert not log.is_one_delta


def test_a_long_reply_does_not_make_a_long_log() -> None:
    log = Arrivals()
    for n in range(10 * LIMIT):
        log.note(n * 100, 100)
    assert log.count == LIMIT and log.total_ms == 1000 * LIMIT
