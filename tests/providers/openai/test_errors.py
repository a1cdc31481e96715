"""What goes wrong: whose fault it is, and what to do."""

from typing import Any

import pytest

from tests.providers.openai.call import KEY, Call, only
from voicechat.errors import RefusedError, ServiceError, SessionOverError, TooBigError
from voicechat.events import ProviderFailed, ReplyFinished, SessionExpired, Unknown, Usage
from voicechat.providers.json_fields import decode

# -- error events -------------------------------------------------------------------------------


@pytest.mark.fault("P21")
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("response_cancel_not_active", ""),
        ("input_audio_buffer_commit_empty", ""),
        ("unsupported_content_type", ""),
        ("item_truncate_invalid_item_id", ""),
        ("item_delete_invalid_item_id", ""),
        ("invalid_value", "Audio content of 200ms is already shorter than 500ms"),
        (None, "Cancellation failed: no active response found"),
    ],
)
def test_races_are_not_errors(code: str | None, message: str) -> None:
    [event] = Call().ready().says("error", error={"code": code, "message": message})
    assert isinstance(event, Unknown)
    assert event.kind.startswith("benign: ")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("invalid_api_key", "OPENAI_API_KEY"),
        ("account_deactivated", "https://platform.openai.com/api-keys"),
        ("insufficient_quota", "credit"),
        ("billing_hard_limit_reached", "credit"),
        ("model_not_found", "model"),
        ("invalid_model", "model"),
        ("beta_api_shape_disabled", ""),
    ],
)
@pytest.mark.parametrize("when", ["first", "asking", "ready"])
def test_errors_that_stay_are_fatal_at_any_time(code: str, hint: str, when: str) -> None:
    call = Call()
    if when != "first":
        call.says("session.created")
    if when == "ready":
        call.says("session.updated")
    assert call.fails(code, "Because.") == [ProviderFailed(code, "Because.", fatal=True)]
    error = call.dialect.closed(0, "")
    assert isinstance(error, RefusedError)
    assert hint in error.hint
    assert "Because" in error.message


@pytest.mark.fault("P23")
def test_other_errors_are_told_and_the_session_goes_on() -> None:
    call = Call().ready()
    for _ in range(4):
        assert call.fails("server_error", "Oops.") == [ProviderFailed("server_error", "Oops.")]
    assert call.begins()


def test_age_of_the_session_is_no_error() -> None:
    events = Call().ready().fails("session_expired", "Sixty minutes.")
    assert events == [SessionExpired("Sixty minutes.")]


def test_a_reply_may_fail_because_of_the_age_of_the_session() -> None:
    call = Call().ready()
    call.begins()
    details = {"error": {"code": "session_expired", "message": "Sixty minutes."}}
    finished, expired = call.ends(status="failed", status_details=details)
    assert isinstance(finished, ReplyFinished) and finished.code == "session_expired"
    assert expired == SessionExpired("Sixty minutes.")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"error": "out of memory", "code": "oom"}, ("oom", "out of memory")),
        ({"error": "out of memory"}, ("error", "out of memory")),
        ({"error": {"code": 1113, "message": "empty"}}, ("1113", "empty")),
        ({"error": {"type": "server_error", "message": "x"}}, ("server_error", "x")),
        ({"message": "flat", "code": "c"}, ("c", "flat")),
        ({}, ("error", "The service reported an error without saying which")),
        ({"error": [1]}, ("error", "The service reported an error without saying which")),
        ({"error": {"code": {}, "message": "a\nb\x1b[0m"}}, ("error", "a b")),
    ],
)
def test_errors_of_any_shape_are_read(message: dict[str, Any], expected: tuple[str, str]) -> None:
    [event] = only(ProviderFailed, Call().ready().says("error", **message))
    assert (event.code, event.message) == expected


@pytest.mark.fault("S08")
def test_the_key_is_never_repeated() -> None:
    call = Call().ready()
    events = call.fails("invalid_api_key", f"Incorrect API key provided: {KEY}.")
    assert KEY not in repr(events)
    assert KEY not in str(call.dialect.closed(3000, KEY))
    assert KEY not in str(Call().dialect.closed(4000, f"bad {KEY}"))


# -- replies that fail --------------------------------------------------------------------------


def end(status: str, details: object) -> list[Any]:
    call = Call().ready()
    call.begins()
    return call.ends("resp_1", status, status_details=details)


@pytest.mark.fault("P22")
@pytest.mark.parametrize(
    ("status", "details", "expected"),
    [
        ("cancelled", {"reason": "turn_detected"}, ("cancelled", "turn_detected", "")),
        ("canceled", None, ("cancelled", "canceled", "")),
        ("failed", "plain words", ("failed", "failed", "plain words")),
        ("failed", None, ("failed", "failed", "The service gave no reason")),
        (
            "failed",
            {"error": {"code": "rate_limit_exceeded", "message": "slow"}},
            ("failed", "rate_limit_exceeded", "slow"),
        ),
        (
            "incomplete",
            {"reason": "content_filter"},
            (
                "incomplete",
                "content_filter",
                "The answer was cut by the service's content filter",
            ),
        ),
        ("in_progress", None, ("completed", "", "")),
        (None, None, ("completed", "", "")),
    ],
)
def test_the_end_of_a_reply_says_why(
    status: str, details: object, expected: tuple[str, str, str]
) -> None:
    [event] = end(status, details)
    assert (event.status, event.code, event.message) == expected


