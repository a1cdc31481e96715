"""What a provider bills of one session is counted: its time and our messages."""

from voicechat.events import SessionMetered, Usage
from voicechat.session.state.metering import Meter


def test_without_a_count_of_the_provider_the_clock_counts() -> None:
    meter = Meter(5.0, None, is_timed=True)
    assert meter.kinds(5.0) == []
    assert meter.read(8.0) == Usage(connected_s=3.0)
    assert meter.kinds(8.0) == [Usage(active_s=3.0)]


def test_a_pause_splits_the_time() -> None:
    meter = Meter(0.0, None, is_timed=True)
    meter.pause(4.0, is_paused=True)
    meter.pause(10.0, is_paused=False)
    assert meter.read(11.0) == Usage(connected_s=11.0, active_s=5.0, standby_s=6.0)
    assert meter.kinds(11.0) == [Usage(active_s=5.0), Usage(standby_s=6.0)]


def test_a_count_in_a_pause_goes_on_as_a_pause() -> None:
    meter = Meter(0.0, None, is_timed=True)
    meter.pause(4.0, is_paused=True)
    meter.tell(SessionMetered(3.0, 1.0), 5.0)
    assert meter.read(7.0) == Usage(connected_s=6.0, active_s=3.0, standby_s=3.0)


def test_extras_without_a_count_leave_the_clock_alone() -> None:
    meter = Meter(0.0, None, is_timed=True)
    meter.tell(SessionMetered(has_extras=True), 5.0)
    assert meter.has_extras and meter.read(8.0) == Usage(connected_s=8.0)


def test_where_only_messages_are_billed_no_time_is_told() -> None:
    meter = Meter(0.0, lambda: 2, is_timed=False)
    assert meter.read(60.0) == Usage(items=2) and meter.kinds(60.0) == [Usage(items=2)]
