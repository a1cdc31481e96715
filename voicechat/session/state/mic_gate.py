"""Which of the microphone's sound goes to the model: a gate with a key, a mute and a memory.

In push-to-talk the gate opens on the key; people begin to speak while they press it, so the last
moments before belong to the turn.  In hands-free mode it is always open unless muted, and then
zeros may have to go on flowing, because a model's VAD measures time in received sound.
"""

from voicechat.audio.timed_audio import TimedAudioBuffer, duration_ms

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

    def take(self, pcm: bytes, rate: int, *, silence_when_muted: bool) -> bytes | None:
        """What to send for this chunk of sound: itself, as much silence, or nothing."""
        if self.is_open:
            self.count(pcm, rate)
            return pcm
        if self.hands_free and silence_when_muted:
            return bytes(len(pcm))
        self._before.push(pcm, duration_ms(pcm, rate))
        return None
