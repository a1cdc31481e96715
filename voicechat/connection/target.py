"""A model to talk to: its language, how to reach it, and what to do when it cannot be reached.

Only words; made by the assembly, read by the session and the screen.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal

from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect


@dataclass(frozen=True, slots=True)
class Target:
    """One way to one model; good for one connection."""

    dialect: Dialect
    link: Callable[[], AbstractAsyncContextManager[Link]]
    model: str
    """As shown to the user."""
    name: str = ""
    """A name that leads to the model again; empty for one that only stands in for another."""
    notice: str = ""
    """Something to be told once, e.g. that a retired name led to its successor."""
    way: Literal["websocket", "http"] = "websocket"
    """How the provider is reached; shown to the user where it is not the usual way."""
    abilities: tuple[str, ...] = ()
    """What this very model is known to do (`catalog.ABILITIES`); empty: nobody knows."""
    proxy_label: str = ""
    """The proxy on the way to an HTTP service, which the link (to our own process) cannot know."""
    is_plain: bool = False
    """Everybody on the way to an HTTP service can read and hear what is said."""
    cuts_by_any_voice: bool = False
    """The user wants only words to cut a reply, and this model's VAD cannot leave that to us."""
    replaced: tuple[str, ...] = ()
    """As `notice`, of models that only help in the call."""
    announced: tuple[str, ...] = ()
    """Models of the call that end soon; told once, and never again in a later call."""
    instead: "Callable[[], Target] | None" = None
    """Makes the line to take when no WebSocket gets through, where there is one."""

    @property
    def sees(self) -> bool:
        """Whether a picture may be sent: its provider takes them, and the model is not blind."""
        is_blind = bool(self.abilities) and "images" not in self.abilities
        return self.dialect.profile.images and not is_blind

    @property
    def is_exposed(self) -> bool:
        """Whether everybody on the way to the model can read and hear what is said."""
        if self.way == "http" or self.dialect.profile.name == "local":
            return self.is_plain  # The link itself is one to a process of our own.
        return self.dialect.url().startswith("ws://")

    @property
    def may_cost(self) -> bool:
        """Whether somebody may want money for it: nobody does on this machine, or without a key."""
        return self.way == "http" or bool(self.dialect.profile.key_env)
