"""The GLM session: address, settings, opening, turns, sound, the clock."""

import base64
import json
from pathlib import Path

import pytest

from tests.fakes.glm_check import LARGEST_MESSAGE, check_shape
from tests.providers.glm.call import KEY, LOUD, QUIET, SECOND, TOOL, Call, kinds, only, settings
from tests.providers.wire import recordings, replay
from voicechat.errors import LinkError
from voicechat.events import (
    BeginTurn,
    EndTurn,
    Heard,
    Interrupt,
    Notice,
    ProviderFailed,
    SendAudio,
    SendText,
    SessionExpired,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    Unknown,
)
from voicechat.providers.base import Vad
from voicechat.providers.glm.dialect import GlmDialect

MAINLAND = "wss://open.bigmodel.cn/api/paas/v4/realtime"
INTERNATIONAL = "wss://api.z.ai/api/paas/v4/realtime"
GLM = [path for path in recordings() if path.parent.name == "glm"]


@pytest.mark.parametrize("recording", GLM, ids=lambda path: path.stem)
def test_every_message_is_one_of_the_documentation(recording: Path) -> None:
    for _, _, messages in replay(recording):
        for message in messages:
            check_shape(message)


@pytest.mark.parametrize("recording", GLM, ids=lambda path: path.stem)
def test_every_message_has_a_name_of_its_own_and_a_time(recording: Path) -> None:
    names: set[str] = set()
    last = 0
    for _, _, messages in replay(recording):
        for message in messages:
            assert message["event_id"] not in names
            assert isinstance(message["client_timestamp"], int)
            assert message["client_timestamp"] >= last
            names.add(message["event_id"])
            last = message["client_timestamp"]
    assert names


# -- address ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "url", "expected"),
    [
        ("glm-realtime", "", f"{MAINLAND}?model=glm-realtime"),
        ("glm-realtime-flash", "", f"{MAINLAND}?model=glm-realtime-flash"),
        ("glm-realtime-air", "", f"{MAINLAND}?model=glm-realtime-air"),
        ("glm-realtime-plus", "", f"{MAINLAND}?model=glm-realtime"),
        ("my/own", "", f"{MAINLAND}?model=glm-realtime"),
        ("", "", f"{MAINLAND}?model=glm-realtime"),
        ("glm-realtime-plus", INTERNATIONAL, f"{INTERNATIONAL}?model=glm-realtime"),
        ("glm-realtime-plus", "ws://localhost:1/x?model=y", "ws://localhost:1/x?model=y"),
        ("glm", "ws://localhost:1/x?model=glm-air", "ws://localhost:1/x?model=glm-air"),
    ],
)
def test_the_address_names_only_models_that_the_gateway_knows(
    model: str, url: str, expected: str
) -> None:
    assert GlmDialect(settings(model=model, url=url)).url() == expected


@pytest.mark.parametrize("model", ["glm-realtime-plus", "glm-realtime-air", "my/own"])
def test_the_settings_name_the_model_itself(model: str) -> None:
    assert Call(model=model).ready().updates[0]["model"] == model


def test_the_key_is_sent_as_it_is_and_only_in_the_header() -> None:
    dialect = GlmDialect(settings())
    assert dialect.headers() == {"Authorization": f"Bearer {KEY}"}
    assert KEY not in dialect.url()


# -- settings -----------------------------------------------------------------------------------


def test_the_settings_are_complete() -> None:
    [session] = Call(voice="xiaochen", instructions="Be terse.", tools=(TOOL,)).ready().updates
    assert session == {
        "model": "glm-realtime",
        "modalities": ["text", "audio"],
        "instructions": "Be terse.",
        "voice": "xiaochen",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm",
        "turn_detection": {"type": "client_vad"},
        "tools": [
            {
                "type": "function",
                "name": "get_time",
                "description": "The time now",
                "parameters": {"type": "object", "properties": {}},
            }
        ],
        "beta_fields": {"chat_mode": "audio", "tts_source": "e2e", "auto_search": False},
    }


def test_there_are_always_instructions_or_the_service_is_somebody_else() -> None:
    [session] = Call().ready().updates
    assert "language the user speaks" in session["instructions"]
    assert session["voice"] == "tongtong"


