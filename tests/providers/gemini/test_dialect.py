"""The Gemini dialect's small rules: addresses, setups, models, turns of the key, words, closes."""

import json
from typing import Any

import pytest

from tests.fakes.gemini_check import Refused, check
from tests.fakes.gemini_setup_check import read as read_setup
from tests.providers.gemini.call import CLOCK, KEY, only, settings
from voicechat.errors import RefusedError, ServiceError, SessionForgottenError
from voicechat.events import (
    BeginTurn,
    EndTurn,
    Event,
    InputFailed,
    InputTranscript,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    Resumable,
    SendAudio,
    SendImage,
    SendText,
    SessionEnding,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    Tool,
    TurnCommitted,
    Unknown,
    Usage,
)
from voicechat.providers.base import Settings, Vad
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.gemini.errors import blame
from voicechat.providers.gemini.model_traits import VOICES, traits, voice_name
from voicechat.providers.gemini.server_content import rate_of, seconds
from voicechat.providers.gemini.setup import ALWAYS_ANSWER, PATH, schema
from voicechat.providers.gemini.usage import add
from voicechat.providers.gemini.usage import read as read_usage

JsonObject = dict[str, Any]


class Call:
    """A session that is open and ready; `now` moves by a millisecond a message."""

    def __init__(self, **chosen: Any) -> None:
        self.now = 0.0
        self.dialect = GeminiDialect(settings(**chosen))
        self.dialect.open(self.now)
        self.setup = self.sent()[0]["setup"]
        self.says({"setupComplete": {}})

    def says(self, message: JsonObject, after_s: float = 0.001) -> list[Event]:
        self.now += after_s
        return self.dialect.receive(json.dumps(message, indent=1).encode(), self.now)

    def content(self, after_s: float = 0.001, **fields: Any) -> list[Event]:
        return self.says({"serverContent": fields}, after_s)

    def hears(self, words: str, after_s: float = 0.001) -> list[Event]:
        return self.content(after_s, inputTranscription={"text": words})

    def speaks(self, words: str = "Yes.") -> list[Event]:
        part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAAAAAA"}}
        return self.content(modelTurn={"parts": [part]}, outputTranscription={"text": words})

    def ends(self, **fields: Any) -> list[Event]:
        return self.content(turnComplete=True, **fields)

    def does(self, *commands: Any, after_s: float = 0.001) -> list[JsonObject]:
        for command in commands:
            self.now += after_s
            self.dialect.send(command, self.now)
        return self.sent()

    def passes(self, by_s: float) -> list[Event]:
        self.now += by_s
        return self.dialect.tick(self.now)

    def sent(self) -> list[JsonObject]:
        messages = [json.loads(message.text) for message in self.dialect.data_to_send()]
        for message in messages:
            check(message)
        return messages

    def turn(self) -> list[JsonObject]:
        return self.does(BeginTurn(), SendAudio(bytes(16_000)), EndTurn())


def fields(messages: list[JsonObject]) -> list[str]:
    """The fields of streamed input; other messages by their name."""
    return [next(iter(m.get("realtimeInput", m))) for m in messages]


# -- address and key ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", f"wss://generativelanguage.googleapis.com{PATH}"),
        ("ws://127.0.0.1:8080", f"ws://127.0.0.1:8080{PATH}"),
        ("ws://127.0.0.1:8080/", f"ws://127.0.0.1:8080{PATH}"),
        ("wss://gw.example/live?x=1", "wss://gw.example/live?x=1"),
        ("wss://gw.example/{model}/live", "wss://gw.example/gemini-3.8-live/live"),
        (
            "wss://a.example" + PATH.replace("v1beta", "v1alpha"),
            "wss://a.example" + PATH.replace("v1beta", "v1alpha"),
        ),
    ],
)
def test_the_address_has_the_usual_path_unless_one_is_given(url: str, address: str) -> None:
    assert GeminiDialect(settings(url=url)).url() == address


