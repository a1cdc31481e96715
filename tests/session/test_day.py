"""A day of talk with everything that goes wrong in it, in seconds: nothing is lost or doubled."""

from pathlib import Path

import pytest

from tests.fakes import virtual_time
from tests.session.day import live


@pytest.mark.timeout(300)
@pytest.mark.fault("N28", "N29", "N31", "P22", "P28")
def test_a_day_of_talk_loses_nothing(tmp_path: Path) -> None:
    report = virtual_time.run(live(tmp_path, hours=24.0, seed=1))
    assert report.faults == []
    assert report.typed > 1000 and report.answers > 1000
    assert report.lines > 100 and report.back > 100 and report.renewed > 40
    # They were renewed because of their age, and before the service would have ended them.
    assert 3000 < report.oldest_s["openai"] < 3600
    assert 400 < report.oldest_s["gemini"] < 600


def test_the_same_day_can_be_had_again(tmp_path: Path) -> None:
    one, two = (virtual_time.run(live(tmp_path / name, hours=0.5, seed=5)) for name in "ab")
    assert one == two
