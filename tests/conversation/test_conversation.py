"""The conversation as a fold: order, late words, what was heard of a cut reply."""

import pytest

from voicechat.conversation.conversation import (
    HISTORY_CHARS,
    HISTORY_ROWS,
    NOT_WRITTEN_DOWN,
    Conversation,
    State,
)
from voicechat.events import (
    Event,
    Heard,
    InputFailed,
    InputTranscript,
    ReplyFinished,
    ReplyText,
    ToolAnswered,
    ToolCalled,
    ToolsCancelled,
    TurnCommitted,
)


def fold(*events: Event) -> Conversation:
    conversation = Conversation()
    for event in events:
        conversation.apply(event)
    return conversation


def texts(conversation: Conversation) -> list[tuple[str, str]]:
    return [(row.role, row.text) for row in conversation.rows]


@pytest.mark.fault("P17")
def test_late_words_of_a_spoken_turn_stand_before_the_answer() -> None:
    conversation = fold(
        TurnCommitted("u1"),
        ReplyText("r1", "a1", "It is "),
        ReplyText("r1", "a1", "noon."),
        ReplyFinished("r1"),
        InputTranscript("u1", "What time ", final=False),
        InputTranscript("u1", "What time is it?", final=True),
    )
    assert texts(conversation) == [("user", "What time is it?"), ("assistant", "It is noon.")]


def test_a_turn_stands_after_the_item_it_follows() -> None:
    conversation = Conversation()
    conversation.typed("t1", "one")
    conversation.apply(ReplyText("r1", "a1", "first"))
    conversation.note("switch", "a note stays with what it was about")
    conversation.apply(TurnCommitted("u2", previous_item_id="a1"))
    conversation.apply(TurnCommitted("u3", previous_item_id="nobody knows"))
    assert [row.id for row in conversation.rows if row.role != "note"] == ["t1", "a1", "u2", "u3"]


@pytest.mark.fault("P17")
def test_final_words_replace_and_late_partials_do_not_undo_them() -> None:
    conversation = fold(
        InputTranscript("u1", "helo", final=False),
        InputTranscript("u1", "Hello.", final=True),
        InputTranscript("u1", " wor", final=False),
    )
    assert texts(conversation) == [("user", "Hello.")]


def test_words_may_come_before_the_turn_is_committed() -> None:
    conversation = fold(InputTranscript("u1", "Hel"), TurnCommitted("u1"))
    assert texts(conversation) == [("user", "Hel")]


def test_cumulative_partials_replace_without_ending_the_row() -> None:
    conversation = fold(
        InputTranscript("u1", "hell", cumulative=True),
        InputTranscript("u1", "hello", cumulative=True),
    )
    assert conversation.rows[0].text == "hello"
    assert conversation.rows[0].state is State.OPEN


def test_final_reply_text_replaces_the_deltas() -> None:
    conversation = fold(
        ReplyText("r", "a", "Hel"),
        ReplyText("r", "a", "lo"),
        ReplyText("r", "a", "Hello!", final=True),
    )
    assert texts(conversation) == [("assistant", "Hello!")]


def test_a_turn_that_could_not_be_transcribed_stays_visible() -> None:
    conversation = fold(TurnCommitted("u1"), InputFailed("u1", "noise"))
    assert conversation.rows[0].state is State.FAILED


def test_a_turn_without_transcription_is_finished_at_once() -> None:
    assert fold(TurnCommitted("u1", transcribed=False)).rows[0].state is State.DONE


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("completed", State.DONE),
        ("incomplete", State.DONE),
        ("cancelled", State.CUT),
        ("failed", State.FAILED),
    ],
)
def test_every_end_of_a_reply_finishes_its_rows(status: str, state: State) -> None:
    conversation = fold(ReplyText("r", "a", "x"), ReplyText("r", "b", "y"))
    finished = conversation.apply(ReplyFinished("r", status))  # type: ignore[arg-type]
    assert [row.id for row in finished] == ["a", "b"]
    assert all(row.state is state for row in finished)


