"""What a call has cost so far, in tokens, in time and by the piece.

Quiet: usage in, money out; the prices come from outside, and the time (`now`, monotonic seconds).
"""

from collections.abc import Callable
from dataclasses import replace

from voicechat.events import Cost, Event, SessionMetered, SessionPaused, SessionResumed, Usage
from voicechat.session.state.metering import Meter

Price = Callable[[str, Usage], Cost | None]
"""What usage of a model costs; None: not known."""
_SECOND = Usage(connected_s=1.0)
_ITEM = Usage(items=1)


class Bill:
    """Adds up: what has ended, and the connection that lasts."""

    def __init__(self, price: Price | None) -> None:
        self._price = price
        self._settled: dict[str, float] = {}
        self._is_partial = False
        self._model = ""
        self._meter: Meter | None = None
        self._told: Usage | None = None
        """What the meter read at the last reply's end."""

    # -- what happens ---------------------------------------------------------------------------

    def connect(self, model: str, items: Callable[[], int], now: float) -> None:
        """A session is agreed on, in which time or messages may be billed.

        Args:
            items: How many of our messages were put into its conversation so far.
        """
        self.disconnect(now)
        if self._price is None:
            return
        by_item = items if self._price(model, _ITEM) else None
        is_timed = self._price(model, _SECOND) is not None
        if by_item or is_timed:
            self._model, self._told = model, None
            self._meter = Meter(now, by_item, is_timed=is_timed)

    def take_in(self, event: Event, now: float) -> None:
        """What the provider tells of the time that it bills."""
        if self._meter is None:
            return
        match event:
            case SessionMetered():
                self._meter.tell(event, now)
            case SessionPaused() | SessionResumed():
                self._meter.pause(now, is_paused=isinstance(event, SessionPaused))

    def add(self, model: str, usage: Usage | None, now: float) -> Usage | None:
        """A reply has ended.

        Args:
            usage: None where the provider does not say.

        Returns:
            The same, with the time and the messages since the reply before, where they are billed.
        """
        if self._price is None:
            return usage
        cost = self._price(model, usage) if usage else None
        if cost is not None:
            self._settle(cost)
        elif self._meter is None:
            self._is_partial = True
        return self._with_time(usage, now)

    def disconnect(self, now: float) -> None:
        """The session is over; what it took stays."""
        if self._meter is None:
            return
        costs, is_partial = self._running(now)
        self._meter = None
        self._is_partial |= is_partial
        for cost in costs:
            self._settle(cost)

    # -- what it came to ------------------------------------------------------------------------

    def costs(self, now: float) -> dict[str, float]:
        """Of everything so far, by currency; empty while nothing had a known price."""
        found = dict(self._settled)
        for cost in self._running(now)[0]:
            found[cost.currency] = found.get(cost.currency, 0.0) + cost.amount
        return found

    def is_partial(self, now: float) -> bool:
        """Whether there was more than that: something whose cost nobody knows."""
        return self._is_partial or self._running(now)[1]

    # -- small state ----------------------------------------------------------------------------

    def _settle(self, cost: Cost) -> None:
        self._settled[cost.currency] = self._settled.get(cost.currency, 0.0) + cost.amount

    def _running(self, now: float) -> tuple[list[Cost], bool]:
        """What the session of now takes, and whether something of it has no known price."""
        meter, price = self._meter, self._price
        if meter is None or price is None:
            return [], False
        kinds = meter.kinds(now)
        costs = [price(self._model, usage) for usage in kinds]
        known = [cost for cost in costs if cost is not None]
        return known, meter.has_extras or len(known) < len(costs)

    def _with_time(self, usage: Usage | None, now: float) -> Usage | None:
        if self._meter is None:
            return usage
        read, before = self._meter.read(now), self._told or Usage()
        self._told = read
        return replace(
            usage or Usage(),
            connected_s=_since(read.connected_s, before.connected_s),
            active_s=_since(read.active_s, before.active_s),
            standby_s=_since(read.standby_s, before.standby_s),
            items=None if read.items is None else read.items - (before.items or 0),
        )


def _since(now: float | None, before: float | None) -> float | None:
    """A provider may count less than the clock did."""
    return None if now is None else round(max(0.0, now - (before or 0.0)), 3)
