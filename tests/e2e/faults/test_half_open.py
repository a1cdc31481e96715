"""Lines that die without a word, in a network of their own: the system's own packets are lost."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.e2e.faults.apart import command

pytestmark = [pytest.mark.long, pytest.mark.timeout(200)]

TALKING_S, IDLE_S = 10.0, 30.0
SLACK_S = 4.0
"""For a machine that many tests share."""
BACK_S = 8.0


def apart(way: str, doing: str) -> dict[str, Any]:
    for program, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("nft", "nftables")):
        assert shutil.which(program), f"{program} not found: install {package}"
    done = subprocess.run(command(way, doing), capture_output=True, text=True, timeout=180)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = dict(json.loads(done.stdout))
    print(way, doing, found)
    return found


@pytest.mark.fault("N22", "N35")
@pytest.mark.parametrize("way", ["drop", "down"])
def test_a_dead_line_is_told_while_talking_and_the_speech_is_kept(way: str) -> None:
    found = apart(way, "talk")
    assert found["told_s"] < TALKING_S + SLACK_S
    assert found["back_s"] < BACK_S
    assert [role for role, _ in found["rows"]] == ["user", "assistant"] * 2
    assert found["heard_ms"] > 10_000, "what was said into the dead line is lost"


@pytest.mark.fault("N22", "N35")
@pytest.mark.parametrize("way", ["drop", "down"])
def test_a_dead_line_is_told_with_a_question_on_its_way(way: str) -> None:
    found = apart(way, "type")
    assert found["told_s"] < TALKING_S + SLACK_S
    assert found["back_s"] < BACK_S
    said = [text for role, text in found["rows"] if role == "user"]
    assert said == ["the first", "the second"]
    assert [role for role, _ in found["rows"]] == ["user", "assistant"] * 2


@pytest.mark.fault("N23", "N35")
@pytest.mark.parametrize("way", ["drop", "down"])
def test_a_dead_line_is_told_while_nobody_says_anything(way: str) -> None:
    found = apart(way, "idle")
    assert found["told_s"] < IDLE_S + SLACK_S
    assert found["back_s"] < BACK_S