@pytest.mark.fault("S04")
def test_the_key_is_in_a_header_and_nowhere_else() -> None:
    dialect = GeminiDialect(settings())
    dialect.open(0.0)
    assert dialect.headers() == {"x-goog-api-key": KEY}
    assert KEY not in dialect.url() + repr(dialect.data_to_send()) + repr(dialect.settings)
    assert GeminiDialect(Settings("x")).headers() == {}


def test_a_short_lived_token_is_sent_as_one() -> None:
    token = "auth_tokens/0123456789abcdef"
    assert GeminiDialect(settings(api_key=token)).headers() == {"Authorization": f"Token {token}"}


# -- the setup ------------------------------------------------------------------------------------


def test_the_setup_holds_what_was_asked_for_and_no_more() -> None:
    assert Call().setup == {
        "model": "models/gemini-3.8-live",
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "sessionResumption": {},
        "contextWindowCompression": {"slidingWindow": {}},
        "systemInstruction": {"parts": [{"text": ALWAYS_ANSWER}]},
    }


def test_the_setup_says_everything_that_can_be_chosen() -> None:
    setup = Call(
        voice="zephyr",
        instructions="Be brief.",
        hands_free=True,
        language="de",
        resume="handle-1",
        tools=(CLOCK,),
        vad=Vad(threshold=0.8, prefix_padding_ms=200, silence_ms=900, interrupt=False),
    ).setup
    speech = setup["generationConfig"]["speechConfig"]
    assert speech == {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Zephyr"}}}
    assert setup["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert setup["inputAudioTranscription"] == {"languageCodes": ["de"]}
    assert setup["sessionResumption"] == {"handle": "handle-1"}
    assert setup["tools"][0]["functionDeclarations"][0] == {
        "name": "get_time",
        "description": "The time of day.",
    }
    assert setup["realtimeInputConfig"] == {
        "automaticActivityDetection": {
            "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
            "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
            "prefixPaddingMs": 200,
            "silenceDurationMs": 900,
        },
        "activityHandling": "NO_INTERRUPTION",
    }


def test_transcription_can_be_switched_off() -> None:
    call = Call(transcription_model="none")
    assert "inputAudioTranscription" not in call.setup
    call.turn()
    assert only(TurnCommitted, call.passes(0.1))[0].transcribed is False


@pytest.mark.parametrize(
    "model",
    [
        "gemini-3.8-live",
        "gemini-3.8-live-extended-thinking",
        "gemini-3.1-flash-live-preview",
        "gemini-2.5-flash-native-audio-preview-12-2025",
    ],
)
def test_every_model_gets_a_setup_that_it_takes(model: str) -> None:
    for hands_free in (True, False):
        taken = read_setup(Call(model=model, hands_free=hands_free).setup, print)
        assert taken.by_hand is not hands_free


def test_models_differ() -> None:
    newest, thinker = traits("gemini-3.8-live"), traits("gemini-3.8-live-extended-thinking")
    older, oldest = traits("gemini-3.1-flash-live-preview"), traits("models/gemini-2.5-flash-live")
    assert newest.schedules_tools and not thinker.schedules_tools and not older.schedules_tools
    assert thinker.thinks_long and not newest.thinks_long
    assert oldest.sends_words_in_pieces and not older.sends_words_in_pieces
    assert not oldest.takes_text_as_activity and not older.may_stay_silent
    assert traits("gemini-live-of-tomorrow") == newest


def test_a_whole_model_path_stays_as_it_is() -> None:
    path = "projects/p/locations/l/publishers/google/models/gemini-3.8-live"
    assert Call(model=path).setup["model"] == path


def test_voices_are_found_in_any_case_and_new_ones_pass() -> None:
    assert len(VOICES) == len(set(VOICES)) == 30
    assert (voice_name("PUCK"), voice_name("en-us-tavi")) == ("Puck", "en-us-tavi")


def test_a_json_schema_becomes_the_subset_that_is_known() -> None:
    source = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["city", "lost"],
        "properties": {
            "city": {"type": "string", "description": "Where", "pattern": "x"},
            "day": {"type": ["integer", "null"], "minimum": 0},
            "unit": {"enum": ["C", "F"]},
            "kind": {"const": "now"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "either": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        },
    }
    assert schema(source) == {
        "type": "OBJECT",
        "required": ["city"],
        "properties": {
            "city": {"type": "STRING", "description": "Where"},
            "day": {"type": "INTEGER", "nullable": True, "minimum": 0},
            "unit": {"type": "STRING", "enum": ["C", "F"]},
            "kind": {"type": "STRING", "enum": ["now"]},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}},
            "either": {"anyOf": [{"type": "NUMBER"}, {"type": "STRING"}]},
        },
    }
    Call(tools=(Tool("f", "d", source),))  # The official types know all of it.


