"""Which events end a line, and in whose words."""

import pytest

from voicechat.endings import explain_close, find_end
from voicechat.errors import LinkError, RefusedError, ServiceError, VoiceChatError
from voicechat.events import Event, Notice, ProviderFailed, ReplyFinished, SessionExpired
from voicechat.links.closes import LinkClosed
from voicechat.providers.base import Settings
from voicechat.providers.openai import OpenAIDialect


def dialect() -> OpenAIDialect:
    return OpenAIDialect(Settings("gpt-realtime-2.1", "sk-any"))


@pytest.mark.parametrize(
    "event",
    [
        ReplyFinished("r", "failed", message="broken"),
        ProviderFailed("odd", "one message was wrong"),
        Notice("voice_locked", "It keeps its voice"),
    ],
)
def test_trouble_of_one_reply_or_message_ends_no_line(event: Event) -> None:
    assert find_end(event, dialect(), is_ready=True) is None


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (ProviderFailed("key", "no such key", fatal=True), RefusedError, "no such key"),
        (SessionExpired("an hour is over"), LinkError, "an hour is over"),
        (SessionExpired(), LinkError, "the service ended the session"),
    ],
)
def test_these_end_it(event: Event, kind: type[VoiceChatError], words: str) -> None:
    error = find_end(event, dialect(), is_ready=True)
    assert type(error) is kind and words in str(error)


def test_no_answer_ends_only_a_line_that_never_had_one() -> None:
    event = ProviderFailed("no_answer", "it says nothing")
    error = find_end(event, dialect(), is_ready=False)
    assert isinstance(error, ServiceError) and "Check the address" in error.hint
    assert find_end(event, dialect(), is_ready=True) is None


def test_a_close_is_told_in_the_providers_words() -> None:
    closed = LinkClosed(4000, "invalid_api_key: wrong key")
    told = explain_close(closed, dialect())
    assert told is not closed and isinstance(told, RefusedError)
    assert str(told).startswith("OpenAI refused: invalid_api_key")


def test_a_close_without_a_meaning_of_its_own_and_other_errors_stay() -> None:
    for error in (LinkClosed(1006, ""), ServiceError("overloaded")):
        assert explain_close(error, dialect()) is error
