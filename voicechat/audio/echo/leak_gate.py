"""What a canceller lets through by mistake must not be taken for speech.

AEC3 leaks until it has found another delay: after its start, after a jump of the reference, and
when the echo itself jumped, which nobody tells us.  The rule: a leak is short and no louder than
the echo; a voice is longer, or louder.  So while it may leak nothing loud is sent that is not
clearly more than the echo; and at any time in a reply something loud that may be the echo must
last, before it is believed.  Quiet: time is counted in frames.
"""

import math

import numpy as np

from voicechat.audio.echo.frame import FRAME, FRAME_MS, Samples, Slice

UNSTEADY_MS = 500
"""After a jump of the reference a canceller must find its way again: so long it may leak."""
SETTLING_MS = 2000
"""Of the first sound that is cancelled, and after a jump, were it in silence."""
SAFE_RMS = 65.0
"""-54 dBFS: no detector takes that for a voice."""
LEAK_MS = 300
"""Few leaks are longer.  (Where the echo is as loud as a voice many are, and waiting would only
keep the user from being heard: see `may_be_echo`.)"""
PAUSE_MS = 300
"""After so much silence the next sound is judged anew."""


class LeakGate:
    """Softens what may be a leak; new, it waits for the canceller to find its way."""

    def __init__(self) -> None:
        self._unsteady_ms, self._settling_ms = 0, SETTLING_MS
        self._loud_ms = self._quiet_ms = 0
        self._gain = 1.0

    @property
    def is_steady(self) -> bool:
        """Whether the reference has not jumped lately."""
        return self._unsteady_ms <= 0

    @property
    def is_settled(self) -> bool:
        """Whether the canceller has heard enough to have found its way."""
        return self._settling_ms <= 0

    def settle(self) -> None:
        """The canceller begins anew."""
        self._settling_ms = SETTLING_MS

    def jump(self, *, is_audible: bool) -> None:
        """The reference jumped; `is_audible`: while something was played."""
        self._settling_ms = SETTLING_MS
        self._unsteady_ms = UNSTEADY_MS if is_audible else self._unsteady_ms

    def process(
        self, cleaned: Slice, *, is_silent: bool, may_be_echo: bool, is_spoken_over: bool
    ) -> Samples:
        """10 ms that were cleaned, softer where they may be a leak.

        Args:
            is_silent: Nothing is played now.
            may_be_echo: Something was played just before, and its echo is softer than voices are.
            is_spoken_over: What is heard is clearly more than the echo.
        """
        rms = math.sqrt(cleaned.power / FRAME)
        is_short = self._is_short(is_loud=rms > SAFE_RMS, is_spoken_over=is_spoken_over)
        holds = self._may_leak(is_silent=is_silent) or (may_be_echo and is_short)
        before, self._gain = self._gain, 1.0
        if holds and not is_spoken_over:
            self._gain = min(SAFE_RMS / max(rms, 1.0), 1.0)
        if before == self._gain == 1.0:
            return cleaned.samples
        slope = np.linspace(before, self._gain, FRAME, dtype=np.float32)
        softened: Samples = np.rint(cleaned.samples * slope).astype(np.int16)
        return softened

    def _may_leak(self, *, is_silent: bool) -> bool:
        if self._unsteady_ms > 0:
            self._unsteady_ms -= FRAME_MS
            return True
        if is_silent or self._settling_ms <= 0:
            return False
        self._settling_ms -= FRAME_MS
        return True

    def _is_short(self, *, is_loud: bool, is_spoken_over: bool) -> bool:
        """Whether what is loud has not been so for longer than a leak would be."""
        self._quiet_ms = 0 if is_loud else self._quiet_ms + FRAME_MS
        if self._quiet_ms >= PAUSE_MS:
            self._loud_ms = 0
        if is_spoken_over:
            self._loud_ms = LEAK_MS
        self._loud_ms += FRAME_MS * is_loud
        return self._loud_ms <= LEAK_MS
