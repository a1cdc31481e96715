"""What every dialect tells a slow line of its messages: how much speech, and what cannot wait."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.ga_signal import tone
from tests.providers.wire import KEY
from voicechat.events import Interrupt, SendAudio
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Dialect, Outgoing, Settings

BEGINNINGS: tuple[dict[str, Any], ...] = (
    {"type": "session.created", "session": {"id": "sess_1"}},
    {"type": "session.updated", "session": {"id": "sess_1"}},
    {"type": "session.started", "session": {"id": "sess_1"}},
    {"setupComplete": {}},
)
"""How each language says that a session has begun; the other languages take it for noise."""
NO_CANCEL = ("gemini", "gptlive")
"""Their protocols have no message that stops a reply: the user's voice does."""

LOUD = b"\x00\x30\x00\xd0"

each_provider = pytest.mark.parametrize("provider", names())


def ready(provider: str) -> Dialect:
    """A session, hands-free."""
    url = "wss://127.0.0.1/v1/realtime"
    dialect = dialect_class(provider)(Settings("m", KEY, url=url, hands_free=True))
    dialect.open(0.0)
    for message in BEGINNINGS:
        dialect.receive(json.dumps(message), 0.0)
    dialect.data_to_send()
    return dialect


def spoken(dialect: Dialect, seconds: float) -> Iterator[Outgoing]:
    """What goes out while somebody speaks at the pace of speech."""
    for number in range(round(seconds * 50)):
        dialect.send(SendAudio(LOUD * (dialect.input_rate // 100)), number / 50)
        yield from dialect.data_to_send()


@each_provider
@pytest.mark.fault("N25")
def test_every_message_of_sound_tells_how_many_seconds(provider: str) -> None:
    dialect = ready(provider)
    messages = list(spoken(dialect, 2.0))
    assert messages and all(message.sound_s > 0 for message in messages)
    assert sum(message.sound_s for message in messages) == pytest.approx(2.0, abs=0.1)


@each_provider
@pytest.mark.fault("N25")
def test_what_stops_a_reply_is_urgent_and_nothing_else_is(provider: str) -> None:
    dialect = ready(provider)
    delta = base64.b64encode(bytes(4800)).decode()
    place = {"response_id": "resp_1", "item_id": "item_1"}
    for message in (
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_audio.delta", **place, "delta": delta},
        {"type": "session.output_audio.delta", "delta": base64.b64encode(tone(100)).decode()},
        {"serverContent": {"modelTurn": {"parts": [{"text": "yes"}]}}},
    ):
        dialect.receive(json.dumps(message), 0.1)
    dialect.data_to_send()
    dialect.send(Interrupt(), 0.2)
    sent = dialect.data_to_send()
    assert all(message.is_urgent and not message.sound_s for message in sent)
    if provider in NO_CANCEL:
        assert sent == []
    else:
        assert [json.loads(message.text)["type"] for message in sent] == ["response.cancel"]
