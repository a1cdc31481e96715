"""One gap is nothing, two within half a minute are told, and forgotten after it."""

from voicechat.audio.playback.jitter import WINDOW_S, SlowLink


def test_one_gap_is_not_told_and_two_are() -> None:
    link = SlowLink()
    link.note(0, 0.0)
    link.note(1, 1.0)
    assert not link.is_slow(1.0)
    link.note(1, 2.0)
    assert not link.is_slow(2.0)
    link.note(2, 20.0)
    assert link.is_slow(20.0)


def test_it_passes_half_a_minute_after_the_first_of_the_last_two() -> None:
    link = SlowLink()
    link.note(1, 0.0)
    link.note(2, 20.0)
    assert link.is_slow(WINDOW_S - 0.1) and not link.is_slow(WINDOW_S)
    link.note(3, 40.0)
    assert link.is_slow(40.0)


def test_many_at_once_are_two() -> None:
    link = SlowLink()
    link.note(7, 5.0)
    assert link.is_slow(5.0)


def test_a_new_line_begins_anew() -> None:
    link = SlowLink()
    link.note(7, 5.0)
    link.forget()
    assert not link.is_slow(5.0)
    link.note(1, 6.0)
    assert not link.is_slow(6.0)
