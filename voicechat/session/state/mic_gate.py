"""Which of the microphone's sound goes to the model: a gate with a key, a mute and a memory.

In push-to-talk the gate opens on the key; people begin to speak while they press it, so the last
moments before belong to the turn.  In hands-free mode it is always open unless muted, and then
zeros may have to go on flowing, because a model's VAD measures time in received sound.

The end of a turn that a key ends: what was said and is still on its way belongs to it.

When the key is let go, the card and what comes behind it still hold the last moments of speech, and
people let go a little before their last sound has ended.  Where nothing was said in the last tenth
of a second, as it mostly is, the turn is over at once.  Else it goes on until that sound has come,
and then to the first chunk that is quiet, a tenth of a second more at most.

No clock: time is counted in sound.

What a microphone hears, as the model should get it: at its rate, and only what the gate passes.

Quiet: chunks of PCM16 mono in, the same out.
"""

from voicechat.audio.pcm import HOUSE_RATE, bytes_to_ms, level_dbfs
from voicechat.audio.resample import Resampler
from voicechat.audio.timed_audio import TimedAudioBuffer, duration_ms
from voicechat.providers.base import Dialect

LOOK_MS = 100
"""So long after the last sound nobody is in the middle of a word."""
LONGEST_LAG_MS = 150
LONGEST_MORE_MS = 100
SOFTER_DB = 25.0
"""The end of a word is no softer than that, measured by the loudest of the turn;"""
QUIET_DBFS = -55.0
"""and what is softer than this is none, whatever the rest was like."""


class ReleaseHangover:
    """Feed it every chunk of a turn."""

    def __init__(self) -> None:
        self.begin_turn()

    def begin_turn(self) -> None:
        """The key was pressed."""
        self._loudest = QUIET_DBFS
        self._quiet_ms = LOOK_MS
        self._must_ms = self._may_ms = 0
        self.is_open = False
        """Whether the key was let go, and the turn waits for its end."""

    def let_go(self, lag_ms: float) -> bool:
        """The key was let go; whether the turn goes on for a moment.

        Args:
            lag_ms: How long ago the newest sound that was fed was at the microphone.
        """
        self.is_open = self._quiet_ms < LOOK_MS
        self._must_ms = round(min(max(lag_ms, 0), LONGEST_LAG_MS))
        self._may_ms = self._must_ms + LONGEST_MORE_MS
        return self.is_open

    def hear(self, pcm: bytes, rate: int) -> bool:
        """More of the turn, PCM16 mono; whether the turn is over with it."""
        level, ms = level_dbfs(pcm), bytes_to_ms(len(pcm), rate)
        self._loudest = max(self._loudest, level)
        is_quiet = level <= max(self._loudest - SOFTER_DB, QUIET_DBFS)
        self._quiet_ms = self._quiet_ms + ms if is_quiet else 0
        self._must_ms, self._may_ms = self._must_ms - ms, self._may_ms - ms
        return self.is_open and ((is_quiet and self._must_ms <= 0) or self._may_ms <= 0)


PREROLL_MS = 300


class MicGate:
    """Decides chunk by chunk; PCM16 mono in, the same out."""

    def __init__(self, *, hands_free: bool) -> None:
        self.hands_free = hands_free
        self.muted = False
        self.is_talking = False
        """Push-to-talk: the key is down (or was pressed once)."""
        self.talked_ms = 0.0
        """Of the last turn: how much came after the key; what was heard before does not count."""
        self._before: TimedAudioBuffer[bytes] = TimedAudioBuffer(PREROLL_MS)

    @property
    def is_open(self) -> bool:
        return self.is_talking or (self.hands_free and not self.muted)

    def press(self) -> list[bytes]:
        """Open for a turn; returns what was heard just before."""
        self.is_talking, self.talked_ms = True, 0.0
        return self._before.drain()

    def release(self) -> bool:
        """Close after a turn; tells whether it was open for one."""
        was_talking, self.is_talking = self.is_talking, False
        return was_talking

    def count(self, pcm: bytes, rate: int) -> None:
        """This much belongs to the turn."""
        self.talked_ms += duration_ms(pcm, rate)

    def filter(self, pcm: bytes, rate: int, *, silence_when_muted: bool) -> bytes | None:
        """What to send for this chunk of sound: itself, as much silence, or nothing."""
        if self.is_open:
            self.count(pcm, rate)
            return pcm
        if self.hands_free and silence_when_muted:
            return bytes(len(pcm))
        self._before.push(pcm, duration_ms(pcm, rate))
        return None


class MicUplink:
    """Resamples; a new line may want another rate."""

    def __init__(self, gate: MicGate) -> None:
        self._gate = gate
        self.rate = HOUSE_RATE
        """Hz of what is passed."""
        self._resampler = Resampler(HOUSE_RATE, HOUSE_RATE)

    def transform(self, chunk: bytes, dialect: Dialect) -> bytes | None:
        """What to send for a chunk at the house rate, at the model's; None: nothing."""
        if dialect.input_rate != self.rate:
            self.rate = dialect.input_rate
            self._resampler = Resampler(HOUSE_RATE, self.rate)
        needs_silence = dialect.profile.silence_when_muted
        pcm = self._resampler.process(chunk)
        return self._gate.filter(pcm, self.rate, silence_when_muted=needs_silence)
