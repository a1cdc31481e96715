"""Refusals of the vendors, each with the class that says who can mend it."""

import json
from typing import Any

import pytest

from voicechat.cascade.http.refusals import failure, is_barred, refusal
from voicechat.errors import LinkError, RefusedError, ServiceError, VoiceChatError
from voicechat.net.proxy import Route

_ROUTE = Route("api.example.org", secrets=("sk-very-hidden",))
_GOOGLE_QUOTA = "You exceeded your current quota, please check your plan and billing details."


def _openai(message: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


def _retry(seconds: str) -> dict[str, Any]:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds}
    return {"error": {"code": 429, "message": _GOOGLE_QUOTA, "details": [info]}}


def _refusal(status: int, value: Any, kind: str = "application/json") -> VoiceChatError:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    known = None if isinstance(value, bytes) else value
    return refusal(_ROUTE, status, {"content-type": kind}, body, known, 0.0)


@pytest.mark.parametrize(
    ("status", "value", "kind", "words"),
    [
        (401, _openai("Incorrect API key", "invalid_api_key"), RefusedError, "refused the key"),
        (401, {"error": {"code": "1000", "message": "x"}}, RefusedError, "refused the key"),
        (400, {"error": "Incorrect API key provided: x"}, RefusedError, "refused the key"),
        (
            400,
            {"error": {"code": 400, "message": "API key not valid. Please pass a valid one."}},
            RefusedError,
            "refused the key",
        ),
        (403, _openai("Country not supported", "x"), RefusedError, "denied access"),
        (402, {"error": {"message": "Insufficient Balance"}}, RefusedError, "no credit left"),
        (429, _openai("x", "insufficient_quota"), RefusedError, "no credit left"),
        (429, {"error": {"code": "1113", "message": "欠费"}}, RefusedError, "no credit left"),
        (400, {"code": "Arrearage", "message": "x"}, RefusedError, "no credit left"),
        (429, {"error": {"message": _GOOGLE_QUOTA}}, RefusedError, "no credit left"),
        (429, _retry("7s"), ServiceError, "too many requests"),
        (429, {"error": {"code": "1302", "message": "x"}}, ServiceError, "too much to do"),
        (429, {"code": "Throttling.RateQuota", "message": "x"}, ServiceError, "too much to do"),
        (429, {"error": "slow down"}, ServiceError, "too many requests"),
        (404, _openai("x", "model_not_found"), RefusedError, "does not offer this model"),
        (400, {"error": {"code": "1211", "message": "x"}}, RefusedError, "not offer this model"),
        (404, {"error": "nope"}, RefusedError, "no such address or model"),
        (400, {"error": {"code": "1301", "message": "x"}}, RefusedError, "does not want to talk"),
        (500, {"error": "oops"}, ServiceError, "internal error"),
        (503, b"overloaded", ServiceError, "overloaded"),
        (405, b"Not allowed", RefusedError, "HTTP 405"),
        (204, b"", RefusedError, "HTTP 204"),
        (511, b"", LinkError, "login page"),
    ],
)
def test_refusal_says_whose_fault_it_is(
    status: int, value: Any, kind: type[VoiceChatError], words: str
) -> None:
    error = _refusal(status, value)
    assert type(error) is kind and words in error.message and "api.example.org" in error.message


def test_web_page_in_place_of_a_service_is_the_networks() -> None:
    error = _refusal(200, b"<html>Welcome to the hotel", "text/html")
    assert isinstance(error, LinkError) and "login page" in error.message


def test_wait_that_google_asks_for_is_kept() -> None:
    assert _refusal(429, _retry("7.5s")).retry_after_s == 7.5


def test_secrets_are_in_no_text() -> None:
    error = _openai("You sent sk-very-hidden, and Bearer sk-something-else", "x")
    for found in (_refusal(400, error), failure(_ROUTE, error["error"])):
        assert "hidden" not in str(found) and "something-else" not in str(found)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"message": "overloaded"}, ServiceError, "overloaded"),
        ({"code": "1113", "message": "x"}, RefusedError, "no credit left"),
        ({"code": "Arrearage", "message": "x"}, RefusedError, "no credit left"),
        ({"code": 500, "msg": "inner", "success": False}, ServiceError, "inner"),
        ("plain words", ServiceError, "plain words"),
        ({}, ServiceError, "failed"),
        (None, ServiceError, "failed"),
    ],
)
def test_error_inside_a_good_answer_is_read_alike(
    error: Any, kind: type[VoiceChatError], words: str
) -> None:
    found = failure(_ROUTE, error)
    assert type(found) is kind and words in found.message


@pytest.mark.parametrize(
    ("status", "value", "barred"),
    [
        (401, {}, True),
        (402, {}, True),
        (403, {}, True),
        (407, {}, True),
        (429, _openai("x", "insufficient_quota"), True),
        (400, {"error": "API key not valid"}, True),
        (429, {"error": "slow down"}, False),
        (404, {}, False),
        (500, {}, False),
    ],
)
def test_only_key_money_and_region_bar_the_door(status: int, value: Any, barred: bool) -> None:
    assert is_barred(status, _refusal(status, value)) is barred
