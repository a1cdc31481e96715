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

    def add(self, model: str, usage: Usage | None) -> None:
        """A reply has ended; `usage`: None where the provider does not say."""
        cost = self._price(model, usage) if self._price and usage else None
        if cost is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost
