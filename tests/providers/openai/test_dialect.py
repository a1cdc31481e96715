"""The session: address, opening, settings, turns."""

import base64
from typing import Any

import pytest

from tests.providers.openai.call import HANDS_FREE, KEY, SERVER_VAD, Call, kinds, only, settings
from voicechat.events import (
    BeginTurn,
    EndTurn,
    InputFailed,
    InputTranscript,
    Notice,
    ProviderFailed,
    SendAudio,
    SendText,
    SessionEnding,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.base import Vad
from voicechat.providers.openai.dialect import OpenAIDialect

CHUNK = SendAudio(bytes(960))
TENTH = SendAudio(bytes(4800))


def rate_format(rate: int) -> dict[str, object]:
    return {"format": {"type": "audio/pcm", "rate": rate}}


# -- address ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "model", "expected"),
    [
        ("", "gpt-realtime-2.1", "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"),
        ("", "a b/c&d", "wss://api.openai.com/v1/realtime?model=a%20b%2Fc%26d"),
        ("", "", "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"),
        ("ws://localhost:1/x", "m", "ws://localhost:1/x?model=m"),
        ("ws://localhost:1/x?a=1", "m", "ws://localhost:1/x?a=1&model=m"),
        ("ws://localhost:1/x?model=other", "m", "ws://localhost:1/x?model=other"),
        ("ws://localhost:1/{model}/live?model=", "a/b", "ws://localhost:1/a%2Fb/live?model="),
    ],
)
def test_address_names_the_model_once(url: str, model: str, expected: str) -> None:
    assert OpenAIDialect(settings(url=url, model=model)).url() == expected


def test_headers_hold_the_key_and_no_beta() -> None:
    assert OpenAIDialect(settings()).headers() == {"Authorization": f"Bearer {KEY}"}


def test_without_a_key_no_header_is_sent() -> None:
    assert OpenAIDialect(settings(api_key="")).headers() == {}


# -- opening ------------------------------------------------------------------------------------


def test_nothing_is_said_before_the_server() -> None:
    call = Call()
    assert call.sent() == []
    assert call.passes(4.9) == []
    assert call.sent() == []


@pytest.mark.parametrize("kind", ["session.created", "conversation.created", "heartbeat", "odd"])
def test_any_first_event_is_answered_with_the_settings(kind: str) -> None:
    call = Call()
    call.says(kind)
    assert kinds(call.sent()) == ["session.update"]


def test_settings_that_come_before_we_asked_tell_what_the_session_is() -> None:
    call = Call()
    call.says("session.updated", session={"id": "sess_9", "model": "older"})
    assert kinds(call.sent()) == ["session.update"]
    [ready] = only(SessionReady, call.says("session.updated", session={"model": "newer"}))
    assert (ready.session_id, ready.model) == ("sess_9", "newer")


@pytest.mark.parametrize(
    "kind", ["input_audio_transcription.delta", "input_audio_transcription.failed"]
)
def test_words_of_no_turn_are_nobodys(kind: str) -> None:
    call = Call().ready()
    given = {"delta": "Hello", "error": {"message": "It failed."}}
    assert call.says(f"conversation.item.{kind}", **given) == [Unknown("words of no turn")]


def test_a_first_error_is_shown_and_waited_out() -> None:
    call = Call()
    assert only(ProviderFailed, call.fails("session_limit_reached", "All slots in use"))
    assert call.sent() == []


def test_settings_are_minimal_and_explicit() -> None:
    call = Call(voice="marin", instructions="Be terse.", language="de")
    call.says("session.created")
    [update] = call.sent()
    pcm = {"type": "audio/pcm", "rate": 24000}
    assert update["session"] == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": "Be terse.",
        "audio": {
            "input": {
                "format": pcm,
                "turn_detection": None,
                "transcription": {"model": "gpt-transcribe", "language": "de"},
            },
            "output": {"format": pcm, "voice": "marin"},
        },
    }


