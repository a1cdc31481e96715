"""Which events end a line, and how its end is told: in the provider's words where it has any.

Quiet: facts in, an error of ours out.
"""

from voicechat.errors import LinkError, RefusedError, ServiceError, VoiceChatError
from voicechat.events import Event, ProviderFailed, SessionExpired
from voicechat.links.closes import LinkClosed
from voicechat.providers.base import Dialect


def find_end(event: Event, dialect: Dialect, *, is_ready: bool) -> VoiceChatError | None:
    """The error with which an event ends the line; None: the line goes on.

    Args:
        is_ready: Whether the session was agreed on: who is silent before may be somebody else.
    """
    match event:
        case ProviderFailed(_, message, fatal=True):
            return dialect.closed(0, "") or RefusedError(message)
        case ProviderFailed("no_answer", message) if not is_ready:
            return ServiceError(message, "Check the address")
        case SessionExpired(message):
            return LinkError(message or "the service ended the session", "connect again")
    return None


def explain_close(error: VoiceChatError, dialect: Dialect) -> VoiceChatError:
    """The error of a link that was closed, in the provider's words; any other as it is."""
    if isinstance(error, LinkClosed):
        return dialect.closed(error.code or 0, error.reason) or error
    return error