# -- turns of the key -----------------------------------------------------------------------------


def test_the_key_brackets_what_is_said() -> None:
    call = Call()
    sent = call.turn()
    assert fields(sent) == ["activityStart", *["audio"] * 5, "activityEnd"]
    assert all(len(m["realtimeInput"].get("audio", {}).get("data", "")) <= 4268 for m in sent)


def test_a_touch_of_the_key_sends_nothing() -> None:
    call = Call()
    assert call.does(BeginTurn(), SendAudio(bytes(9600)), SendAudio(bytes(3200)), EndTurn()) == []
    assert [event.code for event in only(Notice, call.passes(0.1))] == ["turn_too_short"]
    assert call.does(EndTurn()) == []


def test_a_slow_press_begins_once_it_is_long_enough() -> None:
    call = Call()
    assert call.does(BeginTurn(), SendAudio(bytes(9600))) == []
    assert call.does(SendAudio(bytes(640)), after_s=0.1) == []
    assert fields(call.does(SendAudio(bytes(640)), after_s=0.2))[0] == "activityStart"


def test_sound_outside_a_turn_goes_nowhere() -> None:
    call = Call()
    assert call.does(SendAudio(bytes(16_000))) == []
    call.turn()
    assert call.does(SendAudio(bytes(16_000))) == []


def test_a_press_that_is_given_up_is_ended_and_not_heard() -> None:
    call = Call()
    call.does(BeginTurn(), SendAudio(bytes(16_000)))
    assert fields(call.does(BeginTurn())) == ["activityEnd"]
    assert [*call.hears("Never mind"), *call.speaks(), *call.ends(), *call.passes(0.1)] == []
    call.turn()
    heard = call.hears("Now")
    assert [event.text for event in only(InputTranscript, heard)] == ["Now"]
    assert only(ReplyStarted, call.speaks())


def test_late_words_of_a_turn_are_not_those_of_the_next() -> None:
    call = Call()
    call.turn()
    call.speaks()
    call.ends()
    call.does(BeginTurn(), SendAudio(bytes(16_000)))
    first = only(InputTranscript, call.hears("The first"))[0]
    call.does(EndTurn())
    second = only(InputTranscript, call.hears("The second"))[0]
    assert (first.text, second.text) == ("The first", "The second")
    assert first.item_id != second.item_id


def test_a_turn_without_words_is_given_up_when_the_next_one_comes() -> None:
    call = Call()
    call.turn()
    call.speaks()
    call.ends()
    call.turn()
    events = call.passes(0.1)
    assert [type(event) for event in events] == [InputFailed, TurnCommitted]


def test_the_same_words_twice_are_told_once() -> None:
    call = Call()
    call.turn()
    assert len(only(InputTranscript, [*call.hears("Hello"), *call.hears("Hello ")])) == 1


def test_hands_free_words_after_an_answer_are_a_turn_of_their_own() -> None:
    call = Call(hands_free=True)
    call.hears("One")
    call.speaks()
    call.ends()
    events = call.hears("Two")
    assert [type(event) for event in events] == [TurnCommitted, InputTranscript]


