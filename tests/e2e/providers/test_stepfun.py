"""The real program and the stand-in for StepFun."""

from tests.e2e.plain.program import Program
from tests.e2e.providers.family_calls import Member, hears_all
from tests.fakes.stepfun_server import StepfunServer

STEPFUN = Member(StepfunServer, "stepfun/stepaudio-2.5-realtime", "STEPFUN_API_KEY")


async def test_a_typed_line_is_answered_in_words(program: Program) -> None:
    server = await STEPFUN.answers_a_typed_line(program)
    (asked,) = server.log.of("response.create")
    assert asked["response"] == {"modalities": ["text"]}
    assert server.log.of("session.update")[0]["session"]["modalities"] == ["text", "audio"]
    assert not server.log.of("response.audio.delta", "out")


async def test_a_spoken_turn_is_heard_and_answered(program: Program) -> None:
    server = await STEPFUN.answers_a_spoken_turn(program)
    assert hears_all(server)
    assert server.log.of("response.thinking.delta", "out")


async def test_a_bad_key_is_told_in_one_line(program: Program) -> None:
    line = await STEPFUN.says_that_the_key_is_bad(program)
    assert "401" in line and "Check the key in STEPFUN_API_KEY" in line
    assert "wss://api.stepfun.ai" in line