def test_hands_free_says_every_value_and_never_semantic() -> None:
    vad = Vad(kind="semantic", threshold=0.6, silence_ms=1500, interrupt=False)
    [session] = Call(hands_free=True, vad=vad).ready().updates
    assert session["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.6,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 1500,
        "create_response": True,
        "interrupt_response": False,
    }


def test_text_only_is_asked_for() -> None:
    assert Call(text_only=True).ready().updates[0]["modalities"] == ["text"]


def test_noise_reduction_is_asked_for_where_the_server_knows_of_it() -> None:
    call = Call(hands_free=True)
    call.says("session.created", session={"input_audio_noise_reduction": None})
    [update] = call.sent()
    assert update["session"]["input_audio_noise_reduction"] == {"type": "far_field"}
    assert "input_audio_noise_reduction" not in Call().ready().updates[0]


def test_a_change_says_everything_again() -> None:
    call = Call(voice="xiaochen", tools=(TOOL,)).ready()
    call.does(SetHandsFree(True))
    first, second = call.updates
    changed = {key for key in first if first[key] != second[key]}
    assert first.keys() == second.keys()
    assert changed == {"turn_detection"}


# -- opening ------------------------------------------------------------------------------------


def test_the_settings_wait_for_the_session_not_for_a_heartbeat() -> None:
    call = Call()
    call.says("heartbeat")
    assert call.sent() == []
    call.says("session.created", session={})
    assert kinds(call.sent()) == ["session.update"]


def test_a_server_that_only_beats_is_asked_after_a_while() -> None:
    call = Call()
    call.says("heartbeat")
    call.passes(5.1)
    assert kinds(call.sent()) == ["session.update"]


def test_what_is_said_before_the_session_is_agreed_waits() -> None:
    call = Call()
    assert call.does(SendText("Hello", "msg_1")) == []
    call.says("session.created", session={})
    assert kinds(call.sent()) == ["session.update"]
    assert only(SessionReady, call.says("session.updated", session={"id": "s"}))
    assert kinds(call.sent()) == ["conversation.item.create", "response.create"]


def test_a_session_that_is_never_agreed_fails_once_after_fifteen_seconds() -> None:
    call = Call()
    call.says("session.created", session={})
    assert call.passes(14.9) == []
    [failed] = call.passes(0.2)
    assert isinstance(failed, ProviderFailed)
    assert (failed.code, failed.fatal) == ("no_answer", False)
    assert call.passes(1.0) == []
    assert only(SessionReady, call.says("session.updated", session={}))


def test_a_server_that_says_nothing_at_all_fails() -> None:
    call = Call()
    call.passes(14.0)
    assert [event.code for event in only(ProviderFailed, call.passes(1.1))] == ["no_answer"]


def test_the_user_is_written_down_whatever_the_session_says_of_it() -> None:
    call = Call().ready(input_audio_transcription=None)
    [committed] = call.says("input_audio_buffer.committed", item_id="item_U")
    assert getattr(committed, "transcribed", None) is True


# -- turns and sound ----------------------------------------------------------------------------


def test_a_turn_is_sent_in_tenths_of_a_second_and_its_rest() -> None:
    call = Call().ready()
    messages = call.does(BeginTurn(), *[SendAudio(bytes(640))] * 12, EndTurn())
    sizes = [len(base64.b64decode(m["audio"])) for m in messages if "audio" in m]
    assert sizes == [3200, 3200, 1280]
    assert kinds(messages)[-2:] == ["input_audio_buffer.commit", "response.create"]


def test_the_rest_of_a_given_up_turn_is_not_heard_in_the_next() -> None:
    call = Call().ready()
    call.does(BeginTurn(), SendAudio(b"\x01\x00" * 800), BeginTurn())
    messages = call.does(QUIET, EndTurn())
    assert all(not any(base64.b64decode(m["audio"])) for m in messages if "audio" in m)


def test_a_turn_that_is_too_short_is_forgotten() -> None:
    call = Call().ready()
    messages = call.does(BeginTurn(), SendAudio(bytes(640)), EndTurn())
    assert "response.create" not in kinds(messages)
    assert [n.code for n in only(Notice, call.passes(0.1))] == ["turn_too_short"]


