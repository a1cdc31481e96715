"""Two lines that say how the call stands: the line above the transcript, the meters below it.

Everything here is told apart by words and shapes first, by colour second.
"""

import time
from collections.abc import Mapping
from os.path import commonprefix

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from voicechat.front.words.words import Words
from voicechat.session.session import Session, Snapshot

_BARS = " ▁▂▃▄▅▆▇█"
_METER_WIDTH = 6
_FLOOR_DBFS = -60.0
GAP = "  "
WIDE = 100
LEAST_BENT_MS = 100
"""Less than that, added to replies or left out of them, is nothing to be shown."""
MOMENT_S = 2.0
"""How long what was just changed is shown."""
NUMBERS_S = 0.25
"""Numbers stay as long as that, to be read; levels move at once."""

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


_SIGNS = {"USD": "$", "CNY": "¥"}


def say_money(costs: Mapping[str, float]) -> str:
    """Amounts with the sign of their currency; those of several are not added up."""
    return " + ".join(f"{_SIGNS[currency]}{costs[currency]:.4f}" for currency in sorted(costs))


def say_levels(words: Words, snapshot: Snapshot) -> list[str]:
    """How loud both sides are now."""
    microphone, loudspeaker = snapshot.microphone_dbfs, snapshot.loudspeaker_dbfs
    return [
        f"{words('microphone')} {meter(microphone)}",
        f"{words('loudspeaker')} {meter(loudspeaker)}",
    ]


def say_clock(seconds: float) -> str:
    """As a recorder shows it: `0:07`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class LineBar(Horizontal):
    """Model on the left; connection, and through which proxy, on the right."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="line")
        self._words = words
        self._model = Static(id="model", markup=False)
        self._link = Static(id="link", markup=False)
        self._drawn: tuple[str, str] | None = None
        self._facts: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield self._model
        yield self._link

    def draw(self, session: Session, phase: str) -> bool:
        """Draw the line; whether it changed."""
        facts = (session.line, phase, session.proxy_label)
        if facts == self._facts:
            return False  # Asked ten times a second, it changes once a call.
        self._facts = facts
        model, link = session.model, self._say(session, phase)
        if (model, link) == self._drawn:
            return False
        self._drawn = (model, link)
        self.set_class(phase == "offline", "offline")
        self.set_class(session.way == "http", "http")
        self._model.update(Content(model))
        self._link.update(Content(link))
        return True

    def _say(self, session: Session, phase: str) -> str:
        words = self._words
        if phase in ("connecting", "offline"):
            return f"{_MARKS[phase]} {words(phase)}"
        proxy = session.proxy_label
        way = words("via", proxy=proxy) if proxy else words("direct")
        is_http = session.way == "http"
        parts = [words("connected_http" if is_http else "connected"), way]
        if session.is_exposed:
            parts.append(words("plain"))
        return words("comma").join(parts)


class StatusBar(Widget):
    """Phase, meters, buffer, latency, cost; what matters most comes first, the rest is cut.

    Numbers for those who look for the cause of bad sound are shown only where all of them fits.
    Only the cells that changed are painted.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(id="status")
        self._words = words
        self._text = ""
        self._width = 0
        self._moment, self._moment_ends = "", 0.0
        self._numbers: list[str] = []
        self._buffer_ms = 0
        self._numbers_end = 0.0

    @property
    def text(self) -> str:
        """The whole line, also what is cut."""
        return self._text

    def render_line(self, y: int) -> Strip:
        text = self._text
        if cell_len(text) > self._width:
            text = set_cell_size(text, max(self._width - 1, 0)).rstrip() + "…"
        return Strip([Segment(text, self.rich_style)])

    def on_resize(self) -> None:
        self._width = self.content_size.width

    def show_for_a_moment(self, text: str) -> None:
        """Say what was just changed; the next change takes its place."""
        self._moment, self._moment_ends = text, time.monotonic() + MOMENT_S

    def draw(self, snapshot: Snapshot, *, is_scrolled: bool, recorded_s: float = 0.0) -> bool:
        """Draw the line; whether it changed.

        Args:
            recorded_s: Seconds since a recording began; 0: there is none.
        """
        self._count(snapshot)
        parts = self._parts(snapshot)
        if snapshot.is_slow:
            parts.insert(1, self._words("slow_link"))
        if time.monotonic() < self._moment_ends:
            parts.insert(1, self._moment)
        if recorded_s:
            parts.insert(1, f"● {self._words('recording')} {say_clock(recorded_s)}")
        if is_scrolled:
            parts.insert(1, self._words("scrolled"))
        text = self._fit(parts, self._numbers)
        if text == self._text:
            return False
        before, self._text = self._text, text
        same = len(commonprefix([before, text]))
        self.refresh(Region(1 + cell_len(text[:same]), 0, self._width, 1))  # 1: its padding.
        return True

    def _count(self, snapshot: Snapshot) -> None:
        """Look at the numbers again, if they have stood long enough."""
        now = time.monotonic()
        if now >= self._numbers_end:
            self._numbers_end = now + NUMBERS_S
            self._numbers = self._say_numbers(snapshot)
            self._buffer_ms = round(snapshot.playout.level_ms) if snapshot.playout else 0

    def _fit(self, parts: list[str], numbers: list[str]) -> str:
        """The parts, and as many of the numbers as there is room for in a wide window."""
        text, width = GAP.join(parts), self._width
        for number in numbers if width >= WIDE else ():
            if cell_len(text + GAP + number) > width:
                break
            text += GAP + number
        return text

    def _parts(self, snapshot: Snapshot) -> list[str]:
        words, phase = self._words, snapshot.phase
        parts = [f"{_MARKS[phase]} {words(phase)}"]
        if snapshot.playout is not None:
            parts += say_levels(words, snapshot)
            parts.append(words("buffer", ms=self._buffer_ms))
        if snapshot.latency_ms is not None:
            parts.append(words("latency", seconds=snapshot.latency_ms / 1000))
        if snapshot.costs:
            key = "cost_over" if snapshot.is_cost_partial else "cost"
            parts.append(words(key, money=say_money(snapshot.costs)))
        elif snapshot.is_cost_partial:
            parts.append(words("cost_unknown"))
        return parts

    def _say_numbers(self, snapshot: Snapshot) -> list[str]:
        """How the sound is kept together; what would say nothing is left out."""
        words, playout, echo = self._words, snapshot.playout, snapshot.echo
        numbers = []
        if playout is not None:
            numbers.append(words("target", ms=playout.target_ms))
        if playout is not None and playout.underruns:
            ms = playout.gap_ms
            numbers.append(words("gaps", count=playout.underruns, seconds=ms / 1000))
        if echo.state == "half-duplex":
            numbers.append(words("half_duplex"))
        elif echo.state == "on" and echo.erle_db is not None:
            numbers.append(words("echo", db=round(-echo.erle_db), ms=echo.delay_ms))
        if playout is not None and playout.added_ms >= LEAST_BENT_MS:
            numbers.append(words("stretched", seconds=playout.added_ms / 1000))
        if playout is not None and playout.dropped_ms >= LEAST_BENT_MS:
            numbers.append(words("left_out", seconds=playout.dropped_ms / 1000))
        if snapshot.lost:
            numbers.append(words("lost", count=snapshot.lost))
        return numbers
