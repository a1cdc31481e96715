"""From an open link to a session: what to ask for, what to give up, how long to wait.

A refused session can be asked for again on the same link, with less; the rule is that nothing is
given up without being told.
"""

from collections.abc import Callable
from typing import ClassVar

from voicechat.events import Notice
from voicechat.providers.base import Settings
from voicechat.providers.gptlive.setup import WISHES, Wish, blamed, build
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.errors import Fault
from voicechat.text.phrase import phrase, without_stop


class Start:
    """The beginning of one session.

    Attributes:
        is_over: The session has begun.
    """

    patience_s: ClassVar[float] = 15.0
    """From the open link to `session.started`."""

    def __init__(
        self, say: Callable[[JsonObject], None], settings: Settings, model: str, rate: int
    ) -> None:
        self.is_over = False
        self._say = say
        self._settings = settings
        self._model = model
        self._rate = rate
        self._left_out: set[Wish] = set()
        self._asked_at: float | None = None

    def ask(self, now: float) -> None:
        """Ask for a session."""
        self._asked_at = now
        session = build(self._settings, self._model, self._rate, self._left_out)
        self._say({"type": "session.start", "session": session})

    def give_up(self, fault: Fault, now: float) -> Notice | None:
        """Ask for less; None: the fault is with something that a session needs."""
        wish = blamed(fault.param, fault.message, self._settings.helper_model)
        if self.is_over or wish is None or wish in self._left_out or not self._has(wish):
            return None
        self._left_out.add(wish)
        self.ask(now)
        words = phrase(
            "The server refused {what} ({why}); going on without",
            what=WISHES[wish],
            why=without_stop(fault.message),
        )
        return Notice("update_refused", words)

    def is_late(self, now: float) -> bool:
        """Whether the server has been silent for too long; True once."""
        if self.is_over or self._asked_at is None or now - self._asked_at < self.patience_s:
            return False
        self._asked_at = None
        return True

    @property
    def offered(self) -> frozenset[str]:
        """Names of the tools that the session was asked to have."""
        is_left_out = "delegation" in self._left_out
        return frozenset() if is_left_out else frozenset(tool.name for tool in self._settings.tools)

    def _has(self, wish: Wish) -> bool:
        settings = self._settings
        chosen = {"voice": settings.voice, "input": settings.history, "delegation": settings.tools}
        return bool(chosen[wish])
