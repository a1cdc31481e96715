"""The meter."""

import pytest

from voicechat.front.tui.status import meter


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
