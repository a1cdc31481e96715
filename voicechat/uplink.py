"""What a microphone hears, as the model should get it: at its rate, and only what the gate passes.

Quiet: chunks of PCM16 mono in, the same out.
"""

from voicechat.audio.pcm import HOUSE_RATE
from voicechat.audio.resample import Resampler
from voicechat.providers.base import Dialect
from voicechat.session.state.mic_gate import MicGate


class MicUplink:
    """Resamples; a new line may want another rate."""

    def __init__(self, gate: MicGate) -> None:
        self._gate = gate
        self.rate = HOUSE_RATE
        """Hz of what is passed."""
        self._resampler = Resampler(HOUSE_RATE, HOUSE_RATE)

    def take(self, chunk: bytes, dialect: Dialect) -> bytes | None:
        """What to send for a chunk at the house rate, at the model's; None: nothing."""
        if dialect.input_rate != self.rate:
            self.rate = dialect.input_rate
            self._resampler = Resampler(HOUSE_RATE, self.rate)
        needs_silence = dialect.profile.silence_when_muted
        pcm = self._resampler.process(chunk)
        return self._gate.take(pcm, self.rate, silence_when_muted=needs_silence)