def test_typed_words_join_a_turn_that_is_being_spoken() -> None:
    call = Call()
    call.does(BeginTurn(), SendAudio(bytes(16_000)))
    assert fields(call.does(SendText("and this", "msg_1"))) == ["text"]


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        ({}, "clientContent"),
        ({"hands_free": True}, "text"),
        ({"hands_free": True, "vad": Vad(interrupt=False)}, "clientContent"),
        ({"hands_free": True, "model": "gemini-2.5-flash-native-audio-latest"}, "clientContent"),
    ],
)
def test_a_typed_line_is_a_turn_or_an_activity(chosen: JsonObject, kind: str) -> None:
    assert fields(Call(**chosen).does(SendText("Hello", "msg_1"))) == [kind]


def test_a_picture_waits_for_its_turn() -> None:
    call = Call()
    assert call.does(SendImage(b"x", "image/png", "msg_1")) == []
    assert fields(call.turn())[:2] == ["activityStart", "video"]


def test_muted_hands_free_speech_gets_its_tail_once() -> None:
    call = Call(hands_free=True, vad=Vad(silence_ms=1500))
    call.does(SendAudio(bytes(640)))
    call.passes(1.1)
    sent = call.sent()
    assert fields(sent) == [*["audio"] * 20, "audioStreamEnd"]  # Two seconds.
    call.passes(5.0)
    assert call.sent() == []


def test_hands_free_a_turn_that_we_end_gets_its_tail_once() -> None:
    call = Call(hands_free=True)
    assert call.does(EndTurn()) == []
    call.does(SendAudio(bytes(640)))
    assert fields(call.does(EndTurn()))[-1] == "audioStreamEnd"
    assert call.does(EndTurn()) == []


# -- a new session for other turns ----------------------------------------------------------------


def test_other_turns_need_a_new_session_and_say_so_once() -> None:
    call = Call()
    call.does(SetHandsFree(True), SetHandsFree(True))
    assert [type(event) for event in call.passes(0.1)] == [Notice, SessionEnding]
    assert call.dialect.settings.hands_free
    call.dialect.open(10.0)
    setup = call.sent()[0]["setup"]
    assert "disabled" not in setup["realtimeInputConfig"]["automaticActivityDetection"]


def test_turns_chosen_before_the_session_are_simply_set() -> None:
    dialect = GeminiDialect(settings())
    dialect.send(SetHandsFree(True), 0.0)
    dialect.open(0.0)
    assert "silenceDurationMs" in str(dialect.data_to_send()[0].text)
    assert dialect.tick(0.1) == []


def test_ids_of_two_sessions_differ() -> None:
    ids = set()
    for opened_at in (1.0, 1.5):
        dialect = GeminiDialect(settings())
        dialect.open(opened_at)
        content = {"outputTranscription": {"text": "Hello"}}
        events = dialect.receive(json.dumps({"serverContent": content}), opened_at)
        ids |= {event.item_id for event in only(ReplyText, events)}
    assert len(ids) == 2


# -- replies --------------------------------------------------------------------------------------


@pytest.mark.fault("P29")
def test_one_message_may_hold_everything() -> None:
    call = Call()
    call.does(SendText("Hello", "msg_1"))
    part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}
    events = call.says(
        {
            "serverContent": {
                "modelTurn": {"parts": [{"text": "hm", "thought": True}, part, part]},
                "outputTranscription": {"text": " Yes."},
                "generationComplete": True,
                "turnComplete": True,
            },
            "usageMetadata": {"promptTokenCount": 7},
            "sessionResumptionUpdate": {"newHandle": "h", "resumable": True},
            "goAway": {"timeLeft": "50s"},
        }
    )
    assert [type(event) for event in events] == [
        Resumable, ReplyStarted, ReplyAudio, ReplyAudio, ReplyText, ReplyText, ReplyFinished,
        SessionEnding,
    ]  # fmt: skip
    assert only(ReplyAudio, events)[1].pcm == bytes(4)  # One byte had waited for its other half.
    assert only(ReplyText, events)[-1] == ReplyText(
        "reply_0_1", "item_0_1", "Yes.", final=True, spoken=True
    )
    assert only(ReplyFinished, events)[0].usage == Usage(input_tokens=7)


