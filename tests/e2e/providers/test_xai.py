"""The real program and the stand-in for xAI."""

from tests.e2e.plain.program import Program
from tests.e2e.providers.family_calls import Member, hears_all
from tests.fakes.ga_server import GaServer
from tests.fakes.xai_server import XaiServer

XAI = Member(XaiServer, "xai/grok-voice-latest", "XAI_API_KEY")


async def test_a_typed_line_is_answered_in_words(program: Program) -> None:
    server = await XAI.answers_a_typed_line(program)
    (asked,) = server.log.of("response.create")
    assert asked["response"] == {"modalities": ["text"]}
    assert not server.log.of("response.output_audio.delta", "out")
    assert first_events(server) == ["conversation.created", "ping", "session.created"]


async def test_a_spoken_turn_is_heard_and_answered(program: Program) -> None:
    server = await XAI.answers_a_spoken_turn(program)
    assert hears_all(server)
    session = server.log.of("session.update")[0]["session"]
    assert session["turn_detection"] == {"type": None}


async def test_a_bad_key_is_told_in_one_line(program: Program) -> None:
    line = await XAI.says_that_the_key_is_bad(program)
    assert "401" in line and "Check the key in XAI_API_KEY" in line


def first_events(server: GaServer) -> list[str]:
    return [entry["type"] for entry in server.log.directions("out")][:3]
