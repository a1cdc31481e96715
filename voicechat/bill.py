"""What a call has cost so far.

Quiet: tokens in, US dollars out; the prices come from outside.
"""

from collections.abc import Callable

from voicechat.events import Usage

Price = Callable[[str, Usage], float | None]
"""US dollars of one reply of a model; None: not known."""


class Bill:
    """Adds up."""

    def __init__(self, price: Price | None) -> None:
        self._price = price
        self.cost_usd: float | None = None
        """Of all replies so far; None while none had a known price."""
        self.is_partial = False
        """Whether there was more than that: a reply whose cost nobody knows."""

    def add(self, model: str, usage: Usage | None) -> None:
        """A reply has ended; `usage`: None where the provider does not say."""
        if self._price is None:
            return
        cost = self._price(model, usage) if usage else None
        if cost is None:
            self.is_partial = True
        else:
            self.cost_usd = (self.cost_usd or 0.0) + cost
