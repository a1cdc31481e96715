"""What should have come of a turn and did not: told, once, before the user begins to wonder.

A question without an answer, an answer in which there is nothing, and a server that still hears
somebody speak where nobody does.  (An answer that stops in the middle is ended by the dialects,
who know how long their models may think.)

Quiet: time is an argument, monotonic seconds.
"""

from voicechat.events import (
    Event,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SpeechStarted,
    SpeechStopped,
    ToolCalled,
    TurnCommitted,
)
from voicechat.text.phrase import phrase

ANSWER_S = 20.0
"""From a question to the first sign of an answer."""
STUCK_S = 60.0
"""Of speech, as the server hears it;"""
SILENCE_S = 5.0
"""of silence, as we hear it."""
HUSH_DBFS = -50.0


class Watchdog:
    """Follows the turns of one line.

    Args:
        title: Of the provider, as a person calls it.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._asked_at: float | None = None
        """When the question was asked that nothing has answered yet."""
        self._replies: dict[str, bool] = {}
        """Those that run, and whether there is something in them."""
        self._speech_at: float | None = None
        self._hush_at: float | None = None

    # -- what happens ---------------------------------------------------------------------------

    def asked(self, now: float) -> None:
        """The user's turn has ended: an answer should come."""
        self._asked_at = now

    def drop(self) -> None:
        """Nothing is asked any more, and no reply wanted."""
        self._asked_at = None
        self._replies.clear()

    def feed(self, event: Event, now: float) -> Notice | None:
        """One event of the line; it may have been the end of an answer that is none."""
        match event:
            case ReplyStarted(reply_id):
                self._begin(reply_id)
            case ReplyAudio(reply_id) | ReplyText(reply_id) | ToolCalled(reply_id):
                self._begin(reply_id)
                self._replies[reply_id] = True
            case ReplyFinished():
                return self._end(event)
            case ProviderFailed():
                self._asked_at = None
            case SpeechStarted():
                self._asked_at, self._speech_at, self._hush_at = None, now, None
            case SpeechStopped() | TurnCommitted():
                self._speech_at = None
        return None

    def _begin(self, reply_id: str) -> None:
        self._asked_at = None
        self._replies.setdefault(reply_id, False)

    def _end(self, event: ReplyFinished) -> Notice | None:
        if event.status == "failed":
            self._asked_at = None
        has_something = self._replies.pop(event.reply_id, True)
        if has_something or event.status != "completed" or event.code:
            return None
        return Notice(
            "empty_answer", phrase("{who} answered with nothing: ask again", who=self._title)
        )

    # -- what does not --------------------------------------------------------------------------

    def look(
        self, now: float, microphone_dbfs: float, *, is_on_its_way: bool = False
    ) -> Notice | None:
        """Once a second or so: what has become overdue.

        Args:
            is_on_its_way: The question has not left yet: the line is slow, or not up.
        """
        if is_on_its_way and self._asked_at is not None:
            self._asked_at = now
        return self._look_for_answer(now) or self._look_for_end(now, microphone_dbfs)

    def _look_for_answer(self, now: float) -> Notice | None:
        if self._asked_at is None or now - self._asked_at < ANSWER_S:
            return None
        self._asked_at = None
        words = phrase(
            "{seconds:.0f} s without an answer from {who}: it may be overloaded; F5 asks again",
            seconds=ANSWER_S,
            who=self._title,
        )
        return Notice("no_answer_yet", words)

    def _look_for_end(self, now: float, microphone_dbfs: float) -> Notice | None:
        if self._speech_at is None:
            return None
        if microphone_dbfs >= HUSH_DBFS:
            self._hush_at = None
            return None
        self._hush_at = now if self._hush_at is None else self._hush_at
        if now - self._speech_at < STUCK_S or now - self._hush_at < SILENCE_S:
            return None
        self._speech_at = None
        words = phrase(
            "{who} still hears you speak, though it is quiet here: "
            "mute and unmute, or use Space to talk",
            who=self._title,
        )
        return Notice("speech_stuck", words)
