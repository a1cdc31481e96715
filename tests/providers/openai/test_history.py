"""What was said before, as items and as a transcript; and what a refusal of it means."""

from typing import Any

from tests.providers.openai.call import Call, kinds, only
from voicechat.events import Notice, ProviderFailed, ReplyFinished, SendText, TurnCommitted, Unknown
from voicechat.providers.base import HistoryEntry, Settings
from voicechat.providers.openai.history import (
    LONGEST_TRANSCRIPT,
    SPEAK,
    instructed,
    past_of,
    transcript,
    urged,
)

PAST = (HistoryEntry("user", "Hello there."), HistoryEntry("assistant", "Hi!"))


def called(**chosen: Any) -> Call:
    """A session that knows the past; what told it is still to be sent."""
    call = Call(history=PAST, **chosen)
    call.says("session.created", session={"id": "sess_1"})
    call.sent()
    call.says("session.updated", session={"id": "sess_1"})
    return call


def test_what_waited_for_the_session_comes_after_the_past() -> None:
    call = Call(history=PAST)
    call.does(SendText("And now?", "msg_1"))
    call.says("session.created", session={})
    call.sent()
    call.says("session.updated", session={})
    *past, asked, create = call.sent()
    assert [m["item"]["role"] for m in past] == ["user", "assistant"]
    assert asked["item"]["id"] == "msg_1"
    assert create["type"] == "response.create"


def test_a_server_that_never_agrees_is_told_all_the_same() -> None:
    call = Call(history=PAST)
    call.says("session.created", session={})
    call.sent()
    call.passes(5.1)
    assert kinds(call.sent()) == ["conversation.item.create"] * 2


def test_a_new_line_of_the_same_dialect_is_told_again() -> None:
    call = called()
    assert len(call.sent()) == 2
    call.dialect.open(call.now)
    call.says("session.created", session={"id": "sess_2"})
    call.says("session.updated", session={"id": "sess_2"})
    assert kinds(call.sent()) == ["session.update", *["conversation.item.create"] * 2]


def test_echoes_of_the_past_are_no_events() -> None:
    call = called()
    for message in call.sent():
        assert call.says("conversation.item.added", item=message["item"]) == []
        assert call.says("conversation.item.done", item=message["item"]) == []


def test_a_refusal_is_a_notice_once_and_never_fatal() -> None:
    call = called()
    call.sent()
    [notice] = call.fails("unsupported_content_type", "No past here.", event_id="past_1")
    assert isinstance(notice, Notice) and notice.code == "history_refused"
    assert notice.message.endswith(": No past here")
    assert only(Unknown, call.fails("invalid_value", event_id="past_2"))
    assert kinds(call.asks())[-1] == "response.create"
    call.begins(tag="reply_1")
    assert only(ReplyFinished, call.ends())[0].status == "completed"


def test_a_refusal_without_a_name_counts_while_items_are_on_their_way() -> None:
    call = called()
    [first, _] = call.sent()
    assert only(Notice, call.fails("invalid_value", param="item.content[0].type"))
    call.says("conversation.item.added", item=first["item"])
    assert only(ProviderFailed, call.fails("invalid_value", param="item.content[0].type"))


def test_a_limit_is_no_refusal_of_the_past() -> None:
    call = called()
    call.sent()
    assert only(ProviderFailed, call.fails("rate_limit_exceeded"))


def test_a_bad_key_stays_fatal_while_the_past_is_told() -> None:
    call = called()
    [failed] = only(ProviderFailed, call.fails("invalid_api_key", event_id="past_1"))
    assert failed.fatal


def test_a_user_item_with_the_same_words_is_a_turn_of_its_own() -> None:
    call = called()
    call.sent()
    assert only(TurnCommitted, call.says("input_audio_buffer.committed", item_id="item_9"))


def test_the_instructions_ask_for_speech_unless_text_is_wanted() -> None:
    settings = Settings("m", instructions="Be kind.", history=PAST)
    assert urged(settings).instructions == f"Be kind.\n\n{SPEAK}"
    silent = Settings("m", instructions="Be kind.", history=PAST, text_only=True)
    assert urged(silent) == silent
    nobody = Settings("m", instructions="Be kind.")
    assert (urged(nobody), instructed(nobody)) == (nobody, nobody)


def test_what_was_said_stands_on_one_line_each_in_order() -> None:
    told = transcript(
        [HistoryEntry("user", "Two\nlines,\x1b[2J cleaned"), HistoryEntry("assistant", "Yes.")]
    )
    _, first, second, _ = told.splitlines()
    assert first.startswith("The user: Two lines,") and "\x1b" not in first
    assert second == "You: Yes."


def test_a_long_transcript_keeps_the_newest() -> None:
    past = [HistoryEntry("user", f"{number} " + "word " * 200) for number in range(100)]
    told = transcript(past)
    assert len(told) < LONGEST_TRANSCRIPT + 300
    assert "The user: 99 " in told and "The user: 0 " not in told


def test_a_provider_that_remembers_is_told_nothing() -> None:
    assert past_of(Settings("m", history=PAST, resume="handle")) == ()
    assert past_of(Settings("m", history=(*PAST, HistoryEntry("user", " \n")))) == PAST