@pytest.mark.parametrize(
    ("vad", "expected"),
    [
        (
            Vad(threshold=0.7, prefix_padding_ms=200, silence_ms=800, interrupt=False),
            {
                "type": "server_vad",
                "threshold": 0.7,
                "prefix_padding_ms": 200,
                "silence_duration_ms": 800,
                "create_response": True,
                "interrupt_response": False,
            },
        ),
        (
            Vad(kind="semantic", eagerness="high"),
            {
                "type": "semantic_vad",
                "eagerness": "high",
                "create_response": True,
                "interrupt_response": True,
            },
        ),
    ],
)
def test_hands_free_sends_every_value_of_its_vad(vad: Vad, expected: dict[str, object]) -> None:
    call = Call(hands_free=True, vad=vad)
    call.says("session.created")
    assert call.sent()[0]["session"]["audio"]["input"]["turn_detection"] == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"transcription_model": "none"}, None),
        ({"transcription_model": "gpt-live-transcribe"}, {"model": "gpt-live-transcribe"}),
    ],
)
def test_transcription_is_the_users_choice(
    chosen: dict[str, Any], expected: dict[str, str] | None
) -> None:
    call = Call(**chosen)
    call.says("session.created")
    assert call.sent()[0]["session"]["audio"]["input"]["transcription"] == expected


def test_text_session_asks_for_text_alone() -> None:
    call = Call(text_only=True)
    call.says("session.created")
    assert call.sent()[0]["session"]["output_modalities"] == ["text"]


def test_session_is_ready_when_the_server_agrees() -> None:
    call = Call()
    session = {"id": "sess_9", "model": "gpt-realtime-2.1", "expires_at": 1794003600}
    call.says("session.created", session=session)
    assert call.says("session.updated", session={}) == [
        SessionReady("sess_9", "gpt-realtime-2.1", 1794003600.0)
    ]


def test_server_that_never_agrees_is_ready_after_five_seconds() -> None:
    call = Call()
    call.says("session.created", session={"id": "s"})
    assert call.passes(4.9) == []
    assert only(SessionReady, call.passes(0.2)) == [SessionReady("s")]
    assert call.passes(60) == []


def test_server_that_says_nothing_first_gets_the_settings_unasked() -> None:
    call = Call()
    call.passes(5.1)
    assert kinds(call.sent()) == ["session.update"]


def test_server_that_says_nothing_at_all_has_failed_once() -> None:
    call = Call()
    for _ in range(2):  # The settings go out unasked, but silence is no agreement.
        assert call.passes(7.4) == []
    [failed] = only(ProviderFailed, call.passes(0.2))
    assert not failed.fatal
    assert call.passes(1) == []


def test_unagreed_defaults_of_the_server_are_not_believed() -> None:
    """`session.created` describes the session from before our settings."""
    call = Call()
    call.says("session.created", session={"audio": {"input": {"turn_detection": SERVER_VAD}}})
    call.passes(5.1)
    call.sent()
    sent = call.does(BeginTurn(), TENTH, EndTurn())
    assert kinds(sent)[-2:] == ["input_audio_buffer.commit", "response.create"]


def test_noise_reduction_is_asked_only_where_it_is_offered() -> None:
    call = Call()
    call.says("session.created")
    call.says("session.updated", session={"audio": {"input": {"noise_reduction": None}}})
    assert call.sent()[-1]["session"]["audio"] == {
        "input": {"noise_reduction": {"type": "near_field"}}
    }
    call = Call()
    call.says("session.created")
    call.says("session.updated", session={"audio": {"input": {}}})
    assert kinds(call.sent()) == ["session.update"]


def test_commands_wait_in_order_for_the_session() -> None:
    call = Call()
    assert call.does(BeginTurn(), TENTH, EndTurn(), SendText("x", "msg_1")) == []
    call.says("session.created")
    assert kinds(call.sent()) == ["session.update"]
    call.says("session.updated")
    assert kinds(call.sent()) == [
        "input_audio_buffer.clear",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "conversation.item.create",
        "response.create",
    ]


def test_waiting_sound_is_bounded_and_the_oldest_goes() -> None:
    call = Call()
    second = 48_000
    call.does(*(SendAudio(bytes([number]) * second) for number in range(40)))
    call.does(SendText("after", "msg_1"))
    call.says("session.created")
    call.says("session.updated")
    sent = [m for m in call.sent() if m["type"] == "input_audio_buffer.append"]
    assert [base64.b64decode(m["audio"])[0] for m in sent] == list(range(10, 40))