def test_words_and_sound_beside_interrupted_are_not_lost() -> None:
    call = Call(hands_free=True)
    call.hears("Hi")
    call.speaks("Once")
    part = {"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}}
    events = call.content(
        modelTurn={"parts": [part]}, outputTranscription={"text": " more"}, interrupted=True
    )
    assert [type(event) for event in events] == [ReplyAudio, ReplyText, SpeechStarted]


def test_sound_of_no_length_begins_no_reply() -> None:
    call = Call()
    call.does(SendText("Hi", "msg_1"))
    part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": ""}}
    assert call.content(modelTurn={"parts": [part]}) == []
    assert only(ReplyStarted, call.speaks())


@pytest.mark.fault("N29")
def test_an_unresumable_moment_keeps_the_last_handle() -> None:
    call = Call()
    assert call.says({"sessionResumptionUpdate": {"newHandle": "", "resumable": False}}) == []
    assert call.says({"sessionResumptionUpdate": {"newHandle": "x"}}) == []


def test_a_stopped_answer_is_told_as_ended_and_stays_silent() -> None:
    call = Call()
    call.does(SendText("Talk", "msg_1"))
    call.speaks()
    call.does(Interrupt())
    assert call.speaks() == []
    (ended,) = call.passes(5.1)
    assert isinstance(ended, ReplyFinished) and ended.status == "cancelled"
    assert [*call.speaks(), *call.ends()] == []
    call.does(SendText("Again", "msg_2"))
    assert only(ReplyAudio, call.speaks())


def test_a_late_interruption_stops_what_is_still_playing() -> None:
    call = Call(hands_free=True)
    call.hears("Hi")
    call.speaks()
    call.ends()
    assert only(SpeechStarted, call.content(interrupted=True))


def test_by_hand_an_interruption_is_always_ours() -> None:
    call = Call()
    call.does(SendText("Hi", "msg_1"))
    assert call.content(interrupted=True) == []
    assert call.ends() == []
    assert only(ReplyAudio, call.speaks())
    assert only(SpeechStarted, call.content(interrupted=True)) == []


def test_nothing_is_said_of_setup_that_is_not_answered_but_once() -> None:
    dialect = GeminiDialect(settings())
    dialect.open(0.0)
    assert dialect.tick(9.0) == []
    assert only(ProviderFailed, dialect.tick(10.5))[0].code == "no_answer"
    assert dialect.tick(11.0) == []


def test_an_unknown_message_is_unknown_and_an_empty_one_too() -> None:
    call = Call()
    assert call.says({"somethingNew": {}}) == [Unknown("somethingNew")]
    assert call.says({}) == [Unknown("empty object")]
    assert call.says({"serverContent": {"somethingNew": 1}}) == []


def test_a_second_setup_complete_means_nothing() -> None:
    assert only(SessionReady, Call().says({"setupComplete": {"sessionId": "x"}})) == []


def test_while_the_key_is_down_no_turn_begins_by_itself() -> None:
    call = Call()
    call.does(BeginTurn(), SendAudio(bytes(16_000)))
    assert call.speaks() == []


def test_ends_of_nothing_are_nothing() -> None:
    call = Call()
    assert call.content(generationComplete=True) == []
    failed = call.says({"error": {"code": 500, "message": "Internal"}})
    assert [type(event) for event in failed] == [ProviderFailed]
    call.does(SendText("Hi", "msg_1"))
    assert only(ReplyStarted, call.speaks())


def test_tokens_that_are_told_before_the_end_are_counted() -> None:
    call = Call()
    call.says({"usageMetadata": {"promptTokenCount": 5}})
    call.does(SendText("Hi", "msg_1"))
    call.speaks()
    assert call.says({"usageMetadata": {"promptTokenCount": 7}}) == []
    [ended] = only(ReplyFinished, call.ends())
    assert ended.usage == Usage(input_tokens=7)


def test_a_stopped_answer_that_died_takes_no_later_one_away() -> None:
    call = Call()
    call.does(SendText("Talk", "msg_1"))
    call.speaks()
    call.does(Interrupt())
    assert only(ReplyFinished, call.passes(5.1))
    assert call.passes(26.0) == []
    assert only(ReplyStarted, call.speaks())


def test_an_interrupted_answer_ends_with_the_next_or_by_itself() -> None:
    call = Call(hands_free=True)
    call.hears("One")
    [first] = only(ReplyStarted, call.speaks())
    call.content(interrupted=True)
    ended, *_ = events = call.speaks("Two")
    assert isinstance(ended, ReplyFinished)
    assert (ended.reply_id, ended.code) == (first.reply_id, "turn_detected")
    [second] = only(ReplyStarted, events)
    call.content(interrupted=True)
    [ended] = only(ReplyFinished, call.passes(2.1))
    assert (ended.reply_id, ended.status) == (second.reply_id, "cancelled")


def test_one_answer_to_questions_in_quick_succession_answers_the_last() -> None:
    call = Call()
    for at in range(3):
        call.does(SendText(f"Question {at}", f"msg_{at}"))
    assert call.speaks("All of it.") == []
    assert call.content(generationComplete=True) == []
    events = call.ends()
    assert [event.text for event in only(ReplyText, events) if event.final] == ["All of it."]
    assert [event.status for event in only(ReplyFinished, events)] == ["completed"]
    call.does(SendText("Next", "msg_4"))
    assert only(ReplyStarted, call.speaks())


def test_a_guess_of_the_words_is_replaced_and_never_replaces() -> None:
    call = Call(hands_free=True)
    assert call.content(interimInputTranscription={"text": " "}) == []
    guess = only(InputTranscript, call.content(interimInputTranscription={"text": "Won"}))
    assert [(event.text, event.cumulative) for event in guess] == [("Won", True)]
    call.hears("One")
    assert call.content(interimInputTranscription={"text": "Wan"}) == []


def test_half_a_sample_and_blank_words_are_not_told() -> None:
    call = Call()
    call.does(SendText("Hi", "msg_1"))
    part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AA=="}}
    blank = call.content(modelTurn={"parts": [part]}, outputTranscription={"text": " "})
    assert [type(event) for event in blank] == [ReplyStarted]
    assert [event.pcm for event in only(ReplyAudio, call.content(modelTurn={"parts": [part]}))] == [
        bytes(2)
    ]


# -- small readers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mime", "rate"),
    [
        ("audio/pcm;rate=24000", 24_000),
        ("audio/pcm; rate=16000", 16_000),
        ("audio/l16;codec=pcm;rate=48000", 48_000),
        ("audio/pcm", 24_000),
        ("audio/pcm;rate=999999", 24_000),
        ("audio/pcm;rate=11", 24_000),
        ("audio/pcm;bitrate=16000", 24_000),
    ],
)
def test_the_rate_is_read_from_the_mime_type(mime: str, rate: int) -> None:
    assert rate_of(mime) == rate