def test_a_cut_reply_keeps_the_words_that_were_heard() -> None:
    conversation = fold(ReplyText("r", "a", "one two three four"), ReplyFinished("r"))
    row = conversation.cut(Heard("a", heard_ms=500, received_ms=1000), is_complete=True)
    assert row is not None
    assert (row.state, row.heard_ms, row.heard_text) == (State.CUT, 500, "one two three")
    conversation.apply(ReplyText("r", "a", " five"))
    assert row.text == "one two three four", "words after the cut are not taken"


def test_a_reply_is_cut_once() -> None:
    conversation = fold(ReplyText("r", "a", "one two"), ReplyFinished("r"))
    assert conversation.cut(Heard("a", 100, 1000), is_complete=True)
    assert conversation.cut(Heard("a", 900, 1000), is_complete=True) is None


def test_the_end_of_the_line_finishes_what_was_open() -> None:
    conversation = fold(TurnCommitted("u1"), ReplyText("r", "a", "half an ans"))
    assert [row.id for row in conversation.end()] == ["u1", "a"]
    assert conversation.end() == []
    assert [row.state for row in conversation.rows] == [State.DONE, State.FAILED], (
        "what was said was not understood badly: its words are only missing"
    )


# -- what was heard -------------------------------------------------------------------------------

SENTENCE = "one two three four five six seven eight nine ten"
"""Three seconds of speech."""


def broken(*events: Event, came_ms: int | None, spoken: bool = True) -> Conversation:
    """A conversation whose line went while a reply ran ahead of its sound."""
    conversation = Conversation(received_ms=lambda item_id: came_ms)
    conversation.typed("u", "count")
    for event in (ReplyText("r", "a", SENTENCE, spoken=spoken), *events):
        conversation.apply(event)
    conversation.end()
    return conversation


@pytest.mark.parametrize(
    "ends", [(), (ReplyFinished("r", "failed"),), (ReplyFinished("r", "cancelled"),)]
)
def test_of_a_reply_that_broke_off_the_next_line_is_told_what_was_heard(
    ends: tuple[Event, ...],
) -> None:
    conversation = broken(*ends, came_ms=400)
    assert conversation.history() == (("user", "count"), ("assistant", "one two"))
    row = conversation.rows[1]
    assert (row.text, row.heard_text, row.heard_ms) == (SENTENCE, "one two", 400)


def test_a_reply_of_which_no_sound_came_was_not_heard() -> None:
    assert broken(came_ms=0).history() == (("user", "count"),)


@pytest.mark.parametrize(("came_ms", "spoken"), [(None, True), (0, False), (60_000, True)])
def test_what_was_read_or_had_all_its_sound_is_known_whole(
    came_ms: int | None, spoken: bool
) -> None:
    conversation = broken(came_ms=came_ms, spoken=spoken)
    assert conversation.history()[1] == ("assistant", SENTENCE)


def test_a_reply_that_completed_is_known_whole() -> None:
    assert broken(ReplyFinished("r"), came_ms=0).history()[1] == ("assistant", SENTENCE)


def test_the_rest_of_a_broken_reply_can_still_be_cut() -> None:
    """What has arrived plays on when the line is gone, until the user has heard enough."""
    conversation = broken(came_ms=1500)
    row = conversation.cut(Heard("a", heard_ms=400, received_ms=1500), is_complete=True)
    assert row is not None
    assert (row.state, row.heard_text) == (State.CUT, "one two")


def test_what_the_service_stopped_can_be_cut_before_all_that_came_was_heard() -> None:
    conversation = broken(ReplyFinished("r", "cancelled", "turn_detected"), came_ms=1500)
    row = conversation.rows[1]
    assert (row.state, row.heard_ms) == (State.CUT, 1500)
    assert conversation.cut(Heard("a", 400, 1500), is_complete=True) is row
    assert (row.heard_text, row.heard_ms) == ("one two", 400)
    assert conversation.cut(Heard("nobody's", 400, 1500), is_complete=True) is None


