"""kill -9 at random moments of the real program, again and again."""

import random
from pathlib import Path

import pytest

from tests.bench._reliability_kills import QUICK, Kills
from tests.e2e.screen.conftest import Service


@pytest.mark.long
@pytest.mark.fault("D03", "T12")
@pytest.mark.parametrize("times", [5, 500])
@pytest.mark.timeout(3600)
def test_what_was_told_as_finished_survives_every_kill(tmp_path: Path, times: int) -> None:
    with Service(QUICK) as service:
        kills = Kills(tmp_path, service, random.Random(times))
        for _ in range(times):
            kills.once()
    assert kills.lost() == []
    assert kills.doubled() == []
    assert kills.torn() <= times
    assert len(kills.told) >= 2 * times
