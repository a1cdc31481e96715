"""What is heard when a line breaks: all that had arrived, once, and then the next answer."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.e2e.faults.conftest import Roads
from tests.e2e.voice.listening import emitted_ms, loud_ms
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.pulse import PulseServer, wait_until

pytestmark = [pytest.mark.sound, pytest.mark.terminal, pytest.mark.timeout(120)]

ANSWER_MS = 5000
SCRIPT = replace(SCRIPTS["normal"], replies=(Reply(audio_ms=ANSWER_MS),))


@pytest.fixture
def sound() -> Iterator[PulseServer]:
    with PulseServer() as sound:
        yield sound


@pytest.mark.long
@pytest.mark.fault("N21")
@pytest.mark.parametrize("pace", [20.0, 2.0])
def test_what_has_arrived_of_an_answer_is_heard_although_the_line_broke(
    roads: Roads, sound: PulseServer, pace: float
) -> None:
    """With the greater pace the whole answer is here before the line breaks."""
    road = roads.make(replace(SCRIPT, pace=pace), env=sound.env)
    with sound.record_loudspeaker() as heard:
        road.say("talk to me")
        wait_until(lambda: loud_ms(heard.pcm) > 1500, "a part of the answer")
        road.proxy.cut("rst")
        arrived_ms = min(ANSWER_MS, 1500 * pace * 0.8)
        road.terminal.wait_for("The line is back")
        wait_until(lambda: emitted_ms(heard.pcm) > arrived_ms - 120, "all that had arrived")
        time.sleep(1.0)
        road.say("and again")
        wait_until(lambda: emitted_ms(heard.pcm, 1) > ANSWER_MS - 120, "the next answer", 40)
    road.finish()
