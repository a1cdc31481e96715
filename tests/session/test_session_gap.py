"""The moment between the end of a line and the decision what is done about it."""

import pytest

from tests.fakes.ga_signal import timecode
from tests.session.test_session import call
from voicechat.events import ReplyFinished


@pytest.mark.fault("N21")
async def test_a_turn_that_ends_in_the_moment_of_the_cut_is_not_lost() -> None:
    async with call(stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        assert one.session.lines._leg
        one.session.lines._leg.add_done_callback(lambda _: one.session.end_turn())
        await one.server.control({"do": "reset"})
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.server.session.ears.turn_ms > 390
