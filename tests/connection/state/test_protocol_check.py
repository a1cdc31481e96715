"""One message that is no JSON is noise; twenty with nothing between are another protocol."""

import pytest

from voicechat.connection.state.outcome import MOST, WITHIN_S, ProtocolCheck
from voicechat.errors import RefusedError
from voicechat.events import Event, Notice, ReplyStarted, SessionReady, Unknown
from voicechat.providers.base import Settings
from voicechat.providers.openai.dialect import OpenAIDialect

pytestmark = pytest.mark.fault("P01")

NOISE = Unknown("not JSON")


def hear(*events: Event, step_s: float = 0.1) -> list[RefusedError | None]:
    babble = ProtocolCheck()
    return [babble.on_event(event, at * step_s) for at, event in enumerate(events)]


def test_the_twentieth_in_a_row_ends_the_line_and_says_why() -> None:
    *before, last = hear(*[NOISE] * MOST)
    assert before == [None] * (MOST - 1)
    assert isinstance(last, RefusedError) and "another protocol" in last.message
    assert "address" in last.hint and not last.retryable


@pytest.mark.parametrize("event", [SessionReady(), ReplyStarted("r"), Unknown("some.new.event")])
def test_whatever_could_be_read_begins_the_count_anew(event: Event) -> None:
    assert not any(hear(*[NOISE] * (MOST - 1), event, *[NOISE] * (MOST - 1)))


def test_what_we_tell_ourselves_is_no_sign_of_the_server() -> None:
    assert hear(*[NOISE] * (MOST - 1), Notice("a", "b"), NOISE)[-1] is not None


def test_a_slow_sign_of_life_in_plain_text_is_only_noise() -> None:
    assert not any(hear(*[NOISE] * 200, step_s=WITHIN_S / (MOST - 1) + 0.1))


@pytest.mark.parametrize("message", ["pong", b"\x00\xff", "[1]", '"x"', "null", "[" * 3000])
def test_what_the_dialects_cannot_read_is_counted(message: str | bytes) -> None:
    dialect, babble = OpenAIDialect(Settings("gpt-realtime-2.1", "sk-any")), ProtocolCheck()
    dialect.open(0.0)
    ends = [
        babble.on_event(event, 0.0) for _ in range(MOST) for event in dialect.receive(message, 0)
    ]
    assert ends[-1] is not None
