"""Typed text that a model ignores is kept for another, and only where there is one."""

from dataclasses import replace

import pytest

from voicechat.connection.fallback import TEXT_IGNORED, keep_ignored
from voicechat.connection.state.offline_queue import OfflineQueue
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.errors import UnansweredError
from voicechat.events import Event, InputFailed, Notice, ReplyFinished, SendText
from voicechat.net import websocket
from voicechat.providers.base import Settings
from voicechat.providers.openai.dialect import OpenAIDialect

ALONE = Target(
    OpenAIDialect(Settings("m")),
    lambda: websocket.connect("ws://127.0.0.1/", {}, proxy=None),
    "deaf-to-text",
)
WITH_ANOTHER = replace(ALONE, instead=lambda: ALONE)
FAILED = InputFailed("msg_1", "it ignores text", TEXT_IGNORED)
TOLD = Notice(TEXT_IGNORED, "speak")
ENDED = ReplyFinished("", "failed", TEXT_IGNORED)


@pytest.fixture
def talk() -> Conversation:
    conversation = Conversation()
    conversation.typed("msg_1", "are you there?")
    return conversation


def test_the_text_is_kept_and_then_the_line_given_up(talk: Conversation) -> None:
    outbox = OfflineQueue()
    assert keep_ignored(FAILED, WITH_ANOTHER, talk, outbox)
    assert keep_ignored(TOLD, WITH_ANOTHER, talk, outbox), "typed text is answered after all"
    assert outbox.commands(24_000) == [SendText("are you there?", "msg_1")]
    with pytest.raises(UnansweredError, match="deaf-to-text answers no typed text"):
        keep_ignored(ENDED, WITH_ANOTHER, talk, outbox)


@pytest.mark.parametrize("event", [FAILED, TOLD, ENDED])
def test_without_another_way_it_is_a_failure_like_any(event: Event, talk: Conversation) -> None:
    outbox = OfflineQueue()
    assert not keep_ignored(event, ALONE, talk, outbox)
    assert outbox.is_empty


@pytest.mark.parametrize(
    "event", [replace(FAILED, code=""), replace(TOLD, code=""), replace(ENDED, code="rate_limit")]
)
def test_other_failures_stay_where_they_are(event: Event, talk: Conversation) -> None:
    outbox = OfflineQueue()
    assert not keep_ignored(event, WITH_ANOTHER, talk, outbox)
    assert outbox.is_empty


def test_text_of_an_unknown_item_is_dropped_without_a_word(talk: Conversation) -> None:
    outbox = OfflineQueue()
    assert keep_ignored(replace(FAILED, item_id="msg_9"), WITH_ANOTHER, talk, outbox)
    assert outbox.is_empty