@pytest.mark.fault("P22")
def test_failed_reply_for_want_of_money_is_fatal() -> None:
    events = end("failed", {"error": {"code": "insufficient_quota", "message": "empty"}})
    assert [type(event) for event in events] == [ReplyFinished, ProviderFailed]
    assert events[1].fatal


def test_usage_counts_every_kind_and_the_cached_part() -> None:
    call = Call().ready()
    call.begins()
    usage = {
        "input_tokens": 150,
        "output_tokens": 40,
        "input_token_details": {
            "text_tokens": 110,
            "audio_tokens": 30,
            "image_tokens": 10,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 99, "image_tokens": 1},
        },
        "output_token_details": {"text_tokens": 10, "audio_tokens": 30},
    }
    [event] = only(ReplyFinished, call.ends(usage=usage))
    assert event.usage == Usage(150, 40, 110, 30, 10, 64, 30, 1, 10, 30)


@pytest.mark.parametrize("wrong", ["12", None, [], {}, -3, True, float("nan"), 1e999, 10**30])
def test_usage_of_the_wrong_type_counts_nothing(wrong: object) -> None:
    call = Call().ready()
    call.begins()
    [event] = only(ReplyFinished, call.ends(usage={"input_tokens": wrong, "output_tokens": 2}))
    assert event.usage == Usage(output_tokens=2)


@pytest.mark.parametrize("usage", [None, [], {}, "many"])
def test_no_usage_is_no_usage(usage: object) -> None:
    call = Call().ready()
    call.begins()
    [event] = only(ReplyFinished, call.ends(usage=usage))
    assert event.usage is None


# -- closes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "kind", "words"),
    [
        (3000, "invalid_request_error.invalid_api_key", RefusedError, "OPENAI_API_KEY"),
        (3000, "", RefusedError, "OPENAI_API_KEY"),
        (4000, "invalid_request_error.invalid_model", RefusedError, "another model"),
        (4004, "gone\x1b[0m", RefusedError, "gone"),
        (1008, "Invalid API key", RefusedError, "Invalid API key"),
        (1008, "all slots in use", ServiceError, "all slots in use"),
        (1011, "You exceeded your current quota", RefusedError, "credit"),
        (1011, "", ServiceError, "internal error"),
        (1012, "", ServiceError, "restarting"),
        (1013, "", ServiceError, "overloaded"),
        (1009, "", TooBigError, "too big"),
        (1001, "Your session hit the maximum duration of 60 minutes.", SessionOverError, "age"),
    ],
)
def test_close_codes_say_what_to_do(
    code: int, reason: str, kind: type[Exception], words: str
) -> None:
    error = Call().dialect.closed(code, reason)
    assert type(error) is kind
    assert words in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (3000, ""),
        (4001, ""),
        (4401, "no"),
        (4000, "invalid_request_error.invalid_api_key"),
        (4100, "Unauthorized"),
        (1008, "authentication failed"),
    ],
)
def test_a_refused_key_is_named_by_its_variable(code: int, reason: str) -> None:
    error = Call().dialect.closed(code, reason)
    assert isinstance(error, RefusedError)
    assert "Check the key in OPENAI_API_KEY" in error.hint


def test_only_trouble_that_passes_is_retryable() -> None:
    refused, troubled = Call().dialect.closed(3000, ""), Call().dialect.closed(1013, "")
    assert refused is not None and not refused.retryable
    assert troubled is not None and troubled.retryable and troubled.retry_after_s == 10.0


@pytest.mark.parametrize("code", [0, 1000, 1001, 1002, 1005, 1006, 1007])
def test_ordinary_closes_are_nothing_special(code: int) -> None:
    assert Call().dialect.closed(code, "") is None


# -- noise, one kind each -----------------------------------------------------------------------


@pytest.mark.fault("P01", "P06", "P07", "P08", "P09")
@pytest.mark.parametrize(
    "raw",
    [
        "",
        "hello",
        "[1]",
        '"text"',
        "5",
        "null",
        "{}",
        '{"type":5}',
        '{"type":null}',
        "[" * 100_000,
        '{"type":' + "9" * 5000 + "}",
        '{"type":"\ud800"}',
        b"\xff\xfe\x00",
        b"\x00\x01",
    ],
)
def test_noise_is_unknown(raw: str | bytes) -> None:
    call = Call().ready()
    assert [type(event) for event in call.raw(raw)] == [Unknown]


@pytest.mark.fault("P30", "P07")
def test_binary_messages_and_byte_order_marks_are_read() -> None:
    assert decode('\ufeff{"type":"x"}') == {"type": "x"}
    assert decode(b'\xef\xbb\xbf{"type":"x"}') == {"type": "x"}