# -- refused settings ---------------------------------------------------------------------------


@pytest.mark.fault("P31")
def test_refused_settings_are_given_up_one_by_one() -> None:
    call = Call(voice="marin", shape="ga")
    call.says("session.created")
    left = []
    for _ in range(5):
        call.sent()
        left += only(Notice, call.fails("invalid_value"))
    [last] = call.sent()
    assert last["session"] == {"type": "realtime"}
    assert [notice.code for notice in left] == ["update_refused"] * 5
    assert only(SessionReady, call.fails("invalid_value"))


def test_a_blamed_setting_is_given_up_first() -> None:
    call = Call(voice="marin")
    call.says("session.created")
    call.sent()
    call.fails("invalid_value", param="session.audio.output.voice")
    session = call.sent()[0]["session"]
    assert "voice" not in session["audio"]["output"]
    assert "transcription" in session["audio"]["input"]


@pytest.mark.parametrize(
    ("code", "param"),
    [
        ("unknown_parameter", "session.type"),
        ("unknown_parameter", "session.audio"),
        ("unknown_parameter", "session.output_modalities"),
        ("missing_required_parameter", "session"),
    ],
)
def test_old_server_is_asked_in_the_old_shape(code: str, param: str) -> None:
    call = Call(shapes=("ga", "beta"), voice="alloy", hands_free=True)
    call.says("session.created")
    call.sent()
    assert [n.code for n in only(Notice, call.fails(code, param=param))] == ["older_protocol"]
    [update] = call.sent()
    vad = update["session"].pop("turn_detection")
    assert vad["type"] == "server_vad"
    assert update["session"] == {
        "modalities": ["audio", "text"],
        "voice": "alloy",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "whisper-1"},
    }


def test_chosen_shape_is_kept() -> None:
    call = Call(shape="ga")
    call.says("session.created")
    call.sent()
    call.fails("unknown_parameter", param="session.type")
    assert call.sent()[0]["session"]["type"] == "realtime"
    call = Call(shape="beta", shapes=("beta",))
    call.says("session.created")
    assert "modalities" in call.sent()[0]["session"]


def test_server_that_refuses_everything_new_is_asked_in_the_old_shape_at_last() -> None:
    call = Call(shapes=("ga", "beta"), voice="v")
    call.says("session.created")
    for _ in range(6):
        call.fails("odd_code")
    assert "modalities" in call.sent()[-1]["session"]


@pytest.mark.parametrize(
    ("param", "gone"),
    [
        ("session.input_audio_transcription.model", {"input_audio_transcription"}),
        ("session.input_audio_format", {"input_audio_format", "output_audio_format"}),
        ("session.modalities", {"modalities"}),
        ("session.turn_detection.threshold", {"turn_detection"}),
        ("session.voice", {"voice"}),
    ],
)
def test_a_refusal_of_an_older_server_costs_only_what_it_names(param: str, gone: set[str]) -> None:
    call = Call(shape="beta", shapes=("beta",), voice="alloy", **HANDS_FREE)
    call.says("session.created")
    [first] = call.sent()
    assert [n.code for n in only(Notice, call.fails("invalid_value", param=param))] == [
        "update_refused"
    ]
    [second] = call.sent()
    kept = {key: value for key, value in first["session"].items() if key not in gone}
    assert second["session"] == kept != first["session"]


def test_untranscribed_turns_are_marked_so() -> None:
    call = Call()
    call.says("session.created")
    call.fails("invalid_value", param="session.audio.input.transcription")
    call.says("session.updated")
    assert call.says("input_audio_buffer.committed", item_id="i") == [
        TurnCommitted("i", None, transcribed=False)
    ]


def test_refused_noise_reduction_is_only_a_notice() -> None:
    call = Call()
    call.says("session.created")
    call.says("session.updated", session={"audio": {"input": {"noise_reduction": None}}})
    [_, extras] = call.sent()
    events = call.fails("invalid_value", event_id=extras["event_id"])
    assert [type(event) for event in events] == [Notice]


