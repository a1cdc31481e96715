"""GLM's errors: whose fault it is, in words, and whether trying again helps."""

import pytest

from tests.providers.glm.call import KEY, Call, kinds, only
from voicechat.errors import RefusedError, ServiceError, VoiceChatError
from voicechat.events import Notice, ProviderFailed, ReplyFinished, Unknown

FATAL = {
    "1000": "ZHIPUAI_API_KEY",
    "1002": "https://bigmodel.cn/usercenter/proj-mgmt/apikeys",
    "1003": "ZAI_API_KEY",
    "1112": "credit",
    "1113": "credit",
    "1304": "credit",
    "1309": "credit",
    "1211": "another model",
    "1220": "another model",
    "1311": "another model",
    "model_not_found": "another model",
}
PASSING = ["500", "503", "1120", "1234", "1302", "1303", "1305", "1312", "1313"]


@pytest.mark.parametrize("as_number", [True, False])
@pytest.mark.parametrize(("code", "hint"), FATAL.items())
@pytest.mark.parametrize("when", ["first", "asking", "ready"])
def test_what_only_the_user_can_mend_is_fatal(
    code: str, hint: str, when: str, as_number: bool
) -> None:
    call = Call()
    if when != "first":
        call.says("session.created", session={})
    if when == "ready":
        call.says("session.updated", session={})
    given = int(code) if as_number and code.isdigit() else code
    [failed] = call.fails(given, "中文")
    assert isinstance(failed, ProviderFailed)
    assert failed.fatal and failed.code == code and "中文" in failed.message
    error = call.dialect.closed(1000, "")
    assert isinstance(error, RefusedError)
    assert hint in error.hint


@pytest.mark.parametrize("code", PASSING)
def test_what_passes_explains_the_close_that_follows(code: str) -> None:
    call = Call().ready()
    [failed] = call.fails(code)
    assert isinstance(failed, ProviderFailed) and not failed.fatal
    error = call.dialect.closed(1000, "")
    assert isinstance(error, ServiceError)
    assert code in error.message


def test_trouble_that_is_over_explains_nothing() -> None:
    call = Call().ready()
    call.fails("1302")
    call.asks()
    call.begins()
    call.ends()
    assert call.dialect.closed(1000, "") is None


def test_a_lost_gateway_may_be_the_account_or_bad_luck() -> None:
    call = Call()
    call.says("session.created", session={})
    call.sent()
    message = "reconnects to the downstream exceeded 3/3"
    [failed] = call.fails("downstream_reconnect_exceeded", message)
    assert isinstance(failed, ProviderFailed) and not failed.fatal
    assert call.sent() == [], "settings are given up although nothing is wrong with them"
    error = call.dialect.closed(1011, "")
    assert isinstance(error, ServiceError)
    assert error.retryable and error.retry_after_s == 2.0
    assert "another model" in error.hint and "balance" in error.hint


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (1003, "", RefusedError),
        (1003, "1234 network error", ServiceError),
        (1008, '{"error":{"code":"1113","message":"x"}}', RefusedError),
        (1011, "downstream_reconnect_exceeded", ServiceError),
        (1000, "model_not_found", RefusedError),
        (1009, "", ServiceError),
        (1011, "", ServiceError),
    ],
)
def test_closes_are_read_by_the_code_in_their_reason(
    code: int, reason: str, kind: type[VoiceChatError]
) -> None:
    assert isinstance(Call().ready().dialect.closed(code, reason), kind)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "going away"), (0, "")])
def test_ordinary_closes_are_left_to_the_link(code: int, reason: str) -> None:
    assert Call().ready().dialect.closed(code, reason) is None


@pytest.mark.parametrize("code", ["stop_task_error", "response_cancel_not_active"])
def test_a_cancellation_that_came_too_late_is_no_error(code: str) -> None:
    [event] = Call().ready().fails(code)
    assert isinstance(event, Unknown)


@pytest.mark.parametrize("code", ["asr_no_result", "ASR_ERROR"])
def test_words_that_were_not_heard_are_a_notice(code: str) -> None:
    [event] = Call().ready().fails(code)
    assert isinstance(event, Notice)


@pytest.mark.parametrize("code", ["model_query_error", "1261", "1301", "1302", "500"])
def test_after_an_error_in_place_of_a_reply_the_next_is_asked_for(code: str) -> None:
    call = Call().ready()
    call.asks()
    [ended] = only(ReplyFinished, call.fails(code))
    assert (ended.status, ended.code) == ("failed", code)
    assert kinds(call.asks())[-1] == "response.create"


def test_a_failed_reply_is_told_in_words_and_fatal_where_it_is() -> None:
    call = Call().ready()
    call.asks()
    call.begins()
    error = {"type": "failed", "error": {"code": "1113", "message": "欠费"}}
    finished, failed = call.ends(status="failed", status_details=error)
    assert isinstance(finished, ReplyFinished) and "no balance" in finished.message
    assert isinstance(failed, ProviderFailed) and failed.fatal


def test_an_upstream_report_names_the_field() -> None:
    report = '422: {"detail":[{"loc":["body","session","voice"],"type":"missing","msg":"needed"}]}'
    call = Call(voice="nobody")
    call.says("session.created", session={})
    [notice] = call.fails("invalid_request_error", report)
    assert isinstance(notice, Notice)
    assert "body.session.voice: needed" in notice.message
    call.sent()
    assert "voice" not in call.updates[-1]


@pytest.mark.parametrize(
    "message",
    ["{", "{}", "[1]", "{" * 50_000, '{"detail": 7}', '{"detail": [{"loc": "x"}]}', '{"a":' * 999],
)
def test_reports_of_any_shape_are_read(message: str) -> None:
    [failed] = Call().ready().fails("odd", message)
    assert isinstance(failed, ProviderFailed) and failed.code == "odd"


@pytest.mark.fault("P31")
def test_a_refusal_that_names_nothing_costs_everything_that_is_not_needed() -> None:
    call = Call(hands_free=True, voice="nobody", text_only=True)
    call.says("session.created", session={"input_audio_noise_reduction": None})
    [notice] = call.fails("invalid_event", "bad")
    assert isinstance(notice, Notice)
    call.sent()
    plain = call.updates[-1]
    assert plain["turn_detection"] == {"type": "server_vad"}
    assert plain["modalities"] == ["text", "audio"]
    assert not {"voice", "input_audio_noise_reduction"} & plain.keys()
    assert plain["beta_fields"]["chat_mode"] == "audio"
    [failed] = call.fails("invalid_event", "still bad")
    assert isinstance(failed, ProviderFailed) and failed.fatal


@pytest.mark.parametrize(
    ("param", "key", "value"),
    [
        ("session.voice", "voice", None),
        ("session.turn_detection.threshold", "turn_detection", {"type": "server_vad"}),
        ("session.modalities", "modalities", ["text", "audio"]),
    ],
)
def test_a_refusal_that_names_a_field_costs_only_that(param: str, key: str, value: object) -> None:
    call = Call(hands_free=True, text_only=True)
    call.says("session.created", session={})
    call.fails("invalid_value", "bad", param=param)
    call.sent()
    first, second = call.updates
    assert second.get(key) == value
    assert {k: v for k, v in first.items() if k != key} == {
        k: v for k, v in second.items() if k != key
    }


@pytest.mark.fault("S08")
def test_the_key_is_never_repeated() -> None:
    call = Call().ready()
    assert KEY not in repr(call.fails("1002", f"bad key {KEY}"))
    assert KEY not in str(call.dialect.closed(1008, KEY))
    assert KEY not in str(Call().dialect.closed(1008, f"1002 {KEY}"))
