"""The input audio buffer: what was appended, and where in it the turns are.

Positions count from the first byte appended in the session, as `audio_start_ms` does.
"""

from dataclasses import dataclass
from typing import TypeAlias

from voicechat.audio.vad import FRAME_BYTES, FRAME_MS
from voicechat.cascade.audio import BYTES_PER_MS, ms_of
from voicechat.cascade.server.vad import TurnFinder, TurnRules

_LONGEST_MS = 600_000
"""Of one turn; older sound of a longer one is forgotten."""


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Speech ended; the turn is ready."""

    end_ms: int
    pcm: bytes


TurnEvent: TypeAlias = Started | Stopped


class InputBuffer:
    """Appended sound; with rules it finds the turns in it, without (push-to-talk) it waits."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._origin = 0
        """Session position of the first byte that is still held."""
        self._looked = 0
        """Session position up to which the finder has seen the sound."""
        self._rules: TurnRules | None = None
        self._finder: TurnFinder | None = None

    @property
    def rules(self) -> TurnRules | None:
        return self._rules

    def set_rules(self, rules: TurnRules | None) -> None:
        """Change how turns are found; the same rules again change nothing."""
        if rules != self._rules:
            self._rules = rules
            self._finder = TurnFinder(rules) if rules else None
            self._looked = self._end()

    def append(self, pcm: bytes) -> list[TurnEvent]:
        """More sound; what its frames brought about, in order."""
        self._pcm += pcm
        if not self._finder or not self._rules:
            self._forget_before(self._end() - _LONGEST_MS * BYTES_PER_MS)
            return []
        found: list[TurnEvent] = []
        while self._end() - self._looked >= FRAME_BYTES:
            found += self._look(self._finder, self._rules)
        return found

    def commit(self) -> bytes | None:
        """Take everything that is held as one turn; None when it is less than 100 ms."""
        return None if len(self._pcm) < 100 * BYTES_PER_MS else self._take(self._end())

    def clear(self) -> None:
        """Forget what is held, and any speech that was going on in it."""
        self._take(self._end())

    def held_ms(self) -> float:
        return len(self._pcm) / BYTES_PER_MS

    def _look(self, finder: TurnFinder, rules: TurnRules) -> list[TurnEvent]:
        at = self._looked - self._origin
        self._looked += FRAME_BYTES
        match finder.feed(bytes(self._pcm[at : at + FRAME_BYTES])):
            case "started":
                onset_ms = finder.onset_frames() * FRAME_MS + rules.prefix_ms
                self._forget_before(self._looked - onset_ms * BYTES_PER_MS)
                return [Started(ms_of(self._origin))]
            case "stopped":
                return [Stopped(ms_of(self._looked), self._take(self._looked))]
        kept_ms = _LONGEST_MS if finder.speaking else rules.prefix_ms + 10 * FRAME_MS
        self._forget_before(self._looked - kept_ms * BYTES_PER_MS)
        return []

    def _take(self, end: int) -> bytes:
        taken = bytes(self._pcm[: end - self._origin])
        self._forget_before(end)
        if self._rules and end == self._end():
            self._finder = TurnFinder(self._rules)
        self._looked = max(self._looked, end)
        return taken

    def _forget_before(self, position: int) -> None:
        surplus = position - self._origin
        if surplus > 0:
            del self._pcm[:surplus]
            self._origin += surplus

    def _end(self) -> int:
        return self._origin + len(self._pcm)
