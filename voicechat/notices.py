"""What the user should know: kept among what was said, and told; once, where once is enough."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from voicechat import capability
from voicechat.conversation import Conversation
from voicechat.errors import VoiceChatError
from voicechat.events import Notice
from voicechat.line import Line


class Notices:
    """Tells; remembers what was told.  Made where the event loop runs.

    Args:
        listener: Gets every notice after it was kept.
    """

    def __init__(self, conversation: Conversation, listener: Callable[[Notice], None]) -> None:
        self._conversation, self._listener = conversation, listener
        self._loop = asyncio.get_running_loop()
        self._told: set[str] = set()

    def tell(self, notice: Notice) -> None:
        self._conversation.note(notice.code, notice.message)
        self._listener(notice)

    def tell_once(self, notice: Notice, what: str = "") -> None:
        """`what`: by what it is known again; empty: by its words."""
        if (what or notice.message) not in self._told:
            self._told.add(what or notice.message)
            self.tell(notice)

    def tell_of_sound(self, code: str, message: str) -> None:
        """A device went, came or is silent; noise gates are silent in every pause: told once."""
        notice = Notice(code, message)
        if code == "sound_silent":
            self.tell_once(notice, code)
        else:
            self.tell(notice)

    def tell_from_thread(self, error: VoiceChatError) -> None:
        """Something went wrong in a thread: told where everything is told."""
        with suppress(RuntimeError):  # The loop is gone: nobody is left to be told.
            self._loop.call_soon_threadsafe(self.tell, Notice("not_saved", error.sentence))

    def notify_from_thread(self, code: str, message: str) -> None:
        """The same, by its name: the recording's."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.tell, Notice(code, message))

    def lacks(self, line: Line, what: capability.What) -> bool:
        """Whether the model cannot do something; told once a model, where it matters."""
        lack = capability.lack(line.dialect.profile, line.model, what, sees=line.sees)
        if lack is not None:
            self.tell_once(lack)
        return lack is not None
