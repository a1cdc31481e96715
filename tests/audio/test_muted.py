"""Eight hours with the microphone muted: zeros at the pace of the clock, and nothing grows."""

import tracemalloc

import pytest

from voicechat.audio.card.health import Waking
from voicechat.audio.ducking import Duck
from voicechat.audio.pcm import HOUSE_RATE
from voicechat.connection.state.unanswered_turn import UnansweredTurn
from voicechat.events import SendAudio
from voicechat.providers.base import Settings
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.state.mic_gate import MicGate, MicUplink

CHUNK = HOUSE_RATE // 50
HUM = b"\x10\x01" * CHUNK
HOUR = 3600 * 50
"""Chunks."""


@pytest.mark.fault("A19")
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("dialect_class", "chunks"),
    [
        (OpenAIDialect, HOUR // 20),
        pytest.param(OpenAIDialect, 8 * HOUR, marks=pytest.mark.long),
        pytest.param(GeminiDialect, HOUR, marks=pytest.mark.long),
    ],
)
def test_a_muted_microphone_neither_drifts_nor_grows(
    dialect_class: type[OpenAIDialect | GeminiDialect], chunks: int
) -> None:
    dialect, gate = dialect_class(Settings("m")), MicGate(hands_free=True)
    gate.muted = True
    uplink, question, waking, duck = MicUplink(gate), UnansweredTurn(), Waking(HOUSE_RATE), Duck()
    sent = 0

    def hear(count: int) -> None:
        nonlocal sent
        for _ in range(count):
            waking.hear(HUM)
            duck.feed(HUM, is_playing=False)
            passed = uplink.transform(HUM, dialect)
            assert passed is not None and not any(passed)
            sent += len(passed) // 2
            question.say(SendAudio(passed), dialect.input_rate)

    hear(1000)
    tracemalloc.start()
    hear(1000)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    hear(chunks - 3000)
    tracemalloc.start()
    hear(1000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after < before + 100_000
    assert sent == pytest.approx(chunks * dialect.input_rate / 50, abs=dialect.input_rate / 100)
