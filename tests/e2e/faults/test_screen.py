"""Faults of the network in the real program: told in words, survived, and nothing left behind."""

import signal
import time
from dataclasses import replace

import pytest

from tests.e2e.faults.conftest import Road, Roads
from tests.fakes.fault_checks import check_footprint
from tests.fakes.fault_profiles import PORTAL
from tests.fakes.ga_script import SCRIPTS, Reply

pytestmark = [pytest.mark.terminal, pytest.mark.timeout(150)]

ANSWER = Reply("This is the whole answer.", audio_ms=600)
LONG = Reply(" ".join(f"word{number}" for number in range(400)), audio_ms=40_000)
SCRIPT = replace(SCRIPTS["normal"], replies=(ANSWER,))


@pytest.mark.fault("N19", "N21", "N33")
def test_one_call_survives_a_reset_a_login_page_and_a_sleep(roads: Roads) -> None:
    road = roads.make(replace(SCRIPT, replies=(ANSWER, LONG), faulty_connections=1))
    road.ask("the first", "This is the whole answer.")
    before = road.footprint()
    with road.heartbeat():
        _reset_in_an_answer(road)
        _meet_a_login_page(road)
    _sleep_while_the_line_goes(road)
    road.say("the last")
    road.wait_below("the last", "AI: Good to hear you.")
    check_footprint(road.terminal.pid, before)
    road.finish()


def _reset_in_an_answer(road: Road) -> None:
    road.say("the second")
    road.wait_below("the second", "word20")
    road.proxy.cut("rst")
    road.wait_below("the second", "ERROR:", 10)
    road.wait_below("the second", "The line is back")
    road.terminal.wait_for("- ready")


def _meet_a_login_page(road: Road) -> None:
    """Told as what it is, tried rarely, and not a word of the page is shown."""
    road.proxy.answer(PORTAL)
    visits = road.proxy.visits
    road.proxy.cut("rst")
    screen = road.terminal.wait_for("login page", 20)
    assert (
        "Please" not in screen and "Hotel" not in screen and "key" not in screen.split("word20")[1]
    )
    time.sleep(3)
    assert road.proxy.visits - visits <= 2, "a login page is no reason to hurry"
    road.proxy.let_in()
    road.terminal.press("f5")
    road.terminal.wait_for(lambda text: text.count("The line is back") == 2)
    road.terminal.wait_for("- ready")


def _sleep_while_the_line_goes(road: Road) -> None:
    """The machine sleeps; the service hangs up meanwhile."""
    road.terminal.signal(signal.SIGSTOP)
    road.proxy.cut("fin")
    time.sleep(4)
    woken_at = time.monotonic()
    road.terminal.signal(signal.SIGCONT)
    road.terminal.wait_for(lambda text: text.count("The line is back") == 3)
    road.terminal.wait_for("- ready")
    assert time.monotonic() - woken_at < 10
