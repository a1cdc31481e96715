"""The meter, and the clock of a recording."""

import pytest

from voicechat.front.tui.status import meter, say_clock


@pytest.mark.parametrize(
    ("dbfs", "bars"),
    [(-96.0, "······"), (-60.0, "······"), (-30.0, "███···"), (0.0, "██████"), (6.0, "██████")],
)
def test_meter_goes_from_minus_60_to_full_scale(dbfs: float, bars: str) -> None:
    assert meter(dbfs) == bars


def test_meter_never_falls_while_the_level_rises() -> None:
    steps = [meter(dbfs / 4) for dbfs in range(-280, 8)]
    order = "·▁▂▃▄▅▆▇█"
    fill = [sum(order.index(bar) for bar in step) for step in steps]
    assert fill == sorted(fill) and len(set(fill)) > 40
    assert all(len(step) == 6 for step in steps)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "0:00"), (7.9, "0:07"), (61, "1:01"), (3599, "59:59"), (3723.5, "1:02:03")],
)
def test_a_recording_shows_how_long_it_is(seconds: float, shown: str) -> None:
    assert say_clock(seconds) == shown
