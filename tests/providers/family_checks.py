"""What holds for the recordings and the stand-in of every member of OpenAI's family."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.providers import family_talks as talks
from tests.providers.family_line import PLACE, TIME, dialled
from tests.providers.openai.noise import recordings_of
from tests.providers.wire import JsonObject, read, replay
from voicechat.events import ReplyFinished

Check = Callable[[JsonObject, str], None]

SHORT = Reply("Two short words.", audio_ms=200)
TALK = replace(SCRIPTS["burst"], replies=(SHORT,), first_delay_ms=10, transcription_delay_ms=20)
LONG = replace(TALK, replies=(Reply("I talk on and on.", audio_ms=10_000), SHORT), pace=1.0)
TOOLS = replace(TALK, replies=(Reply(tool="get_time find"), SHORT))


def check_recordings(provider: str, check: Check, usual_model: str) -> None:
    """Every message of every recording is one the provider takes, but for those about refusals."""
    found = [path for path in recordings_of(provider) if "refused" not in path.stem]
    assert found
    for recording in found:
        head = read(recording)[0]
        model = head.get("settings", {}).get("model", usual_model)
        for _, _, messages in replay(recording):
            for message in messages:
                check(message, model)


async def hold_all_talks(server: type[GaServer], provider: str, **chosen: Any) -> None:
    """By key, by voice, hands-free and with tools; the stand-in has nothing to complain of."""
    async with dialled(server(TALK), provider, **chosen) as line:
        assert await talks.type_a_line(line) == SHORT.text
    async with dialled(server(TALK), provider, **chosen) as line:
        assert await talks.press_and_talk(line) == TALK.user_text
    await talk_over(server, provider, **chosen)
    await use_tools(server, provider, **chosen)


async def talk_over(server: type[GaServer], provider: str, **chosen: Any) -> ReplyFinished:
    fake = server(LONG)
    async with dialled(fake, provider, hands_free=True, **chosen) as line:
        first = await talks.talk_over(line, fake)
    assert first.status == "cancelled"
    assert fake.violations == []
    return first


async def use_tools(server: type[GaServer], provider: str, **chosen: Any) -> None:
    fake = server(TOOLS)
    async with dialled(fake, provider, tools=(TIME, PLACE), **chosen) as line:
        calls = await talks.use_tools(line)
        assert [call.name for call in calls] == ["get_time", "find"]
        assert len(line.asked("response.create")) == 2
    assert fake.violations == []
    notes = [entry["note"] for entry in fake.log.directions("note")]
    assert "call_without_output" not in notes
