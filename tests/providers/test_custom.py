"""Servers of one's own: everything they leave out is forgiven."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.custom_server import CustomServer
from tests.fakes.ga_script import SCRIPTS
from tests.providers import family_talks as talks
from tests.providers.family_checks import SHORT, TALK, hold_all_talks
from tests.providers.family_line import dialled
from tests.providers.openai.call import only
from tests.providers.openai.noise import break_conversations, drop_every_field, recordings_of
from voicechat.errors import ConfigError, RefusedError, ServiceError
from voicechat.events import Notice, ProviderFailed, SessionReady, Unknown
from voicechat.providers.base import Settings
from voicechat.providers.custom import CustomDialect

URL = "ws://127.0.0.1:8765/v1/realtime"


def opened() -> CustomDialect:
    dialect = CustomDialect(Settings("kitchen", url=URL))
    dialect.open(0.0)
    return dialect


async def test_all_talks_are_held() -> None:
    await hold_all_talks(CustomServer, "custom", model="kitchen")


@pytest.mark.fault("P27")
async def test_the_rate_that_the_server_names_counts_and_is_no_news() -> None:
    server = CustomServer(TALK)
    async with dialled(server, "custom", model="kitchen") as line:
        assert (line.dialect.input_rate, line.dialect.output_rate) == (16_000, 24_000)
        await talks.press_and_talk(line)
        assert only(Notice, line.events) == []
    assert abs(server.session.ears.turn_ms - 480) < 5


@pytest.mark.parametrize("script", ["no_session_updated", "beta_names"])
async def test_servers_that_do_not_agree_are_talked_to_all_the_same(script: str) -> None:
    slow = replace(SCRIPTS[script], replies=(SHORT,))
    async with dialled(CustomServer(slow), "custom", model="kitchen") as line:
        assert await talks.type_a_line(line) == SHORT.text


@pytest.mark.fault("P12")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("custom")


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", recordings_of("custom"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)


def test_it_needs_an_address() -> None:
    with pytest.raises(ConfigError, match="address") as caught:
        CustomDialect(Settings("kitchen")).url()
    assert "providers.custom" in caught.value.hint
    assert opened().url() == f"{URL}?model=kitchen"


def test_an_address_may_say_where_the_model_goes() -> None:
    named = "wss://gate.example/{model}/realtime?key=1&model={model}"
    dialect = CustomDialect(Settings("a/b", url=named))
    assert dialect.url() == "wss://gate.example/a%2Fb/realtime?key=1&model=a%2Fb"


def test_an_address_that_is_none_is_left_to_the_link() -> None:
    assert CustomDialect(Settings("m", url="ws://[bad")).url() == "ws://[bad"


def test_a_model_that_warms_up_is_waited_for() -> None:
    dialect = opened()
    assert dialect.tick(59.0) == []
    assert only(ProviderFailed, dialect.tick(60.0))
    dialect.receive(json.dumps({"type": "session.created", "session": {}}), 61.0)
    assert only(SessionReady, dialect.receive('{"type":"session.updated"}', 62.0))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("out of memory", "error"),
        ({"message": "out of memory", "code": 500}, "500"),
        (None, "error"),
    ],
)
def test_errors_of_any_form_are_told(error: object, code: str) -> None:
    dialect = opened()
    dialect.receive('{"type":"session.created"}', 0.1)
    dialect.receive('{"type":"session.updated"}', 0.2)
    [failed] = dialect.receive(json.dumps({"type": "error", "error": error}), 0.3)
    assert isinstance(failed, ProviderFailed)
    assert (failed.code, failed.fatal) == (code, False)


@pytest.mark.parametrize("code", ["unauthorized", "forbidden", "model_load_error"])
def test_what_only_the_owner_can_mend_is_fatal(code: str) -> None:
    dialect = opened()
    error = {"type": "error", "error": "no", "code": code}
    [failed] = only(ProviderFailed, dialect.receive(json.dumps(error), 0.1))
    assert failed.fatal
    assert isinstance(dialect.closed(1008, ""), RefusedError)


def test_a_taken_slot_is_worth_another_try() -> None:
    error = opened().closed(1008, "all slots in use")
    assert isinstance(error, ServiceError) and error.retryable


def test_truncation_that_it_does_not_know_is_no_error() -> None:
    dialect = opened()
    dialect.receive('{"type":"session.created"}', 0.1)
    dialect.receive('{"type":"session.updated"}', 0.2)
    message = "Unknown event type conversation.item.truncate"
    events = dialect.receive(json.dumps({"type": "error", "error": message}), 0.3)
    assert [type(event) for event in events] == [Unknown]
