"""A conversation over twelve bad networks, one after another, in one call of the real program.

Its journal, read back by `voicechat export`, must tell what the service witnessed: every say of the
user and every answer once, in order.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.e2e.faults.conftest import Road, Roads
from tests.e2e.screen.conftest import Stage
from tests.fakes.fault_checks import check_footprint
from tests.fakes.fault_profiles import PROFILES
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_signal import timecode
from tests.fakes.observer import differences, observe
from tests.fakes.pulse import PulseServer
from voicechat.conversation.journal import JournalItem

pytestmark = pytest.mark.terminal

ANSWER = "This is the whole answer, from its first word to its last."
SPOKEN = SCRIPTS["normal"].user_text
SCRIPT = replace(SCRIPTS["normal"], replies=(Reply(ANSWER, audio_ms=1500),))
PATIENCE_S = 150.0
"""For one answer, outage included."""


class Talk:
    """The user's side of a call; `said` is all of it."""

    def __init__(self, road: Road, sound: PulseServer | None = None) -> None:
        self.said: list[str] = []
        self._road, self._sound = road, sound

    def type(self, text: str) -> None:
        """Ask in words, and wait for the whole answer."""
        self._road.say(text)
        self.said.append(text)
        self._wait_for_answer()

    def speak(self) -> None:
        """Ask aloud, with the key, and wait for the whole answer."""
        assert self._sound is not None
        self._road.terminal.press("space")
        self._road.terminal.wait_for("LIVE")
        self._sound.play_to_microphone(timecode(5, 1200))
        self._road.terminal.press("space")
        self.said.append(SPOKEN)
        self._wait_for_answer()

    def _wait_for_answer(self) -> None:
        """Until the service sees that this question has had its answer, and the screen is ready."""
        end = time.monotonic() + PATIENCE_S
        while self._kept_answers() < len(self.said):
            assert time.monotonic() < end, self._road.terminal.screen_text()
            time.sleep(0.1)
        self._road.terminal.wait_for("- ready", PATIENCE_S)

    def _kept_answers(self) -> int:
        """Answers in the journal that are finished, whole or not."""
        found = list((self._road.stage.data / "conversations").glob("*.jsonl"))
        if not found:
            return 0
        lines = found[0].read_text("utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.endswith("}")]
        return sum(one["type"] == "item" and one["role"] == "assistant" for one in records)


def exported(stage: Stage) -> list[JournalItem]:
    """The conversation as `voicechat export` tells it."""
    command = [sys.executable, "-m", "voicechat", "export", "last", "--format", "json"]
    done = subprocess.run(command, env=stage.env, capture_output=True, check=True, timeout=60)
    return [JournalItem(**item) for item in json.loads(done.stdout)["items"]]


def check_journal(road: Road, talk: Talk) -> None:
    found = differences(exported(road.stage), observe(road.service.server), talk.said)
    assert not found, "\n".join(found)


@pytest.mark.timeout(170)
@pytest.mark.fault("N21")
def test_three_networks_lose_and_double_nothing(roads: Roads) -> None:
    road = roads.make(SCRIPT)
    talk = Talk(road)
    with road.heartbeat():
        # A line that dies within five seconds, three times over, is left to the user.
        for name, tempo, for_s in (("wifi-jitter", 1.0, 1), ("flap", 3.0, 8), ("dead", 4.0, 1)):
            road.proxy.play(name, tempo=tempo)
            began = time.monotonic()
            while time.monotonic() - began < for_s:
                talk.type(f"{name} after {time.monotonic() - began:.2f} s")
        road.proxy.play("good")
        talk.type("good at last")
    assert road.service.server.attempts >= 3, "the line was never lost"
    road.finish()
    check_journal(road, talk)


@pytest.fixture
def sound() -> Iterator[PulseServer]:
    with PulseServer() as sound:
        yield sound


@pytest.mark.long
@pytest.mark.sound
@pytest.mark.timeout(1500)
@pytest.mark.fault("N21", "N22", "N18", "N13", "N19", "N03", "N25")
@pytest.mark.parametrize("in_tmux", [False, True])
def test_twelve_networks_lose_and_double_nothing(
    roads: Roads, sound: PulseServer, in_tmux: bool
) -> None:
    road = roads.make(SCRIPT, env=sound.env, in_tmux=in_tmux)
    talk = Talk(road, sound)
    talk.type("before all")
    talk.speak()
    before = road.footprint()
    with road.heartbeat() as heartbeat:
        for name, profile in PROFILES.items():
            road.proxy.play(name)
            began = time.monotonic()
            talk.type(f"{name} at once")
            talk.speak()
            while time.monotonic() - began < profile.trouble_s:
                talk.type(f"{name} after {time.monotonic() - began:.0f} s")
            print(f"{name}: {time.monotonic() - began:.0f} s, {len(talk.said)} said")
        road.proxy.play("good")
        talk.type("good at last")
    print(f"the screen answered within {max(heartbeat.gaps_s):.2f} s")
    check_footprint(road.pid, before)
    road.finish()
    check_journal(road, talk)