def test_hands_free_nothing_but_sound_is_sent() -> None:
    call = Call(hands_free=True).ready()
    messages = call.does(BeginTurn(), SECOND, EndTurn())
    assert set(kinds(messages)) == {"input_audio_buffer.append"}


@pytest.mark.parametrize(
    ("format_name", "rate", "is_wav"),
    [
        ("pcm16", 16_000, False),
        ("pcm", 16_000, False),
        ("pcm24", 24_000, False),
        ("wav", 16_000, True),
        ("wav48", 48_000, True),
        ("mp3", 16_000, False),
        ("pcm99", 16_000, False),
        (7, 16_000, False),
    ],
)
def test_the_server_gets_the_sound_it_wants(format_name: object, rate: int, is_wav: bool) -> None:
    call = Call().ready(input_audio_format=format_name)
    assert (call.dialect.input_rate, call.dialect.output_rate) == (rate, 24_000)
    messages = call.does(BeginTurn(), SECOND)
    sound = base64.b64decode(next(m["audio"] for m in messages if "audio" in m))
    assert sound.startswith(b"RIFF") is is_wav
    assert len(sound) == rate // 10 * 2 + (44 if is_wav else 0)


def test_a_reply_is_cancelled_once_without_naming_it() -> None:
    call = Call().ready()
    call.asks()
    call.begins()
    call.speaks()
    [cancel] = call.does(Interrupt((Heard("item_A", 100, 800),)))
    assert cancel.keys() == {"type", "event_id", "client_timestamp"}
    assert call.does(Interrupt((Heard("item_A", 100, 800),))) == []
    assert call.speaks() == []


def test_the_next_reply_waits_for_the_end_of_the_cancelled_one() -> None:
    call = Call().ready()
    call.asks()
    call.begins()
    call.does(Interrupt())
    assert "response.create" not in kinds(call.asks())
    call.ends(status="cancelled")
    assert kinds(call.sent()) == ["response.create"]


def test_the_vad_is_helped_with_a_cancellation() -> None:
    call = Call(hands_free=True).ready(turn_detection={"type": "server_vad"})
    call.begins()
    call.speaks()
    call.says("input_audio_buffer.speech_started", item_id="item_U")
    assert kinds(call.does(Interrupt(by_server=True))) == ["response.cancel"]


# -- the end of a turn that the server misses ---------------------------------------------------


def stuck(**chosen: object) -> Call:
    """Hands-free: the user spoke, and was quiet for three seconds."""
    call = Call(hands_free=True, **chosen).ready(turn_detection={"type": "server_vad"})
    assert only(SpeechStarted, call.says("input_audio_buffer.speech_started", item_id="item_U"))
    for chunk in [LOUD] * 10 + [QUIET] * 29:
        call.does(chunk)
        call.passes(0.1)
    assert len(call.updates) == 1
    call.sent()
    return call


def test_a_missed_end_is_made_good() -> None:
    call = stuck(tools=(TOOL,))
    call.does(QUIET, QUIET)
    events = call.passes(0.3)
    assert [notice.code for notice in only(Notice, events)] == ["turn_end_missed"]
    messages = call.sent()
    assert kinds(messages) == [
        "session.update",
        "input_audio_buffer.commit",
        "response.create",
    ]
    assert call.updates[-1]["turn_detection"] == {"type": "client_vad"}


def test_afterwards_the_server_listens_again_without_tools() -> None:
    call = stuck(tools=(TOOL,))
    call.passes(0.3)
    call.sent()
    call.says("session.updated", session={"turn_detection": {"type": "client_vad"}})
    assert call.does(LOUD) == []
    call.begins()
    call.speaks()
    assert call.passes(0.3) == []
    call.ends()
    call.passes(0.3)
    assert kinds(call.sent()) == ["session.update"]
    assert call.updates[-1]["turn_detection"]["type"] == "server_vad"
    assert call.updates[-1]["tools"] == []
    assert kinds(call.does(LOUD)) == ["input_audio_buffer.append"]


def test_the_key_brings_the_tools_back() -> None:
    call = stuck(tools=(TOOL,))
    call.passes(0.3)
    call.does(SetHandsFree(False))
    assert len(call.updates[-1]["tools"]) == 1


def test_an_end_that_is_heard_needs_no_help() -> None:
    call = stuck()
    call.says("input_audio_buffer.speech_stopped", item_id="item_U")
    assert call.passes(5.0) == []
    assert call.sent() == []


