"""The sound we send, in the pieces GLM likes, and an ear for a turn whose end it does not hear.

GLM wants 50 to 200 ms in each message, best 100.  Its VAD is known to miss the end of a turn,
above all when tools are offered (github.com/MetaGLM/glm-realtime-sdk, issue 21): then the user
has long been silent, and nobody answers.
"""

import struct

from voicechat.providers.audio_fields import peak

PIECE_MS = 100
QUIET_S = 3.0
"""Of silence after speech before the server counts as deaf."""
SPARE_S = 1.5
"""More than the silence that the server was asked to wait for."""
_FLOOR = 600
_SPEECH_TO_QUIET = 5
_FORGETS = 0.99
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


class AudioBatcher:
    """Joins chunks of sound until they are a piece worth sending."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, pcm: bytes, rate: int) -> list[bytes]:
        """Take PCM16 at `rate` Hz; the whole pieces there are now."""
        self._held += pcm
        size = rate * PIECE_MS // 1000 * 2
        whole = len(self._held) // size * size
        pieces = [bytes(self._held[at : at + size]) for at in range(0, whole, size)]
        del self._held[:whole]
        return pieces

    def flush(self) -> bytes:
        """The rest, at the end of a turn."""
        rest, self._held = bytes(self._held), bytearray()
        return rest


def wav_file(pcm: bytes, rate: int) -> bytes:
    """PCM16 mono as a WAV file of its own."""
    size = len(pcm)
    riff = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", size)
    return _HEADER.pack(*riff) + pcm


class TurnWatch:
    """Notices that the user fell silent and the server did not."""

    def __init__(self) -> None:
        self._is_speaking = False
        self._quiet_since: float | None = None
        self._loudest = 0.0

    def started(self, now: float) -> None:
        """The server heard the user begin."""
        self._is_speaking, self._quiet_since = True, now

    def stopped(self) -> None:
        """The server heard the end, or nobody needs it any more."""
        self._is_speaking = False

    def hears(self, pcm: bytes, now: float) -> None:
        """What the server hears too: quiet is far below the loudest of late."""
        level = peak(pcm)
        self._loudest = max(level, self._loudest * _FORGETS)
        if level > max(_FLOOR, self._loudest / _SPEECH_TO_QUIET):
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now

    def is_stuck(self, now: float, silence_ms: int) -> bool:
        """Whether the server, asked to wait for so much silence, should have heard the end."""
        longest_s = max(QUIET_S, silence_ms / 1000 + SPARE_S)
        quiet_since = self._quiet_since
        return self._is_speaking and quiet_since is not None and now - quiet_since >= longest_s
