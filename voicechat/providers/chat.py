"""An ordinary chat model, made one to talk to: OpenAI's dialect, spoken by a process of our own.

The process (`voicechat.cascade`) hears, asks the model over HTTPS, and speaks; which service that
is stands in `catalog_services`.  The address below is the one to start it at by hand.
"""

from typing import ClassVar

from voicechat.providers.base import Profile
from voicechat.providers.local import LocalDialect
from voicechat.text.phrase import phrase


class ChatDialect(LocalDialect):
    """Differs in facts only."""

    profile: ClassVar[Profile] = Profile(
        name="chat",
        title=phrase("Chat (HTTP)"),
        url="ws://127.0.0.1:8766/v1/realtime?model={model}",
        default_model="auto",
        max_session_s=24 * 3600.0,
        pong_s=120.0,  # It is on this machine: if it is slow, so is everything.
        images=True,
        tools=True,
    )


DIALECT = ChatDialect
