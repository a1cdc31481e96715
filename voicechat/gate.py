"""Which of the microphone's sound goes to the model: a gate with a key, a mute and a memory.

In push-to-talk the gate opens on the key; people begin to speak while they press it, so the last
moments before belong to the turn.  In hands-free mode it is always open unless muted, and then
zeros may have to go on flowing, because a model's VAD measures time in received sound.
"""

from collections import deque

PREROLL_MS = 300


class Gate:
    """Decides chunk by chunk; PCM16 mono in, the same out."""

    def __init__(self, *, hands_free: bool) -> None:
        self.hands_free = hands_free
        self.muted = False
        self.is_talking = False
        """Push-to-talk: the key is down (or was pressed once)."""
        self.talked_ms = 0.0
        """Of the last turn: how much came after the key; what was heard before does not count."""
        self._before: deque[bytes] = deque()
        self._before_bytes = 0

    @property
    def is_open(self) -> bool:
        return self.is_talking or (self.hands_free and not self.muted)

    def press(self) -> list[bytes]:
        """Open for a turn; returns what was heard just before."""
        self.is_talking, self.talked_ms = True, 0.0
        before = list(self._before)
        self._forget()
        return before

    def release(self) -> bool:
        """Close after a turn; tells whether it was open for one."""
        was_talking, self.is_talking = self.is_talking, False
        return was_talking

    def count(self, pcm: bytes, rate: int) -> None:
        """This much belongs to the turn."""
        self.talked_ms += len(pcm) / 2 * 1000 / rate

    def take(self, pcm: bytes, rate: int, *, silence_when_muted: bool) -> bytes | None:
        """What to send for this chunk of sound: itself, as much silence, or nothing."""
        if self.is_open:
            self.count(pcm, rate)
            return pcm
        if self.hands_free and silence_when_muted:
            return bytes(len(pcm))
        self._remember(pcm, rate * 2 * PREROLL_MS // 1000)
        return None

    def _remember(self, pcm: bytes, most: int) -> None:
        self._before.append(pcm)
        self._before_bytes += len(pcm)
        while self._before_bytes > most:
            self._before_bytes -= len(self._before.popleft())

    def _forget(self) -> None:
        self._before.clear()
        self._before_bytes = 0
