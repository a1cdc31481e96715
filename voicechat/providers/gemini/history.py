"""What was said before a session: its first content, or a part of the instructions.

With `historyConfig` the server takes its first content for the past and answers nothing; until
that content is complete, nothing may be streamed.  Older models answer a content that ends with
the user's say, and forget one that does not, so they read it in the instructions.  A session that
is taken up again remembers by itself.

Source: `HistoryConfig` in the Live API reference; the guide on session management.
"""

from voicechat.providers.base import Settings
from voicechat.providers.gemini.model_traits import traits
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.history import instructed, noted, past_of
from voicechat.text.clean import clean

CONFIG: JsonObject = {"initialHistoryInClientContent": True}
_ROLES = {"user": "user", "assistant": "model", "tool": "user"}


def is_first_content(settings: Settings, model: str) -> bool:
    """Whether the past is to be sent before anything else of the user's."""
    return bool(past_of(settings)) and traits(model).takes_past


def first_content(settings: Settings) -> JsonObject:
    """The message that tells the past; it must not be sent without `CONFIG` in the setup."""
    turns = [
        {"role": _ROLES[one.role], "parts": [{"text": clean(noted(one))}]}
        for one in past_of(settings)
    ]
    return {"clientContent": {"turns": turns, "turnComplete": True}}


def told(settings: Settings, model: str) -> Settings:
    """The settings, with the past in the instructions where it cannot be the first content."""
    return settings if traits(model).takes_past else instructed(settings)
