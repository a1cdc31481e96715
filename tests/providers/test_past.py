"""Every model knows what was said before it was there: asked, each stand-in tells what it knows."""

from typing import Any

import pytest

from tests.fakes.azure_server import PREVIEW, AzureServer
from tests.fakes.custom_server import CustomServer
from tests.fakes.ga_server import GaServer
from tests.fakes.gemini_server import GeminiServer
from tests.fakes.qwen_server import QwenServer
from tests.fakes.stepfun_server import StepfunServer
from tests.fakes.xai_server import XaiServer
from tests.providers import family_talks as talks
from tests.providers.family_line import dialled
from tests.providers.gemini.call import calling, only
from tests.providers.glm.test_live import calling as calling_glm
from voicechat.events import (
    ReplyFinished,
    ReplyStarted,
    Resumable,
    SendText,
    SessionReady,
    SetHandsFree,
    TurnCommitted,
)
from voicechat.providers.base import HistoryEntry
from voicechat.providers.openai.history import SPEAK

PAST = (
    HistoryEntry("user", "My name is Ada."),
    HistoryEntry("assistant", "Nice to meet you, Ada."),
    HistoryEntry("user", "  "),
    HistoryEntry("user", "I live in 北京."),
)
"""The last say was not answered, and one was silent."""

ITEMS = "user: My name is Ada. | assistant: Nice to meet you, Ada. | user: I live in 北京."
LINES = ("The user: My name is Ada.", "You: Nice to meet you, Ada.", "The user: I live in 北京.")

BY_ITEMS: dict[str, tuple[type[GaServer], dict[str, Any]]] = {
    "openai": (GaServer, {}),
    "local": (GaServer, {"model": "gpt-realtime-2.1"}),
    "stepfun": (StepfunServer, {}),
    "azure": (AzureServer, {"model": "my-voice"}),
}
BY_INSTRUCTIONS: dict[str, tuple[type[GaServer], dict[str, Any]]] = {
    "xai": (XaiServer, {}),
    "qwen": (QwenServer, {}),
    "custom": (CustomServer, {"model": "kitchen"}),
}


@pytest.mark.parametrize("provider", BY_ITEMS)
async def test_items_tell_the_past_and_ask_for_no_reply(provider: str) -> None:
    server, chosen = BY_ITEMS[provider]
    fake = server("recall")
    async with dialled(fake, provider, history=PAST, instructions="Be kind.", **chosen) as line:
        told = "Be kind." if provider == "local" else f"Be kind. {SPEAK}"
        assert await talks.type_a_line(line) == f"{told} | {ITEMS} | user: Hello"
        assert len(line.asked("response.create")) == 1
        assert len(line.asked("conversation.item.create")) == 4
        assert not [event for event in line.events if isinstance(event, TurnCommitted)]
    assert fake.violations == []


@pytest.mark.parametrize("provider", BY_INSTRUCTIONS)
async def test_instructions_tell_the_past_where_items_are_not_sure(provider: str) -> None:
    server, chosen = BY_INSTRUCTIONS[provider]
    fake = server("recall")
    async with dialled(fake, provider, history=PAST, instructions="Be kind.", **chosen) as line:
        known = await talks.type_a_line(line)
        assert len(line.asked("conversation.item.create")) == 1
    before, *rest = known.split(" | ")
    assert before.startswith("Be kind. ") and " ".join(LINES) in before
    assert rest == ["user: Hello"]
    assert fake.violations == []


class PreviewServer(AzureServer):
    """The service of Azure where it speaks the beta."""

    @property
    def url(self) -> str:
        return self._at(PREVIEW)


async def test_the_preview_of_azure_is_told_in_the_words_of_the_beta() -> None:
    fake = PreviewServer("recall")
    async with dialled(fake, "azure", history=PAST, model="my-voice") as line:
        assert ITEMS in await talks.type_a_line(line)
        created = line.asked("conversation.item.create")
    kinds = [message["item"]["content"][0]["type"] for message in created]
    assert kinds == ["input_text", "text", "input_text", "input_text"]
    assert fake.violations == []


async def test_glm_reads_the_past_in_every_update() -> None:
    async with calling_glm("recall", history=PAST) as (server, line):
        await line.does(SetHandsFree(True), SetHandsFree(False), SendText("Hello", "msg_1"))
        await line.until(ReplyFinished)
        assert line.answer.startswith("You are a friendly")
        assert " ".join(LINES) in line.answer
        updates = server.log.messages("session.update")
        assert len({update["session"]["instructions"] for update in updates}) == 1 < len(updates)


@pytest.mark.parametrize("model", ["gemini-3.8-live", "gemini-3.1-flash-live-preview"])
@pytest.mark.parametrize("hands_free", [False, True])
async def test_gemini_gets_the_past_first_and_does_not_answer_it(
    model: str, hands_free: bool
) -> None:
    async with GeminiServer("recall") as server:
        async with calling(server, model=model, hands_free=hands_free, history=PAST) as caller:
            caller.do(SendText("Hello", "msg_1"))  # Waits for the session, and for the past.
            await caller.until_seen(ReplyFinished)
            [words] = caller.words()
            assert words.endswith(
                "user: My name is Ada. | model: Nice to meet you, Ada. | user: I live in 北京."
                " | user: Hello"
            )
            assert len(only(ReplyStarted, caller.events)) == 1
        assert server.violations == []


async def test_an_older_gemini_reads_the_past_in_its_instructions() -> None:
    model = "gemini-2.5-flash-native-audio-latest"
    async with GeminiServer("recall") as server:
        async with calling(server, model=model, history=PAST) as caller:
            caller.do(SendText("Hello", "msg_1"))
            await caller.until_seen(ReplyFinished)
            [words] = caller.words()
            assert " ".join(LINES) in words and words.endswith(" | user: Hello")
        assert server.violations == []
        assert server.kinds() == ["setup", "clientContent"]


async def test_a_session_that_is_taken_up_again_is_told_nothing() -> None:
    async with GeminiServer("recall") as server:
        async with calling(server) as first:
            first.do(SendText("Hello", "msg_1"))
            await first.until_seen(Resumable)
            handle = only(Resumable, first.events)[-1].handle
        async with calling(server, resume=handle, history=PAST) as second:
            await second.until_seen(SessionReady)
            second.do(SendText("Again", "msg_2"))
            await second.until_seen(ReplyFinished)
        assert server.violations == []
        assert server.kinds()[-2:] == ["setup", "clientContent"]
        assert "Ada" not in str(server.log.directions("in"))
