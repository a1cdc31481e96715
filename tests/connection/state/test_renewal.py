"""A session is changed before its provider ends it: in a pause, or at the last moment."""

import pytest

from voicechat.connection.state.renewal import EARLY_S, LATEST_S, Renewal


def test_a_young_session_stays() -> None:
    renewal = Renewal(3600)
    assert not renewal.is_due(0.0, is_quiet=True)
    renewal.begin(100.0)
    assert not renewal.is_due(100.0 + 3600 - EARLY_S - 1, is_quiet=True)


@pytest.mark.fault("N28")
def test_an_old_session_is_changed_in_a_pause() -> None:
    renewal = Renewal(3600)
    renewal.begin(0.0)
    assert renewal.is_due(3600 - EARLY_S, is_quiet=True)
    assert not renewal.is_due(3600 - EARLY_S, is_quiet=False)


@pytest.mark.fault("N28", "N30")
def test_without_a_pause_it_is_changed_at_the_last_moment() -> None:
    renewal = Renewal(3600)
    renewal.begin(0.0)
    assert not renewal.is_due(3600 - LATEST_S - 1, is_quiet=False)
    assert renewal.is_due(3600 - LATEST_S, is_quiet=False)


def test_what_the_server_says_of_its_end_counts_if_it_is_sooner() -> None:
    renewal = Renewal(3600)
    renewal.begin(0.0, left_s=1800)
    assert renewal.is_due(1800 - EARLY_S, is_quiet=True)
    other = Renewal(600)
    other.begin(0.0, left_s=99_999)
    assert other.is_due(600 - LATEST_S, is_quiet=False)


@pytest.mark.fault("P34")
@pytest.mark.parametrize("left_s", [-500.0, 0.0, 3.0, 60.0, 119.0, 800.0, 99_999.0])
def test_a_clock_that_is_wrong_is_not_believed(left_s: float) -> None:
    renewal = Renewal(3600)
    renewal.begin(0.0, left_s=left_s)
    assert not renewal.is_due(3600 - EARLY_S - 1, is_quiet=True)
    assert renewal.is_due(3600 - EARLY_S, is_quiet=True)


@pytest.mark.fault("N29", "N30")
def test_a_warning_makes_the_next_pause_the_time() -> None:
    renewal = Renewal(600)
    renewal.begin(0.0)
    renewal.ending(100.0, 50.0)
    assert renewal.is_due(101.0, is_quiet=True)
    assert not renewal.is_due(101.0, is_quiet=False)
    assert renewal.is_due(145.0, is_quiet=False)


def test_short_sessions_are_not_changed_for_most_of_their_life() -> None:
    renewal = Renewal(120)
    renewal.begin(0.0)
    assert not renewal.is_due(60.0, is_quiet=True)
    assert renewal.is_due(90.0, is_quiet=True)
