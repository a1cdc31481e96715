"""Turns that wait for a line stand in the conversation where they were spoken."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.fakes.ga_script import SCRIPTS
from tests.fakes.ga_signal import timecode, tone
from tests.fakes.gemini_server import GeminiServer
from tests.fakes.glm_server import GlmServer
from tests.session.test_session import Notebook, call
from voicechat.audio.engine import Engine
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation, Row
from voicechat.errors import VoiceChatError
from voicechat.events import TurnCommitted
from voicechat.net import websocket
from voicechat.providers import dialect_class
from voicechat.providers.base import Settings
from voicechat.session.session import Session

Server = GeminiServer | GlmServer


def session_with(provider: str, server: Server) -> Session:
    kind = dialect_class(provider)
    model = kind.profile.default_model

    def dial() -> Target:
        dialect = kind(Settings(model, "any.key", url=server.url))
        link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
        return Target(dialect, lambda: link, model)

    return Session(dial, Conversation(), Engine(None), Notebook(), lambda _: None)


def has_been_answered(rows: list[Row]) -> bool:
    return any(row.role == "assistant" and row.is_finished for row in rows)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(("provider", "kind"), [("gemini", GeminiServer), ("glm", GlmServer)])
async def test_services_that_do_not_say_where_a_turn_is_need_not(
    provider: str, kind: type[Server], is_first: bool
) -> None:
    async with kind("normal") as server:
        session = session_with(provider, server)
        if not is_first:
            session.say("first")
        session.begin_turn()
        for _ in range(6):
            session.speak(tone(100))
        session.end_turn()
        session.say("last")
        running = asyncio.create_task(session.run(stay=True))
        end = time.monotonic() + 20
        while not has_been_answered(session.conversation.rows):
            assert time.monotonic() < end, session.conversation.rows
            await asyncio.sleep(0.01)
        running.cancel()
        with suppress(asyncio.CancelledError, VoiceChatError):
            await running
    *before, spoken, typed = [row for row in session.conversation.rows if row.role == "user"]
    assert [row.text for row in before] == ([] if is_first else ["first"])
    assert spoken.spoken and typed.text == "last"


@pytest.mark.parametrize("is_first", [True, False])
async def test_what_is_spoken_in_an_outage_stands_where_it_was_spoken(is_first: bool) -> None:
    async with call(stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        if not is_first:
            await one.answer("zero")
        await one.server.control({"do": "reset"})
        await one.wait_for_phase("offline")
        for ms in (400, 600):
            one.session.begin_turn()
            one.session.speak(timecode(3, ms))
            one.session.end_turn()
            one.session.say(f"after {ms} ms")
        spoken = one.server.script.user_text
        await one.wait_for(lambda: one.rows().count(("user", spoken)) == 2)
        said = [text for role, text in one.rows() if role == "user" and text != "zero"]
        assert said == [spoken, "after 400 ms", spoken, "after 600 ms"]


async def test_a_question_that_is_said_again_stands_where_it_was() -> None:
    mute = replace(SCRIPTS["silent"], transcription_delay_ms=60_000)
    async with call(mute, stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        one.session.end_turn()
        await one.wait_for(lambda: one.of(TurnCommitted))
        await one.server.control({"do": "script", "name": "normal"})
        await one.server.control({"do": "reset"})
        await one.wait_for_phase("offline")
        one.session.say("later")
        spoken = one.server.script.user_text
        await one.wait_for(lambda: ("user", spoken) in one.rows())
        assert [text for role, text in one.rows() if role == "user"] == [spoken, "later"]


def test_a_turn_that_follows_nothing_comes_first_but_for_what_was_noted() -> None:
    conversation = Conversation()
    note = conversation.note("model", "Another model")
    assert conversation.before() == note.id and conversation.before(note) == ""
    conversation.typed("u2", "second")
    conversation.apply(TurnCommitted("u1", previous_item_id=""))
    assert [row.id for row in conversation.rows] == [note.id, "u1", "u2"]
    assert conversation.before(conversation.row("u2")) == "u1"