# -- what the server says of the session --------------------------------------------------------


@pytest.mark.fault("P31")
def test_server_that_finds_turns_anyway_is_believed_and_told_once() -> None:
    call = Call()
    call.says("session.created")
    differs = {"audio": {"input": {"turn_detection": SERVER_VAD}}}
    assert [n.code for n in only(Notice, call.says("session.updated", session=differs))] == [
        "turns_differ"
    ]
    call.sent()
    assert call.says("session.updated", session=differs) == []


@pytest.mark.fault("P31")
def test_a_server_that_finds_turns_anyway_hears_that_the_key_was_let_go() -> None:
    call = Call()
    call.says("session.created")
    call.says("session.updated", session={"audio": {"input": {"turn_detection": SERVER_VAD}}})
    call.sent()
    said, *tail = call.does(BeginTurn(), TENTH, EndTurn())
    assert set(kinds([said, *tail])) == {"input_audio_buffer.append"}
    silence = b"".join(base64.b64decode(one["audio"]) for one in tail)
    assert silence == bytes(24_000 * 2)  # A second, as its VAD wants half of one.


@pytest.mark.fault("P31", "P27")
def test_other_rates_of_the_server_are_remembered() -> None:
    call = Call()
    call.says("session.created")
    session = {"audio": {"input": rate_format(16000), "output": rate_format(48000)}}
    assert [n.code for n in only(Notice, call.says("session.updated", session=session))] == [
        "rate_differs"
    ]
    assert (call.dialect.input_rate, call.dialect.output_rate) == (16000, 48000)


@pytest.mark.fault("P31", "P07")
@pytest.mark.parametrize("rate", [0, -1, "16000", True, 10**9, None, 1.5])
def test_impossible_rates_are_not_believed(rate: object) -> None:
    audio = {"output": {"format": {"type": "audio/pcm", "rate": rate}}}
    assert Call().ready(audio=audio).dialect.output_rate == 24000


def test_voice_may_be_an_object() -> None:
    call = Call()
    call.says("session.created", session={"audio": {"output": {"voice": {"id": "voice_1"}}}})
    assert only(SessionReady, call.says("session.updated", session={"voice": {"id": "v"}}))


@pytest.mark.fault("P27")
def test_sound_that_is_no_pcm_is_told() -> None:
    call = Call()
    call.says("session.created")
    session = {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}
    codes = [n.code for n in only(Notice, call.says("session.updated", session=session))]
    assert codes == ["format_differs"]


# -- turns --------------------------------------------------------------------------------------


def test_a_turn_is_cleared_appended_committed_and_answered() -> None:
    call = Call().ready()
    sent = call.does(BeginTurn(), SendAudio(b"\x01\x02" * 2400), EndTurn())
    assert kinds(sent) == [
        "input_audio_buffer.clear",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "response.create",
    ]
    assert base64.b64decode(sent[1]["audio"]) == b"\x01\x02" * 2400


@pytest.mark.fault("P21")
def test_a_turn_below_a_tenth_of_a_second_is_forgotten() -> None:
    call = Call().ready()
    sent = call.does(BeginTurn(), *[CHUNK] * 4, SendAudio(bytes(958)), EndTurn())
    assert kinds(sent)[-1] == "input_audio_buffer.clear"
    assert [n.code for n in only(Notice, call.passes(0.1))] == ["turn_too_short"]
    assert "input_audio_buffer.commit" in kinds(call.does(BeginTurn(), *[CHUNK] * 5, EndTurn()))


def test_sound_of_an_earlier_press_does_not_count() -> None:
    call = Call().ready()
    call.does(BeginTurn(), TENTH, BeginTurn(), CHUNK)
    assert kinds(call.does(EndTurn())) == ["input_audio_buffer.clear"]


def test_hands_free_sends_sound_and_marks_nothing() -> None:
    call = Call(**HANDS_FREE).ready()
    assert kinds(call.does(BeginTurn(), TENTH, EndTurn())) == ["input_audio_buffer.append"]


