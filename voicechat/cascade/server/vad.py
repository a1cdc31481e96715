"""Endpointing: when a turn begins and when it has ended, counted in frames of 20 ms.

Whether one frame holds speech is said by `audio.vad`; a threshold of 0..1 asks for more certainty
and more loudness.
"""

from dataclasses import dataclass
from typing import Any, Literal

from voicechat.audio.vad import FRAME_BYTES, FRAME_MS, Detector, make_detector

_ONSET = 4
"""Voiced frames among the last five that make a beginning: 80 ms, so that a click is no word."""
_SEMANTIC_SILENCE_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 400}


@dataclass(frozen=True, slots=True)
class TurnRules:
    """How turns are found; from `session.audio.input.turn_detection`."""

    threshold: float = 0.5
    prefix_ms: int = 300
    silence_ms: int = 500
    create_response: bool = True
    interrupt_response: bool = True


def read_rules(turn_detection: dict[str, Any]) -> TurnRules:
    """Of either kind: semantic detection is silence of a length after its eagerness."""
    eagerness = turn_detection.get("eagerness", "auto")
    return TurnRules(
        turn_detection.get("threshold", 0.5),
        turn_detection.get("prefix_padding_ms", 300),
        turn_detection.get("silence_duration_ms", _SEMANTIC_SILENCE_MS[eagerness]),
        turn_detection["create_response"],
        turn_detection["interrupt_response"],
    )


def make_turn_detector(threshold: float) -> Detector:
    """A detector that asks for more loudness and more certainty the higher the threshold is."""
    return make_detector(-62 + 24 * threshold, min(3, int(threshold * 4)))


class TurnFinder:
    """Fold of frames: tells at which frame a turn begins and at which it has ended."""

    def __init__(self, rules: TurnRules, detector: Detector | None = None) -> None:
        self._detect = detector or make_turn_detector(rules.threshold)
        self._silent_frames = max(1, rules.silence_ms // FRAME_MS)
        self._recent: list[bool] = []
        self._quiet = 0
        self.speaking = False

    def feed(self, frame: bytes) -> Literal["", "started", "stopped"]:
        """One more frame; `started` means: with the first voiced of the last five frames."""
        self._recent = [*self._recent[-4:], self._detect(frame)]
        return self._hold() if self.speaking else self._wait()

    def onset_frames(self) -> int:
        """How many frames before now the speech that was just found began."""
        return len(self._recent) - self._recent.index(True)

    def _wait(self) -> Literal["", "started"]:
        if sum(self._recent) < _ONSET:
            return ""
        self.speaking, self._quiet = True, 0
        return "started"

    def _hold(self) -> Literal["", "stopped"]:
        # A lone voiced frame in a pause is a click: it takes two to go on with the turn.
        self._quiet = 0 if all(self._recent[-2:]) else self._quiet + 1
        if self._quiet < self._silent_frames:
            return ""
        self.speaking, self._recent = False, []
        return "stopped"


def trim(pcm: bytes) -> bytes:
    """The sound without the silence around the speech (100 ms stay before, 200 ms after it).

    Sound without any speech in it is returned whole.
    """
    detect = make_turn_detector(0.5)
    frames = range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)
    voiced = [at for at in frames if detect(pcm[at : at + FRAME_BYTES])]
    if not voiced:
        return pcm
    return pcm[max(0, voiced[0] - 5 * FRAME_BYTES) : voiced[-1] + 11 * FRAME_BYTES]