def test_a_user_who_goes_on_speaking_is_let_speak() -> None:
    call = stuck()
    call.does(LOUD)
    assert call.passes(0.3) == []
    assert call.sent() == []


def test_a_longer_silence_that_was_asked_for_is_waited_out() -> None:
    call = stuck(vad=Vad(silence_ms=4000))
    assert call.passes(2.0) == []
    assert only(Notice, call.passes(1.0))


# -- time ---------------------------------------------------------------------------------------


def test_stamps_are_unix_milliseconds_once_the_clock_is_set() -> None:
    call = Call()
    call.dialect.unix_at_zero = 1_790_000_000.0
    call.says("session.created", session={})
    [update] = call.sent()
    assert update["client_timestamp"] == 1_790_000_100_001


def test_a_line_without_heartbeats_is_told_once_to_be_dead() -> None:
    call = Call().ready()
    assert call.passes(74.0) == []
    assert [type(event) for event in call.passes(1.1)] == [SessionExpired]
    assert call.passes(1.0) == []
    error = call.dialect.closed(1000, "")
    assert isinstance(error, LinkError) and error.retry_after_s == 0.0


def test_a_server_without_heartbeats_may_be_silent() -> None:
    call = Call()
    call.says("session.created", session={})
    call.says("session.updated", session={})
    assert call.passes(600.0) == []


def test_no_message_is_larger_than_the_server_takes() -> None:
    call = Call().ready()
    call.dialect.send(SendText("😀" * 59_000, "msg_1"), call.now)
    assert all(len(str(m.text).encode()) < LARGEST_MESSAGE for m in call.dialect.data_to_send())
    assert call.does(SendText("x" * 60_001, "msg_2")) == []
    assert [event.code for event in only(ProviderFailed, call.passes(0.1))] == ["text_too_long"]


def test_messages_are_compact_json() -> None:
    call = Call().ready()
    call.dialect.send(SendText("你好", "msg_1"), call.now)
    item, _ = call.dialect.data_to_send()
    written = str(item.text)
    assert "你好" in written
    assert json.dumps(json.loads(written), ensure_ascii=False, separators=(",", ":")) == written


# -- what servers rarely say ----------------------------------------------------------------------


def test_a_press_before_the_session_is_ready_takes_back_what_was_asked_before_it() -> None:
    call = Call()
    assert call.does(SendText("Hello", "msg_1"), BeginTurn(), SECOND, EndTurn()) == []
    call.says("session.created", session={"id": "sess_1"})
    call.says("session.updated", session={"id": "sess_1"})
    sent = kinds(call.sent())
    assert sent.count("response.create") == 1
    assert sent[-2:] == ["input_audio_buffer.commit", "response.create"]


def test_a_server_that_finds_the_turns_all_the_same_hears_that_the_key_is_up() -> None:
    call = Call().ready(turn_detection={"type": "server_vad"})
    call.does(BeginTurn(), SECOND)
    sent = kinds(call.does(EndTurn()))
    assert len(sent) >= 10 and set(sent) == {"input_audio_buffer.append"}


def test_settings_that_it_tells_before_we_asked_are_no_answer_to_ours() -> None:
    call = Call()
    assert only(SessionReady, call.says("session.updated", session={"id": "sess_0"})) == []
    assert kinds(call.sent()) == ["session.update"]
    [ready] = only(SessionReady, call.says("session.updated", session={"model": "glm-realtime"}))
    assert (ready.session_id, ready.model) == ("sess_0", "glm-realtime")


def test_a_session_that_is_too_old_is_over() -> None:
    call = Call().ready()
    [over] = only(SessionExpired, call.fails("session_expired", "too old"))
    assert over.message


def test_a_server_that_is_busy_answering_is_asked_again_afterwards() -> None:
    call = Call().ready()
    call.types()
    assert only(ProviderFailed, call.fails("conversation_already_has_active_response")) == []
    call.begins("resp_9")
    call.ends("resp_9")
    assert kinds(call.sent()) == ["response.create"]


def test_what_is_no_message_is_only_noise() -> None:
    call = Call().ready()
    assert len(only(Unknown, call.raw("{"))) == 1 and call.sent() == []
