"""What goes wrong in a day of talk, by the hour: every ten minutes the weather changes, and after
each round of it the sky is clear for so long that sessions can grow old.

Frozen choices of a seeded chance, so that the same day can be had again.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.session.wires import Wire
from voicechat.errors import VoiceChatError
from voicechat.net.connect_errors import connect_error, service_answer
from voicechat.net.proxy import Route

Kind: TypeAlias = Literal["normal", "long", "flood", "empty", "failed", "unanswered"]
"""Of a reply."""

ROTATES_S = 600.0
ROUND_S = 4 * 3600.0
ROTATION = (
    "calm", "cuts", "calm", "refused", "stalls", "silent", "failing", "overloaded", "floods"
)  # fmt: skip
FLOOD_WORDS = 1200
_ROUTE = Route("service.example")
_LIMIT_BODY = b'{"error":{"code":"rate_limit_exceeded","message":"Slow down."}}'
_ENDS: tuple[tuple[int | None, str], ...] = (
    (None, ""),
    (1000, ""),
    (1001, "going away"),
    (1006, ""),
    (1011, "internal error"),
    (1012, "service restart"),
    (1013, "try again later"),
)
_REPLIES: dict[str, tuple[Kind, ...]] = {
    "silent": ("empty", "empty", "unanswered", "normal"),
    "failing": ("failed", "failed", "normal"),
    "floods": ("flood", "long", "normal"),
}


@dataclass(slots=True)
class Weather:
    """Decides by the time of the day.

    Args:
        clears_s: From this time on nothing goes wrong any more.
    """

    chance: random.Random
    began: float
    clears_s: float

    def name(self) -> str:
        passed = asyncio.get_running_loop().time() - self.began
        if passed >= self.clears_s:
            return "calm"
        at = int(passed % ROUND_S // ROTATES_S)
        return ROTATION[at] if at < len(ROTATION) else "calm"

    def refusal(self) -> VoiceChatError | None:
        """Why this attempt to dial fails; None: it does not."""
        name = self.name()
        if name == "refused" and self.chance.random() < 0.8:
            return connect_error(ConnectionRefusedError(111, "refused"), _ROUTE, at_proxy=False)
        if name == "overloaded" and self.chance.random() < 0.7:
            return service_answer(_ROUTE, 429, {"retry-after": "7"}, _LIMIT_BODY, 0.0)
        return None

    def reply(self) -> Kind:
        """What the model answers now."""
        kinds = _REPLIES.get(self.name(), ("normal", "normal", "normal", "long"))
        return self.chance.choice(kinds)

    async def blow(self, wire: Callable[[], Wire | None]) -> None:
        """Do to the line of the moment what the hour brings, for ever."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 45))
            if now := wire():
                await self._strike(now)

    async def _strike(self, wire: Wire) -> None:
        match self.name():
            case "cuts" | "refused" | "overloaded":
                self._cut(wire)
            case "stalls":
                wire.stall(self.chance.uniform(1.0, 25.0))
                if self.chance.random() < 0.3:
                    await asyncio.sleep(10.0)
                    wire.reset()

    def _cut(self, wire: Wire) -> None:
        if self.chance.random() < 0.3:
            wire.reset()
        else:
            code, reason = self.chance.choice(_ENDS)
            wire.close(None if code == 1006 else code, reason)
