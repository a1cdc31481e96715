"""A recording instead of a microphone: one spoken turn.

With marked turns it is sent at once, where VAD finds them at its own pace.
"""

import asyncio
from pathlib import Path

from voicechat.audio.recording.wav import read_wav
from voicechat.session.session import Session

CHUNK_MS = 100
TRAILING_SILENCE_MS = 1000
"""VAD measures silence in received sound, so a spoken file must be followed by what ends a turn
(`Vad.silence_ms`), and a little more."""


class Recording:
    """A file, read at the rate a model is expected to want."""

    def __init__(self, path: Path, rate: int) -> None:
        """Read it.

        Args:
            rate: Hz.

        Raises:
            ConfigError: it cannot be read, or is no WAV file.
        """
        self._path, self._rate = path, rate
        self._pcm = read_wav(path, rate)

    async def speak(self, session: Session) -> None:
        """Send all of it to a session that is ready; without hands-free, `end_turn` comes next."""
        is_live = session.is_hands_free
        pcm = self._at(session.input_rate)
        if is_live:
            silence_ms = session.silence_ms + TRAILING_SILENCE_MS
            pcm += bytes(self._rate * silence_ms // 1000 * 2)
        else:
            session.begin_turn()
        size = self._rate * CHUNK_MS // 1000 * 2
        for start in range(0, len(pcm), size):
            session.speak(pcm[start : start + size])
            await asyncio.sleep(CHUNK_MS / 1000 if is_live else 0)

    def _at(self, rate: int) -> bytes:
        """Its sound at the rate that the server has said by now."""
        if rate != self._rate:
            self._pcm, self._rate = read_wav(self._path, rate), rate
        return self._pcm