@pytest.mark.parametrize(("text", "found"), [("50s", 50), ("9.5s", 9.5), ("1m", 0), (9, 0)])
def test_durations_are_seconds(text: object, found: float) -> None:
    assert seconds({"timeLeft": text}, "timeLeft") == found


def test_tokens_are_counted_by_kind() -> None:
    usage = read_usage(
        {
            "promptTokenCount": "1200",
            "candidatesTokenCount": 30,
            "thoughtsTokenCount": 5,
            "toolUsePromptTokenCount": 7,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 900},
                {"modality": "VIDEO", "tokenCount": 258},
                {"modality": "AUDIO", "tokenCount": "42"},
                {"modality": "SMELL", "tokenCount": 3},
                {"modality": "TEXT"},
            ],
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
        }
    )
    assert usage == Usage(
        input_tokens=1207,
        output_tokens=35,
        input_text=900,
        input_audio=42,
        input_image=258,
        output_text=5,
        output_audio=30,
    )
    assert read_usage({}) is None
    assert add(usage, None) == usage
    assert add(usage, usage) == Usage(2414, 70, 1800, 84, 516, output_text=10, output_audio=60)


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        ("API key not valid. Please pass a valid API key.", "key"),
        ("Your API key was reported as leaked.", "key"),
        ("User location is not supported for the API use.", "region"),
        ("RESOURCE_EXHAUSTED", "quota"),
        ("models/x is not found for API version v1beta", "model"),
        ("BidiGenerateContent session not found", "handle"),
        ("The operation was aborted.", "age"),
        ("The input token count exceeds the maximum", "context"),
        ("Operation is not implemented, or supported, or enabled.", "trouble"),
        ("Request contains an invalid argument.", None),
    ],
)
def test_the_words_of_a_close_tell_whose_fault_it_is(reason: str, found: str | None) -> None:
    assert blame(reason) == found


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("API key not valid. Please pass a valid API key.", "GEMINI_API_KEY"),
        ("User location is not supported for the API use.", "proxy"),
        ("RESOURCE_EXHAUSTED", "limits"),
        ("models/x is not found for API version v1beta", "another model"),
        ("The input token count exceeds the maximum", "new conversation"),
    ],
)
def test_a_close_says_what_to_do(reason: str, hint: str) -> None:
    error = Call().dialect.closed(1007, reason)
    assert isinstance(error, RefusedError) and hint in error.hint


