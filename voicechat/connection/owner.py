"""The connection owner: what a connection asks of the session that talks over it, as a protocol.

Quiet: only names and types.
"""

from typing import Protocol

from voicechat.events import Event
from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect


class ConnectionOwner(Protocol):
    """Talks over one connection after another; the supervisor knows whether one is ready."""

    @property
    def hands_free(self) -> bool:
        """Whether the model's VAD marks the turns; else the user does."""
        ...

    @property
    def is_quiet(self) -> bool:
        """Whether nothing would be lost by changing the connection now."""
        ...

    @property
    def is_answered(self) -> bool:
        """Whether a reply would be cut by it, or a tool's work."""
        ...

    @property
    def replying(self) -> str:
        """The id of the reply that is being made; empty: none is."""
        ...

    def on_event(self, event: Event) -> None:
        """Gets every event of the connection once, in order."""
        ...

    async def on_link_up(self, link: Link, dialect: Dialect) -> None:
        """The link is open: settle what the model must know before the greeting."""
        ...

    def on_link_lost(self) -> None:
        """Nothing on the connection goes on any more."""
        ...

    def stop_reply(self) -> None:
        """The connection is changed on purpose: its reply ends."""
        ...

    def check_overdue(self) -> None:
        """Called about once a second while a connection is up, or being made."""
        ...
