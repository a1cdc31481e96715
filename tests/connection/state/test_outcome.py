"""Everything that ends a line, row by row: what is done about it, how often, and in whose words."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.connection.state.outcome import MOST_DOUBTED, Disconnect, classify_close
from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyError,
    ProxyRefusedError,
    RefusedError,
    ServiceError,
    SessionForgottenError,
    SessionOverError,
    TlsError,
    TooBigError,
    UnansweredError,
    UpgradeRefusedError,
    VoiceChatError,
)
from voicechat.events import (
    Event,
    InputFailed,
    Notice,
    ProviderFailed,
    ReplyFinished,
    SendText,
    SessionEnding,
    SessionExpired,
    Unknown,
)
from voicechat.net.close_codes import LinkClosed
from voicechat.net.http_refusals import proxy_answer, service_answer
from voicechat.net.proxy import Route, read_proxy
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Dialect, Settings
from voicechat.text.clean import clean_line

KEY = "sk-canary-0123456789abcdef"
PING = "keepalive ping timeout"
AGE = "Your session hit the maximum duration of 60 minutes."
MODELS = {"gemini": "gemini-3.8-live", "openai": "gpt-realtime-2.1"}


def dialect(name: str = "openai", **settings: Any) -> Dialect:
    made = dialect_class(name)(Settings(MODELS.get(name, "model"), KEY, **settings))
    made.open(0.0)
    return made


def end(
    code: int | None, reason: str = "", *, by_us: bool = False, of: Dialect | None = None
) -> Disconnect:
    return classify_close(LinkClosed(code, reason, by_us=by_us), of or dialect(), is_ready=True)


def facts(ending: Disconnect) -> tuple[str, int | None, float | None]:
    return ending.act, ending.tries, ending.at_least_s


def says(made: Dialect, message: str) -> list[Event]:
    return made.receive(message, 1.0)


# -- close codes --------------------------------------------------------------------------------

CLOSES = [
    (1000, "", "retry", 1, None),
    (1005, "", "retry", 1, None),
    (1001, AGE, "renew", None, 0.0),
    (1001, "session_expired", "renew", None, 0.0),
    (1000, "invalid_request_error.session_expired", "renew", None, 0.0),
    (1001, "", "retry", None, None),
    (1001, "going away", "retry", None, None),
    (1006, "", "retry", None, None),
    (None, "", "retry", None, None),
    (1012, "", "retry", None, None),
    (1013, "", "retry", None, 10.0),
    (1014, "", "retry", None, None),
    (1002, "bad frame", "retry", 1, None),
    (1003, "no binary", "retry", 1, None),
    (1007, "bad utf-8", "retry", 1, None),
    (1010, "", "retry", 1, None),
    (1008, "Invalid API key", "fatal", 0, None),
    (1008, "against our policy", "fatal", 0, None),
    (1008, "no such model", "fatal", 0, None),
    (1008, "not served in your region", "fatal", 0, None),
    (1008, "User location is not supported", "fatal", 0, None),
    (1008, "all slots in use", "retry", 2, None),
    (1009, "", "retry", None, None),
    (1009, "too big", "retry", None, None),
    (1011, PING, "retry", None, 0.0),
    (1011, "", "retry", 5, None),
    (1011, "internal error", "retry", 5, None),
    (1011, "You exceeded your current quota", "fatal", 0, None),
    (1011, "billing is not active", "fatal", 0, None),
    (3000, "", "fatal", 0, None),
    (3000, "invalid_request_error.invalid_api_key", "fatal", 0, None),
    (3003, "", "fatal", 0, None),
    (4000, "", "fatal", 0, None),
    (4000, "invalid_request_error.invalid_model", "fatal", 0, None),
    (4499, "something new", "fatal", 0, None),
    (4999, "", "fatal", 0, None),
    (2999, "", "retry", 1, None),
]
"""What holds for every provider but for what stands in `OWN`."""

OWN = {
    ("gemini", 1007): ("fatal", 0, None),  # Of a new session: our setup is wrong.
    ("glm", 1003): ("fatal", 0, None),  # So it refuses a session.
}


@pytest.mark.fault("N27")
@pytest.mark.parametrize(("code", "reason", "act", "tries", "at_least_s"), CLOSES)
@pytest.mark.parametrize("name", names())
def test_a_close_means(
    name: str, code: int | None, reason: str, act: str, tries: int | None, at_least_s: float | None
) -> None:
    ending = end(code, reason, of=dialect(name))
    assert facts(ending) == OWN.get((name, code or 0), (act, tries, at_least_s))
    assert not isinstance(ending.error, LinkClosed), "told as what it is"
    assert ending.error.other_way <= (ending.act == "retry"), "a refusal is not worked around"
    if reason and ending.act != "renew" and reason != PING:
        assert reason in str(ending.error), "the reason is the only diagnosis there is"


@pytest.mark.fault("N27")
@pytest.mark.parametrize(
    ("code", "reason", "act", "tries", "at_least_s", "words"),
    [
        (1000, "", "ended", None, None, "ended here"),
        (1001, "", "ended", None, None, "ended here"),
        (1011, PING, "retry", None, 0.0, "line was lost"),
        (1002, "", "retry", 1, None, "no WebSocket message"),
        (1007, "invalid start byte", "retry", 1, None, "invalid start byte"),
        (1009, "frame exceeds limit", "retry", 1, None, "too big"),
    ],
)
@pytest.mark.parametrize("name", names())
def test_a_close_of_ours_means(
    name: str,
    code: int,
    reason: str,
    act: str,
    tries: int | None,
    at_least_s: float | None,
    words: str,
) -> None:
    ending = end(code, reason, by_us=True, of=dialect(name))
    assert facts(ending) == (act, tries, at_least_s)
    assert words in str(ending.error) and not ending.forgets_message


def test_a_message_that_was_too_big_is_not_sent_again_and_nothing_else_is_forgotten() -> None:
    for name in names():
        ending = end(1009, of=dialect(name))
        assert ending.forgets_message and isinstance(ending.error, TooBigError)
        assert "not sent again" in str(ending.error)
    assert not end(1011).forgets_message and not end(1011).forgets_session


@pytest.mark.parametrize("code", [1000, 1008, 1011, 4000])
def test_age_is_age_whatever_the_number(code: int) -> None:
    assert end(code, AGE).act == "renew"


# -- what single providers mean by a close -------------------------------------------------------


def talked(name: str) -> Dialect:
    """A Gemini session in which a reply has begun."""
    made = dialect(name)
    says(made, '{"setupComplete": {}}')
    made.send(SendText("Hi", "msg_1"), 0.5)
    says(made, '{"serverContent": {"modelTurn": {"parts": [{"text": "Hello"}]}}}')
    return made


def warned(name: str) -> Dialect:
    made = talked(name)
    says(made, '{"goAway": {"timeLeft": "10s"}}')
    return made


REFUSED = "fatal", 0, None


@pytest.mark.fault("N27", "N29")
@pytest.mark.parametrize(
    ("make", "code", "reason", "expected"),
    [
        (dialect, 1007, "API key not valid. Please pass a valid API key.", REFUSED),
        (talked, 1007, "User location is not supported for the API use.", REFUSED),
        (talked, 1008, "models/x is not found for API version v1beta", REFUSED),
        (talked, 1011, "RESOURCE_EXHAUSTED: too many concurrent sessions", REFUSED),
        (talked, 1008, "The operation was aborted.", ("renew", None, 0.0)),
        (talked, 1008, "Operation is not implemented, or supported.", ("retry", 2, None)),
        (talked, 1011, "Internal error occurred.", ("retry", 5, None)),
        (talked, 1011, "The model is overloaded.", ("retry", 5, None)),
        (talked, 1008, "BidiGenerateContent session not found", ("retry", 2, 0.0)),
        (dialect, 1007, "Request contains an invalid argument.", REFUSED),
        (talked, 1007, "Request contains an invalid argument.", ("retry", 1, None)),
        (talked, 1007, "The context window is exhausted.", ("retry", 1, None)),
        (warned, 1000, "", ("renew", None, 0.0)),
        (warned, 1006, "", ("renew", None, 0.0)),
        (warned, 1011, "Internal error occurred.", ("renew", None, 0.0)),
    ],
)
def test_gemini_tells_in_words_what_its_numbers_do_not(
    make: Callable[[str], Dialect],
    code: int,
    reason: str,
    expected: tuple[str, int | None, float | None],
) -> None:
    assert facts(end(code, reason, of=make("gemini"))) == expected


@pytest.mark.fault("N29")
@pytest.mark.parametrize(
    ("code", "reason", "is_gone"),
    [
        (1008, "BidiGenerateContent session not found", True),
        (1007, "Request contains an invalid argument.", True),
        (1011, "Internal error occurred.", False),
        (1006, "", False),
    ],
)
def test_a_session_that_gemini_cannot_go_on_with_is_not_asked_for_again(
    code: int, reason: str, is_gone: bool
) -> None:
    ending = end(code, reason, of=talked("gemini"))
    assert ending.act == "retry" and ending.forgets_session is is_gone


def glm_after(code: str) -> Dialect:
    made = dialect("glm")
    says(made, f'{{"type": "error", "error": {{"code": "{code}", "message": "x"}}}}')
    return made


@pytest.mark.fault("N27")
@pytest.mark.parametrize(
    ("platform", "close", "reason", "expected"),
    [
        *((code, 1000, "", REFUSED) for code in ("1000", "1003", "1113", "1211", "1220", "1311")),
        ("1302", 1000, "", ("retry", 5, 5.0)),
        ("1305", 1011, "", ("retry", 5, 10.0)),
        ("1234", 4000, "", ("retry", 5, 2.0)),
        ("500", 1000, "", ("retry", 5, 5.0)),
        ("downstream_reconnect_exceeded", 1000, "", ("retry", 2, 2.0)),
        ("", 1008, '{"error":{"code":"1113"}}', REFUSED),
        ("", 4001, "1302 too many", ("retry", 5, 5.0)),
        ("", 1003, "1234 network error", ("retry", 5, 2.0)),
    ],
)
def test_glm_tells_by_the_numbers_of_its_platform(
    platform: str, close: int, reason: str, expected: tuple[str, int | None, float | None]
) -> None:
    made = glm_after(platform) if platform else dialect("glm")
    assert facts(end(close, reason, of=made)) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("connection_lost", ("retry", 5, None)),
        ("remote_hangup", ("retry", 1, None)),
        ("something_new", ("retry", 2, None)),
        ("content", REFUSED),
        ("expired", ("retry", 1, None)),  # Told by an event, before the link is closed.
    ],
)
def test_gpt_live_tells_why_before_it_hangs_up(
    reason: str, expected: tuple[str, int | None, float | None]
) -> None:
    made = dialect("gptlive")
    says(made, '{"type": "session.started", "session": {}}')
    says(made, f'{{"type": "session.closed", "reason": "{reason}"}}')
    assert facts(end(1000, of=made)) == expected


def test_qwen_tells_of_silence_and_of_too_many_lines() -> None:
    idle = "session was closed because no response was generated for 180 seconds"
    assert end(1007, idle, of=dialect("qwen")).act == "renew"
    assert facts(end(1011, "Throttling.RateQuota", of=dialect("qwen"))) == ("retry", 2, 60.0)


def test_words_that_say_later_are_believed_twice_where_the_number_says_never() -> None:
    made = dialect("qwen")
    assert facts(end(4000, "too many requests", of=made)) == ("retry", MOST_DOUBTED, 60.0)


# -- before the line is up -----------------------------------------------------------------------

PROXY = read_proxy("http://gate:3128", "--proxy")
LATER = {"retry-after": "7"}
HTML = {"content-type": "text/html"}


@pytest.mark.fault("N06", "N08", "N09", "N10", "N19", "N20")
@pytest.mark.parametrize(
    ("status", "headers", "body", "act", "at_least_s"),
    [
        *((status, {}, b"{}", "fatal", None) for status in (400, 401, 402, 403, 404, 426, 451)),
        *((status, {}, b"", "retry", None) for status in (408, 425, 429, 500, 502, 503, 504, 529)),
        *((status, LATER, b"", "retry", 7.0) for status in (429, 503)),
        (429, {}, b'{"error": {"code": "insufficient_quota"}}', "fatal", None),
        (200, HTML, b"<html>log in", "retry", 30.0),
        (511, HTML, b"<html>log in", "retry", 30.0),
        (302, {"location": "http://portal.example/"}, b"", "retry", 30.0),
        (302, {"location": "https://elsewhere.example/"}, b"", "fatal", None),
    ],
)
def test_an_http_answer_means(
    status: int, headers: dict[str, str], body: bytes, act: str, at_least_s: float | None
) -> None:
    error = service_answer(Route("api.example"), status, headers, body, 0.0)
    ending = classify_close(error, dialect(), is_ready=False)
    assert (ending.act, ending.at_least_s) == (act, at_least_s)
    assert ending.error is error


@pytest.mark.fault("N12")
@pytest.mark.parametrize(
    ("status", "act"), [(407, "fatal"), (403, "fatal"), (503, "retry"), (429, "retry")]
)
def test_an_answer_of_the_proxy_means(status: int, act: str) -> None:
    error = proxy_answer(Route("api.example", PROXY), status, {}, 0.0)
    assert classify_close(error, dialect(), is_ready=False).act == act


@pytest.mark.fault("N01", "N02", "N04", "N11", "N14")
@pytest.mark.parametrize(
    ("kind", "act"),
    [
        (LinkError, "retry"),
        (ProxyError, "retry"),
        (ServiceError, "retry"),
        (UnansweredError, "retry"),
        (SessionForgottenError, "retry"),
        (TooBigError, "retry"),
        (SessionOverError, "renew"),
        (TlsError, "fatal"),
        (ProxyRefusedError, "fatal"),
        (RefusedError, "fatal"),
        (UpgradeRefusedError, "fatal"),
        (ConfigError, "fatal"),
        (VoiceChatError, "fatal"),
    ],
)
def test_an_error_of_the_way_up_means(kind: type[VoiceChatError], act: str) -> None:
    error = kind("words")
    ending = classify_close(error, dialect(), is_ready=False)
    assert ending.act == act and ending.error is error


# -- events ---------------------------------------------------------------------------------------


@pytest.mark.fault("P23")
@pytest.mark.parametrize(
    "event",
    [
        ReplyFinished("r", "failed", "rate_limit_exceeded", "slow down"),
        ReplyFinished("r", "incomplete", "content_filter", "cut"),
        ProviderFailed("odd", "one message was wrong"),
        ProviderFailed("no_answer", "silence in the middle of a call"),
        InputFailed("i", "not understood"),
        Notice("voice_locked", "It keeps its voice"),
        SessionEnding(10.0),
        Unknown("not JSON"),
    ],
)
def test_trouble_of_one_reply_or_message_ends_no_line(event: Event) -> None:
    assert classify_close(event, dialect(), is_ready=True) is None


@pytest.mark.parametrize(
    ("event", "act", "kind", "words"),
    [
        (ProviderFailed("key", "no such key", fatal=True), "fatal", RefusedError, "no such key"),
        (SessionExpired("an hour is over"), "renew", SessionOverError, "an hour is over"),
        (SessionExpired(), "renew", SessionOverError, "ended the session"),
        (ProviderFailed("no_answer", "it is silent"), "retry", ServiceError, "Check the address"),
    ],
)
def test_these_end_it(event: Event, act: str, kind: type[VoiceChatError], words: str) -> None:
    ending = classify_close(event, dialect(), is_ready=False)
    assert ending is not None and ending.act == act
    assert type(ending.error) is kind and words in str(ending.error)


OPENAI_ERRORS = [
    ("invalid_api_key", "fatal"),
    ("insufficient_quota", "fatal"),
    ("billing_hard_limit_reached", "fatal"),
    ("account_deactivated", "fatal"),
    ("missing_model", "fatal"),
    ("invalid_model", "fatal"),
    ("model_not_found", "fatal"),
    ("beta_api_shape_disabled", "fatal"),
    ("session_expired", "renew"),
    ("server_error", None),
    ("response_cancel_not_active", None),
    ("input_audio_buffer_commit_empty", None),
    ("invalid_value", None),
]


@pytest.mark.fault("N07", "N28", "P21", "P23")
@pytest.mark.parametrize(("code", "act"), OPENAI_ERRORS)
def test_an_error_event_of_openai_means(code: str, act: str | None) -> None:
    made = dialect()
    says(made, '{"type": "session.created", "session": {}}')
    says(made, '{"type": "session.updated", "session": {}}')
    message = f'{{"type": "error", "error": {{"code": "{code}", "message": "It said why."}}}}'
    endings = [
        one for event in says(made, message) if (one := classify_close(event, made, is_ready=True))
    ]
    assert [ending.act for ending in endings] == ([act] if act else [])
    assert all("It said why" in str(ending.error) for ending in endings)


@pytest.mark.fault("N07")
@pytest.mark.parametrize("close", [3000, 4000, 1006])
def test_after_a_refusal_the_close_says_what_the_server_said(close: int) -> None:
    made = dialect()
    error = '{"code": "invalid_api_key", "message": "Incorrect API key provided."}'
    [event] = says(made, f'{{"type": "error", "error": {error}}}')
    by_event = classify_close(event, made, is_ready=False)
    by_close = end(close, "invalid_request_error.invalid_api_key", of=made)
    assert by_event == by_close and by_close.act == "fatal"
    assert "Incorrect API key provided" in str(by_close.error)


@pytest.mark.fault("P22")
@pytest.mark.parametrize(
    ("name", "code"), [("openai", "insufficient_quota"), ("xai", "insufficient_quota")]
)
def test_a_reply_that_failed_for_money_ends_the_line_for_good(name: str, code: str) -> None:
    made = dialect(name)
    says(made, '{"type": "session.created", "session": {}}')
    says(made, '{"type": "session.updated", "session": {}}')
    says(made, '{"type": "response.created", "response": {"id": "r"}}')
    failed = f'{{"error": {{"code": "{code}", "message": "No money."}}}}'
    events = says(
        made,
        '{"type": "response.done", "response": {"id": "r", "status": "failed", '
        f'"status_details": {failed}}}}}',
    )
    [finished] = [event for event in events if isinstance(event, ReplyFinished)]
    assert (finished.status, finished.message) == ("failed", "No money.")
    [ending] = [one for event in events if (one := classify_close(event, made, is_ready=True))]
    assert ending.act == "fatal" and "No money" in str(ending.error)


def test_a_silent_line_of_glm_is_lost_and_not_renewed() -> None:
    made = dialect("glm")
    says(made, '{"type": "session.created", "session": {}}')
    says(made, '{"type": "heartbeat"}')
    [event] = [one for one in made.tick(500.0) if isinstance(one, SessionExpired)]
    ending = classify_close(event, made, is_ready=True)
    assert ending is not None and facts(ending) == ("retry", None, 0.0)
    assert "line was lost" in str(ending.error)


@pytest.mark.parametrize(
    "event",
    [
        ProviderFailed("key", "no such key", fatal=True),
        SessionExpired("an hour is over"),
        ProviderFailed("no_answer", "it is silent"),
    ],
)
def test_the_error_of_an_event_means_the_same_when_it_comes_out_of_the_line(event: Event) -> None:
    made = dialect()
    ending = classify_close(event, made, is_ready=False)
    assert ending is not None
    assert classify_close(ending.error, made, is_ready=False) == ending


# -- what is told ---------------------------------------------------------------------------------


@pytest.mark.fault("S03", "S08", "T01")
@given(
    st.sampled_from(names()),
    st.none() | st.sampled_from([1000, 1001, 1007, 1008, 1009, 1011, 1013, 3000, 4000]),
    st.text(max_size=40),
    st.sampled_from([KEY, f"Bearer {KEY}", f"?key={KEY}", "\x1b]52;c;AAAA\x07", "a\nb\x9b2J"]),
)
def test_no_text_shows_a_key_or_steers_a_terminal(
    name: str, code: int | None, words: str, foreign: str
) -> None:
    made, reason = dialect(name), f"{words} {foreign} {words}"
    route = Route("api.example", secrets=(KEY,))
    closed = LinkClosed(code, route.quote(reason))
    answer = service_answer(route, 401, {}, reason.encode("utf-8", "replace"), 0.0)
    for error in (closed, answer):
        text = str(classify_close(error, made, is_ready=True).error)
        assert KEY not in text
        assert text == clean_line(text, 10_000) and text.strip()


@pytest.mark.fault("S08")
def test_a_key_in_a_report_inside_an_error_of_glm_is_masked() -> None:
    report = json.dumps({"detail": [{"loc": [KEY], "msg": f"bad {KEY}"}]})
    events = says(dialect("glm"), json.dumps({"type": "error", "error": {"message": report}}))
    assert "bad" in repr(events) and KEY not in repr(events)


@pytest.mark.fault("S08")
@pytest.mark.parametrize("name", ["openai", "gemini", "glm", "gptlive"])
@pytest.mark.parametrize("at", ["message", "code", "type"])
def test_a_key_that_the_server_repeats_is_masked(name: str, at: str) -> None:
    made = dialect(name)
    fields = {"code": "invalid_api_key", "message": "no", "type": "error"}
    fields[at] += f" {KEY} \\u001b[2J\\n"
    inner = ", ".join(f'"{field}": "{value}"' for field, value in fields.items())
    for event in says(made, f'{{"type": "error", "error": {{{inner}}}}}'):
        ending = classify_close(event, made, is_ready=True)
        for text in (str(ending.error) if ending else "", repr(event)):
            assert KEY not in text and "\x1b" not in text