def test_an_invalid_argument_in_the_middle_of_a_call_is_tried_once_more_without_the_past() -> None:
    reason = "Request contains an invalid argument."
    call = Call()
    at_once = call.dialect.closed(1007, reason)
    call.does(SendText("Hi", "msg_1"))
    call.speaks()
    later = call.dialect.closed(1007, reason)
    assert isinstance(at_once, RefusedError) and at_once.hint == ""
    assert isinstance(later, SessionForgottenError) and later.tries == 1


def test_a_close_that_was_announced_is_no_fault() -> None:
    call = Call()
    assert call.dialect.closed(1000, "") is None
    call.says({"goAway": {"timeLeft": "1s"}})
    for code, reason in ((1000, ""), (1008, "The operation was aborted."), (1011, "Internal")):
        error = call.dialect.closed(code, reason)
        assert isinstance(error, ServiceError) and error.retry_after_s == 0.0


def test_a_key_in_a_reason_is_masked() -> None:
    error = Call().dialect.closed(1007, f"API key not valid: {KEY}")
    assert error is not None and KEY not in str(error)


# -- the check itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"setup": {}, "clientContent": {}},
        {"ping": {}},
        {"realtimeInput": {"text": "x", "activityEnd": {}}},
        {"realtimeInput": {"audio": {"mime_type": "audio/pcm", "data": ""}}},
        {"realtimeInput": {"audio": {"mimeType": "audio/pcm", "data": "not base64!"}}},
        {"clientContent": {"turns": [{"role": "user", "parts": [{"txt": "x"}]}]}},
        {"setup": {"model": "m", "realtimeInputConfig": {"vad": {}}}},
        {"setup": {"model": "m", "tools": [{"functionDeclarations": [{"nam": "f"}]}]}},
        {"setup": {"model": "m", "systemInstruction": {"part": []}}},
        {"toolResponse": {"functionResponses": [{"output": 1}]}},
    ],
)
def test_what_the_official_types_do_not_know_is_found(message: JsonObject) -> None:
    with pytest.raises(Refused):
        check(message)
