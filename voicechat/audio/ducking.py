"""The assistant speaks more softly as soon as the user seems to speak, and goes on if not.

A service needs its time to say that it hears the user; we hear the user first.  Softer sound has a
softer echo too, so that whoever decides whether that was speech hears the user better.  The rule:
60 ms of a voice make it soft, 200 ms let it wait, 400 ms without make it loud again.  It waits for
whoever decides until 600 ms without a voice, and 2 s at most: somebody who talks beside the user
for minutes must not keep it waiting.  Where nobody decided, it does not wait again until it has
finished: what is left of an echo, or a cough now and then, may cost one pause.  Time is counted in
frames.
"""

from voicechat.audio.vad import FRAME_BYTES, FRAME_MS, Detector, make_detector

GAIN = 10 ** (-12 / 20)
SEEMING_MS = 60
CERTAIN_MS = 200
GAP_MS = 60
"""A voice may pause so long between two sounds that belong together."""
QUIET_MS = 400
HELD_QUIET_MS = 600
"""After so much the decision is not to be expected any more, however slow the network is."""
LONGEST_HOLD_MS = 2000
AUDIBLE_DBFS = -50.0
"""What is left of an echo is softer, somebody at a microphone louder."""
_AGGRESSIVE = 3


class Duck:
    """Listens beside the assistant; feed it all that the microphone gives.

    Args:
        hears_voice: Says of a loud frame whether it is a voice; None: the usual detector.
    """

    def __init__(self, hears_voice: Detector | None = None) -> None:
        self._detect = make_detector(AUDIBLE_DBFS, _AGGRESSIVE, hears_voice)
        self._rest = b""
        self._was_in_vain = False
        """Whether it has waited, and nobody wanted that."""
        self._forget()

    @property
    def gain(self) -> float:
        """By how much the assistant's sound shall be multiplied."""
        return GAIN if self._is_soft else 1.0

    @property
    def holds(self) -> bool:
        """Whether the user has certainly begun to speak over it, and nobody has decided yet."""
        return self._held_ms is not None

    def feed(self, chunk: bytes, *, is_playing: bool) -> None:
        """More of the microphone.

        Args:
            chunk: PCM16 mono at the house rate, without echo.
            is_playing: Whether the assistant is heard; else there is nothing to be made softer.
        """
        if not is_playing:
            self._rest, self._was_in_vain = b"", False
            self._forget()
            return
        data = self._rest + chunk
        whole = len(data) // FRAME_BYTES * FRAME_BYTES
        self._rest = data[whole:]
        for at in range(0, whole, FRAME_BYTES):
            self._step(data[at : at + FRAME_BYTES])

    def _forget(self) -> None:
        self._voiced_ms = self._quiet_ms = 0
        self._is_soft = False
        self._held_ms: int | None = None
        """Since the voice was certain."""

    def _step(self, frame: bytes) -> None:
        if self._detect(frame):
            self._voiced_ms, self._quiet_ms = self._voiced_ms + FRAME_MS, 0
        else:
            self._quiet_ms += FRAME_MS
        if self._quiet_ms > GAP_MS:
            self._voiced_ms = 0
        if self._quiet_ms >= (HELD_QUIET_MS if self.holds else QUIET_MS):
            self._was_in_vain |= self.holds
            self._forget()
            return
        self._is_soft = self._is_soft or self._voiced_ms >= SEEMING_MS
        if self._held_ms is not None:
            self._go_on_holding(self._held_ms + FRAME_MS)
        elif self._voiced_ms >= CERTAIN_MS and not self._was_in_vain:
            self._held_ms = 0

    def _go_on_holding(self, held_ms: int) -> None:
        self._was_in_vain = held_ms >= LONGEST_HOLD_MS
        self._held_ms = None if self._was_in_vain else held_ms
