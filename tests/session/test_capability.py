"""What a model cannot do is known from facts, and said with what to do instead."""

from dataclasses import replace

import pytest

from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.notices import Notices
from voicechat.events import Notice
from voicechat.net import websocket
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Settings
from voicechat.providers.glm.dialect import GlmDialect
from voicechat.providers.gptlive.dialect import GptLiveDialect
from voicechat.session.capability import What, is_lacking, lack

ABLE = replace(dialect_class("openai").profile, text_input="yes", images=True, can_truncate=True)


@pytest.mark.parametrize("what", ["text", "images", "truncation"])
def test_a_model_that_can_do_all_lacks_nothing(what: What) -> None:
    assert lack(ABLE, "able", what) is None


def test_what_is_missing_is_said_with_the_models_name() -> None:
    for what, profile in (
        ("text", replace(ABLE, text_input="no")),
        ("images", replace(ABLE, images=False)),
        ("truncation", replace(ABLE, can_truncate=False)),
    ):
        notice = lack(profile, "poor-model", what)  # type: ignore[arg-type]
        assert notice and "poor-model" in notice.message and "\n" not in notice.message


def test_a_model_that_may_ignore_text_is_still_written_to() -> None:
    assert lack(replace(ABLE, text_input="unsure"), "unsure", "text") is None


def test_a_blind_model_of_a_provider_that_takes_pictures_is_shown_none() -> None:
    notice = lack(ABLE, "blind", "images", sees=False)
    assert notice and "blind sees no pictures" in notice.message
    assert lack(ABLE, "blind", "text", sees=False) is None


@pytest.mark.parametrize("name", names())
def test_every_provider_says_what_it_is(name: str) -> None:
    profile = dialect_class(name).profile
    for what in ("text", "images", "truncation"):
        notice = lack(profile, "it", what)
        assert notice is None or notice.code.startswith("no_")


def line(model: str = "blind") -> Target:
    dialect = GlmDialect(Settings(model))
    return Target(dialect, lambda: websocket.connect("ws://127.0.0.1/", {}, proxy=None), model)


async def test_what_a_model_lacks_is_told_once_a_model() -> None:
    told: list[Notice] = []
    notices = Notices(Conversation(), told.append)
    able = line("able")
    assert not is_lacking(able, "text", notices) and told == []
    deaf = replace(able, dialect=GptLiveDialect(Settings("deaf")), model="deaf")
    lacking = [is_lacking(deaf, "text", notices) for _ in range(2)]
    assert lacking == [True, True] and len(told) == 1
    assert is_lacking(replace(deaf, model="deafer"), "text", notices) and len(told) == 2


async def test_whether_a_model_sees_is_asked_of_the_model_and_of_its_provider() -> None:
    notices, unknown = Notices(Conversation(), lambda notice: None), line()
    assert unknown.sees and not is_lacking(unknown, "images", notices)
    blind = replace(unknown, abilities=("voice", "text"))
    assert not blind.sees and is_lacking(blind, "images", notices)
    assert replace(unknown, abilities=("voice", "images")).sees
    talker = replace(unknown, dialect=GptLiveDialect(Settings("m")), abilities=("images",))
    assert not talker.sees and is_lacking(talker, "images", notices)