def test_switching_hands_free_changes_only_the_turns() -> None:
    call = Call(voice="marin").ready()
    [update] = call.does(SetHandsFree(True))
    turns = update["session"]["audio"]["input"]["turn_detection"]
    assert update["session"] == {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}
    assert turns["type"] == "server_vad"
    [update] = call.does(SetHandsFree(False))
    assert update["session"]["audio"]["input"] == {"turn_detection": None}
    assert call.does(SetHandsFree(False)) == []


def test_a_server_that_cannot_switch_any_more_gets_a_new_session() -> None:
    call = Call(**HANDS_FREE).ready()
    [update] = call.does(SetHandsFree(False))
    told, ending = call.fails("invalid_value", event_id=update["event_id"])
    assert isinstance(told, Notice) and told.code == "turns_need_new_session"
    assert ending == SessionEnding(0.0)
    assert kinds(call.does(BeginTurn(), TENTH)) == ["input_audio_buffer.append"]


def test_answer_to_an_older_switch_does_not_undo_a_newer_one() -> None:
    call = Call().ready()
    call.does(SetHandsFree(True), SetHandsFree(False))
    call.says("session.updated", session={"audio": {"input": {"turn_detection": SERVER_VAD}}})
    assert "input_audio_buffer.commit" in kinds(call.does(BeginTurn(), TENTH, EndTurn()))


def test_refused_switch_does_not_hold() -> None:
    call = Call().ready()
    [update] = call.does(SetHandsFree(True))
    assert only(Notice, call.fails("invalid_value", event_id=update["event_id"]))
    assert "input_audio_buffer.commit" in kinds(call.does(BeginTurn(), TENTH, EndTurn()))


def test_beta_server_is_switched_in_its_own_shape() -> None:
    call = Call(shape="beta", shapes=("beta",)).ready()
    assert list(call.does(SetHandsFree(True))[0]["session"]) == ["turn_detection"]


def test_typed_message_keeps_its_id_and_is_answered() -> None:
    call = Call().ready()
    item, create = call.does(SendText("a\ud800b\x1b[31m", "msg_77"))
    assert item["item"]["id"] == "msg_77"
    assert item["item"]["content"] == [{"type": "input_text", "text": "a\ufffdb"}]
    assert create["type"] == "response.create"


# -- the user's words ---------------------------------------------------------------------------


def test_events_of_the_users_turn() -> None:
    call = Call(**HANDS_FREE).ready()
    says = call.says
    words = "conversation.item.input_audio_transcription"
    assert says("input_audio_buffer.speech_started", item_id="u") == [SpeechStarted("u")]
    assert says("input_audio_buffer.speech_stopped", item_id="u") == [SpeechStopped("u")]
    assert says("input_audio_buffer.committed", item_id="u", previous_item_id="p") == [
        TurnCommitted("u", "p")
    ]
    assert says(f"{words}.delta", item_id="u", delta="Hel") == [InputTranscript("u", "Hel")]
    assert says(f"{words}.updated", item_id="u", transcript="Hello") == [
        InputTranscript("u", "Hello", cumulative=True)
    ]
    assert says(f"{words}.completed", item_id="u", transcript="Hi", status="in_progress") == [
        InputTranscript("u", "Hi", cumulative=True)
    ]
    assert says(f"{words}.completed", item_id="u", transcript="Hi.") == [
        InputTranscript("u", "Hi.", final=True)
    ]
    assert says(f"{words}.failed", item_id="u", error={"message": "No\nwords"}) == [
        InputFailed("u", "No words")
    ]


def test_a_turn_without_an_id_gets_one_and_its_words_find_it() -> None:
    call = Call().ready()
    [committed] = only(TurnCommitted, call.says("input_audio_buffer.committed"))
    [words] = only(
        InputTranscript,
        call.says("conversation.item.input_audio_transcription.completed", transcript="x"),
    )
    assert committed.item_id
    assert words.item_id == committed.item_id


@pytest.mark.fault("P15")
def test_words_of_no_turn_are_noise() -> None:
    call = Call().ready()
    kind = "conversation.item.input_audio_transcription.completed"
    assert only(Unknown, call.says(kind, transcript="x"))
