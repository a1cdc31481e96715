"""The table of close codes, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.errors import (
    LinkError,
    RefusedError,
    ServiceError,
    SessionOverError,
    TooBigError,
    VoiceChatError,
)
from voicechat.net.close_codes import LinkClosed, close_error

R = RefusedError
PING = "keepalive ping timeout"


@pytest.mark.parametrize(
    ("code", "reason", "by_us", "kind", "retryable", "wait_s", "tries"),
    [
        (1000, "", True, LinkError, False, None, 0),
        (1000, "", False, LinkError, True, None, 1),
        (1001, "It hit the maximum duration of an hour.", False, SessionOverError, True, 0, None),
        (1001, "session_expired", False, SessionOverError, True, 0, None),
        (4000, "invalid_request_error.session_expired", False, SessionOverError, True, 0, None),
        (1001, "", False, ServiceError, True, None, None),
        (None, "", False, LinkError, True, None, None),
        (1005, "", False, LinkError, True, None, 1),
        (1006, "", False, LinkError, True, None, None),
        (1012, "", False, ServiceError, True, None, None),
        (1013, "", False, ServiceError, True, 10, None),
        (1002, "bad frame", False, ServiceError, True, None, 1),
        (1003, "", False, ServiceError, True, None, 1),
        (1007, "Request contains an invalid argument.", False, ServiceError, True, None, 1),
        (1007, "invalid start byte at position 0", True, ServiceError, True, None, 1),
        (1002, "", True, ServiceError, True, None, 1),
        (1009, "", True, ServiceError, True, None, 1),
        (1008, "Your API key was reported as leaked", False, R, False, None, 0),
        (1008, "model not found for this version", False, R, False, None, 0),
        (1008, "User location is not supported", False, R, False, None, 0),
        (1008, "policy violation", False, R, False, None, 0),
        (1008, "all slots in use", False, ServiceError, True, None, 2),
        (1009, "too big", False, TooBigError, True, None, None),
        (1011, PING, True, LinkError, True, 0, None),
        (1011, PING, False, LinkError, True, 0, None),
        (1011, "internal error", False, ServiceError, True, None, 5),
        (1011, "You exceeded your current quota", False, R, False, None, 0),
        (1014, "", False, ServiceError, True, None, None),
        (1015, "", False, LinkError, True, None, None),
        (3000, "invalid_request_error.invalid_api_key", False, R, False, None, 0),
        (3003, "", False, R, False, None, 0),
        (3008, "", False, ServiceError, True, None, None),
        (3999, "", False, R, False, None, 0),
        (4000, "invalid_request_error.invalid_model", False, R, False, None, 0),
        (4999, "", False, R, False, None, 0),
        (2000, "", False, ServiceError, True, None, 1),
    ],
)  # fmt: skip
def test_a_close_means(
    code: int | None,
    reason: str,
    by_us: bool,
    kind: type[VoiceChatError],
    retryable: bool,
    wait_s: float | None,
    tries: int | None,
) -> None:
    error = close_error(code, reason, by_us=by_us)
    assert type(error) is kind
    assert error.retry_after_s == wait_s
    closed = LinkClosed(code, reason, by_us=by_us)
    assert (closed.code, closed.reason, closed.by_us) == (code, reason, by_us)
    assert (closed.retryable, closed.tries, closed.retry_after_s) == (retryable, tries, wait_s)
    assert str(closed) == str(error)


def test_the_reason_is_shown_clean_and_without_keys() -> None:
    reason = "no\x1b[31m\nkey sk-canary1234567890 \u202eleft"
    closed = LinkClosed(4000, reason)
    for text in (str(closed), closed.reason):
        assert text.isprintable()
        assert "canary" not in text
    assert "no key" in str(closed)
    assert "4000" in str(closed)


@given(st.none() | st.integers(0, 65535), st.text(), st.booleans())
def test_every_close_has_one_line(code: int | None, reason: str, by_us: bool) -> None:
    text = str(LinkClosed(code, reason, by_us=by_us))
    assert text
    assert "\n" not in text