def test_the_sound_is_asked_for_by_the_name_that_the_provider_gave() -> None:
    """Some begin to count anew on each line, and the second row of a name gets another."""
    asked: list[str] = []

    def came_ms(item_id: str) -> int:
        asked.append(item_id)
        return 400

    conversation = Conversation(received_ms=came_ms)
    for _ in range(2):
        conversation.apply(ReplyText("r", "item_1", SENTENCE))
        conversation.end()
    assert asked == ["item_1", "item_1"]
    assert [row.heard_text for row in conversation.rows] == ["one two"] * 2


def test_only_the_newest_words_are_told() -> None:
    conversation = Conversation()
    for number in range(HISTORY_ROWS + 5):
        conversation.typed(f"msg_{number}", str(number))
    told = [text for _, text in conversation.history()]
    assert told == [str(number) for number in range(5, HISTORY_ROWS + 5)]
    conversation.typed("long", "x" * (HISTORY_CHARS - 3))
    assert [text[:3] for _, text in conversation.history()] == ["64", "xxx"]


# -- what nobody wrote down -----------------------------------------------------------------------


def test_an_answered_turn_whose_words_never_came_is_told_as_one() -> None:
    conversation = fold(TurnCommitted("u"), ReplyText("r", "a", "It is noon."), ReplyFinished("r"))
    conversation.end()
    row = conversation.rows[0]
    assert (row.state, row.text) == (State.DONE, "")
    assert conversation.history() == (("user", NOT_WRITTEN_DOWN), ("assistant", "It is noon."))


def test_noise_that_nobody_answered_is_not_told() -> None:
    conversation = fold(
        TurnCommitted("cough"),
        InputFailed("cough", "noise"),
        TurnCommitted("u"),
        InputTranscript("u", "Hello.", final=True),
        TurnCommitted("sneeze"),
    )
    assert conversation.history() == (("user", "Hello."),)


# -- tools ----------------------------------------------------------------------------------------


def test_an_answer_to_a_call_that_was_given_up_changes_nothing() -> None:
    conversation = fold(ToolCalled("r", "c", "clock", "{}"), ToolsCancelled(("c",)))
    assert conversation.apply(ToolAnswered("c", "clock", "noon")) == []
    assert conversation.apply(ToolAnswered("nobody's", "clock", "noon")) == []
    assert [(row.text, row.state) for row in conversation.rows] == [("clock {}", State.FAILED)]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (r'{"city": "\u5317\u4eac", "n":1}', 'weather {"city": "北京", "n": 1}'),
        (r'{"city":"Ulm"}', 'weather {"city":"Ulm"}'),
        (r'{"city": "\u53', r'weather {"city": "\u53'),
        (r'{"city": "\ud800\u202e"}', r'weather {"city": "\ud800\u202e"}'),
        ('{"city": "\x9d0;a\x9cb"}', r'weather {"city": "\u009d0;a\u009cb"}'),
        ('{\n  "city": "a\\\\u202e\u202e"\n}', r'weather {"city": "a\\u202e\u202e"}'),
        ('{\n  "city": "a\u202e"\n}', r'weather { "city": "a\u202e" }'),
    ],
)
def test_the_arguments_of_a_call_are_shown_in_letters(arguments: str, shown: str) -> None:
    assert fold(ToolCalled("r", "c", "weather", arguments)).rows[0].text == shown


# -- much of it -----------------------------------------------------------------------------------


def test_a_reply_without_an_end_does_not_take_longer_with_every_word() -> None:
    """Put together anew with each of its pieces, these would be a million million characters."""
    conversation, count = Conversation(), 300_000
    for _ in range(count):
        conversation.apply(ReplyText("r", "a", "and on and on and on "))
    assert conversation.rows[0].text == "and on and on and on " * count
