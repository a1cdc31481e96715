"""Typed text that a model never answers: kept for one that does, to be asked by the other way.

Some servers take typed text and say nothing for ever.  A dialect that found that out tells it as
the failure of the item, a notice, and the failure of the reply, all with the code `text_ignored`;
where there is another way, nobody needs to hear of them.
"""

from voicechat.connection.state.offline_queue import OfflineQueue
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.errors import UnansweredError
from voicechat.events import Event, InputFailed, Notice, ReplyFinished, SendText
from voicechat.text.phrase import phrase

TEXT_IGNORED = "text_ignored"


def keep_ignored(
    event: Event, line: Target, conversation: Conversation, outbox: OfflineQueue
) -> bool:
    """Whether the event tells of ignored text, and was dealt with.

    Raises:
        UnansweredError: that was the last of it: the line can be left for the other way.
    """
    match event:
        case InputFailed(item_id, code=code) if line.instead and code == TEXT_IGNORED:
            if row := conversation.row(item_id):
                outbox.keep(SendText(row.text, row.id), line.dialect.input_rate)
            return True
        case Notice(code) if line.instead and code == TEXT_IGNORED:
            return True  # "Speak" is no advice where typed text is answered after all.
        case ReplyFinished(code=code) if line.instead and code == TEXT_IGNORED:
            raise UnansweredError(phrase("{who} answers no typed text", who=line.model))
    return False
