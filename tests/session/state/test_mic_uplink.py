"""What a microphone hears reaches the model at its rate, and only through the gate."""

from voicechat.audio.pcm import HOUSE_RATE
from voicechat.providers.base import Settings
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.state.mic_gate import MicGate, MicUplink

SECOND = [b"\x10\x20" * (HOUSE_RATE // 50)] * 50
OPENAI, GEMINI = OpenAIDialect(Settings("m")), GeminiDialect(Settings("m"))


def passed(uplink: MicUplink, dialect: OpenAIDialect | GeminiDialect) -> bytes:
    return b"".join(pcm for chunk in SECOND if (pcm := uplink.transform(chunk, dialect)))


def test_nothing_passes_a_closed_gate() -> None:
    assert passed(MicUplink(MicGate(hands_free=False)), OPENAI) == b""


def test_a_line_of_another_rate_gets_its_own() -> None:
    uplink = MicUplink(MicGate(hands_free=True))
    for dialect in (OPENAI, GEMINI, OPENAI):
        seconds = len(passed(uplink, dialect)) / 2 / dialect.input_rate
        assert 0.95 <= seconds <= 1.0
    assert OPENAI.input_rate != GEMINI.input_rate


def test_a_muted_microphone_sends_zeros_where_silence_is_measured_in_sound() -> None:
    gate = MicGate(hands_free=True)
    gate.muted = True
    sent = passed(MicUplink(gate), OPENAI)
    assert OPENAI.profile.silence_when_muted and sent and not any(sent)
