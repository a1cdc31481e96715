"""Two lines that say how the call stands: the line above the transcript, the meters below it.

Everything here is told apart by words and shapes first, by colour second.
"""

from textual.content import Content
from textual.widgets import Static

from voicechat.front.words import Words
from voicechat.session import Snapshot

_BARS = " ▁▂▃▄▅▆▇█"
_METER_WIDTH = 6
_FLOOR_DBFS = -60.0

_MARKS = {
    "connecting": "~",
    "offline": "x",
    "ready": "-",
    "listening": "<",
    "thinking": "?",
    "speaking": ">",
}


def meter(dbfs: float) -> str:
    """A level as a row of bars, -60 dBFS to full scale, in a fixed width."""
    filled = max(0.0, min(1.0, 1 - dbfs / _FLOOR_DBFS)) * _METER_WIDTH
    cells = []
    for at in range(_METER_WIDTH):
        part = max(0.0, min(1.0, filled - at))
        cells.append(_BARS[round(part * (len(_BARS) - 1))])
    return "".join(cells).replace(" ", "·")


class LineBar(Static):
    """Model, connection, and through which proxy."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="line", markup=False)
        self._words = words
        self._drawn: tuple[str, str, str] | None = None

    def draw(self, model: str, phase: str, proxy: str) -> None:
        link = phase if phase in ("connecting", "offline") else "connected"
        if (model, link, proxy) == self._drawn:
            return
        self._drawn = (model, link, proxy)
        way = self._words("via", proxy=proxy) if proxy else self._words("direct")
        text = self._words(link) if link == "offline" else f"{self._words(link)} {way}"
        self.set_class(link == "offline", "offline")
        self.update(Content.assemble(Content.styled(model, "bold"), f"  [{text}]"))


class StatusBar(Static):
    """Phase, meters, buffer, latency."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="status", markup=False)
        self._words = words
        self._drawn = ""

    def draw(self, snapshot: Snapshot) -> None:
        text = "  ".join(self._parts(snapshot))
        if text != self._drawn:
            self._drawn = text
            self.update(Content(text))

    def _parts(self, snapshot: Snapshot) -> list[str]:
        words, phase = self._words, snapshot.phase
        parts = [f"{_MARKS[phase]} {words(phase)}"]
        if snapshot.playout is not None:
            parts.append(f"{words('microphone')} {meter(snapshot.microphone_dbfs)}")
            parts.append(f"{words('loudspeaker')} {meter(snapshot.loudspeaker_dbfs)}")
            parts.append(words("buffer", ms=round(snapshot.playout.level_ms)))
        if snapshot.latency_ms is not None:
            parts.append(words("latency", seconds=snapshot.latency_ms / 1000))
        return parts
