"""Which way the call goes when a line cannot be had: over HTTP, and back when that is possible.

A refusal that is the user's to mend (key, money, certificate) is never worked around.  The time
between looks at the straight way doubles until a line of it has been good.

Typed text that a model never answers: kept for one that does, to be asked by the other way.

Some servers take typed text and say nothing for ever.  A dialect that found that out tells it as
the failure of the item, a notice, and the failure of the reply, all with the code `text_ignored`;
where there is another way, nobody needs to hear of them.
"""

import asyncio
from collections.abc import Callable

from voicechat.connection.state.offline_queue import OfflineQueue
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation
from voicechat.errors import RefusedError, UnansweredError, VoiceChatError
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


FIRST_LOOK_S = 10.0
LONGEST_WAIT_S = 120.0
LOOK_S = 15.0
"""How long one look at the straight way may take."""


class Fallback:
    """Follows one call; `straight` is the line it should have."""

    def __init__(self, first_look_s: float = FIRST_LOOK_S) -> None:
        self._first_look_s = self._wait_s = first_look_s
        self._reason: VoiceChatError | None = None
        """Why the straight way failed last."""
        self._straight: Target | None = None

    @property
    def is_taken(self) -> bool:
        return self._straight is not None

    def next_target(
        self, line: Target, problem: VoiceChatError | None, *, was_good: bool = False
    ) -> Target | None:
        """The line to go on with after `problem`; None: there is no other, or no need of one.

        Args:
            was_good: The line was ready: it broke later, and is no worse than another.
        """
        if problem is None or line.instead is None or not problem.other_way:
            return None
        if was_good and not isinstance(problem, UnansweredError):
            return None
        self._reason, self._straight = problem, line
        return line.instead()

    def leave(self) -> None:
        """The straight way is tried again."""
        self._straight = None

    def arrived(self, line: Target) -> Notice | None:
        """A line is ready: what the user should be told about the way it goes."""
        if self._straight is not None:
            text = phrase(
                "{why}: the call goes on over HTTP with {other}",
                why=self._describe(self._straight),
                other=line.model,
            )
            return Notice("link_http", text)
        if self._reason is None:
            return None
        self._reason, self._wait_s = None, self._first_look_s
        return Notice(
            "link_websocket", phrase("The WebSocket to {who} works again", who=line.model)
        )

    def explain(self, problem: VoiceChatError) -> VoiceChatError:
        """The error to tell when the other way failed too: a refusal of it, or the first one."""
        told = self._reason if self.is_taken else None
        return problem if told is None or isinstance(problem, RefusedError) else told

    async def watch(self, is_quiet: Callable[[], bool], back: Callable[[], None]) -> None:
        """Look at the straight way from time to time; `back` is called in a pause once it is open.

        Does nothing while the call goes straight, or when it was left for what it never answers:
        there only the user knows when to go back.
        """
        line = self._straight
        while line is not None and not isinstance(self._reason, UnansweredError):
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
            if await _is_open(line):
                await _until(is_quiet)
                back()
                return

    def _describe(self, straight: Target) -> str:
        if isinstance(self._reason, UnansweredError):
            return phrase("{sentence} (F5 goes back to it)", sentence=self._reason.message)
        return phrase(
            "No WebSocket gets through to {who} ({why})",
            who=straight.model,
            why=_why(self._reason),
        )


async def _is_open(line: Target) -> bool:
    try:
        async with asyncio.timeout(LOOK_S), line.link():
            return True
    except (VoiceChatError, TimeoutError):
        return False


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.1)


def _why(error: VoiceChatError | None) -> str:
    return error.message if error else "?"
