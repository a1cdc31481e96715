"""What a line must know before its greeting: what was said, who marks the turns, what there is.

A dialect's settings are changed only until it has greeted.
"""

from dataclasses import replace

from voicechat.audio.engine import Engine
from voicechat.conversation.conversation import Conversation
from voicechat.providers.base import Dialect, HistoryEntry
from voicechat.tools.toolbox import Toolbox

SOUND_WAIT_S = 1.5
"""How long a connected line waits for the sound card to say whether it works."""
TOOLS_WAIT_S = 5.0
"""How long a connected line waits for servers of tools to say what they have."""


def apply_history(
    dialect: Dialect, conversation: Conversation, unsent: set[str], *, hands_free: bool, handle: str
) -> None:
    """What the lines before knew.

    Args:
        unsent: Item ids of what no model has got yet: that is said, not told.
        hands_free: The user may have changed it since the first line.
        handle: Of the provider's session, to take it up again; empty: there is none.
    """
    said = tuple(
        HistoryEntry("assistant" if row.role == "note" else row.role, text, row.id)
        for row, text in conversation.recall(unsent)
    )
    dialect.settings = replace(dialect.settings, hands_free=hands_free, resume=handle, history=said)


async def apply_environment(dialect: Dialect, engine: Engine, toolbox: Toolbox) -> None:
    """What can be known only a moment later: whether there is a loudspeaker, and which tools."""
    await engine.wait_tried(SOUND_WAIT_S)
    if engine.lacks_loudspeaker:
        dialect.settings = replace(dialect.settings, text_only=True)
    if dialect.profile.tools:
        await toolbox.wait_ready(TOOLS_WAIT_S)
        dialect.settings = replace(dialect.settings, tools=toolbox.tools())
