"""What is done about everything that ends a line, or could: the one place that decides it.

Close codes mean what `links.closes` says of them where the dialect knows no better; whatever kept
a line from coming up means what the links made of it.  Who dials again, and when, is the business
of `retries`; what is told, of the `outage`.

Quiet: facts in, an answer out.

Whether whoever answers speaks a protocol of ours at all.

One message that cannot be read is noise; only when nothing else comes is it another protocol.
Quiet: time is an argument, monotonic seconds.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias, overload

from voicechat.errors import (
    RefusedError,
    ServiceError,
    SessionForgottenError,
    SessionOverError,
    TooBigError,
    VoiceChatError,
)
from voicechat.events import Event, Notice, ProviderFailed, SessionExpired, Unknown
from voicechat.net.close_codes import LinkClosed
from voicechat.providers.base import Dialect
from voicechat.text.phrase import phrase

MOST = 20
"""So many messages in a row that are no JSON objects."""
WITHIN_S = 60.0
"""Slower ones (a sign of life in plain text, while nobody speaks) are only noise."""
_UNREADABLE = frozenset({"not JSON", "not an object"})


class ProtocolCheck:
    """Listens to one line."""

    def __init__(self) -> None:
        self._heard: deque[float] = deque(maxlen=MOST)

    def on_event(self, event: Event, now: float) -> RefusedError | None:
        """The error that ends the line, or None: it goes on.  Notices are our own words."""
        match event:
            case Notice():
                return None
            case Unknown(kind) if kind in _UNREADABLE:
                self._heard.append(now)
            case _:
                self._heard.clear()
        if len(self._heard) < MOST or now - self._heard[0] > WITHIN_S:
            return None
        text = phrase(
            "The server speaks another protocol: {count} messages in a row were no JSON", count=MOST
        )
        return RefusedError(text, phrase("Check the address, and which kind of provider it is"))


Act: TypeAlias = Literal["retry", "renew", "fatal", "ended"]

MOST_DOUBTED = 2
"""How often an end is tried again whose number says never, and whose words say later."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """What the end of a line means for the next one."""

    act: Act
    """`retry`: another line in a while.  `renew`: another session at once; nothing is wrong.
    `fatal`: nothing until the user has mended something.  `ended`: we hung up ourselves."""
    error: VoiceChatError
    """What the user should know; of `renew` only where no other session can be had."""
    tries: int | None = None
    """How often in a row another line makes sense; None: as often as one likes."""
    at_least_s: float | None = None
    """Seconds before the next line; 0: none the first time; None: the back-off decides."""

    @property
    def forgets_session(self) -> bool:
        """Whether the provider's session is gone: the next line must not ask for it."""
        return isinstance(self.error, SessionForgottenError)

    @property
    def forgets_message(self) -> bool:
        """Whether what was sent last would end the next line as well."""
        return isinstance(self.error, TooBigError)


@overload
def classify_close(what: VoiceChatError, dialect: Dialect, *, is_ready: bool) -> Disconnect: ...
@overload
def classify_close(what: Event, dialect: Dialect, *, is_ready: bool) -> Disconnect | None: ...
def classify_close(
    what: Event | VoiceChatError, dialect: Dialect, *, is_ready: bool
) -> Disconnect | None:
    """What is to be done about an error of the line, or an event on it; None: the line goes on.

    Whoever ends a line because of an event may raise the answer's `error` and judge that again:
    the answer is the same.

    Args:
        dialect: Of the line; it may know more about a close than its number says.
        is_ready: Whether the session was agreed on: who is silent before may be somebody else.
    """
    match what:
        case LinkClosed():
            return _judge_close(what, dialect)
        case VoiceChatError():
            return _judge_error(what)
        case ProviderFailed(_, message, fatal=True):
            told = dialect.closed(0, "")
            return _judge_error(RefusedError(message) if told is None or told.retryable else told)
        case ProviderFailed("no_answer", message) if not is_ready:
            return _judge_error(ServiceError(message, phrase("Check the address")))
        case SessionExpired(message):
            over = SessionOverError(
                message or phrase("The service ended the session"), phrase("Connect again")
            )
            return _judge_error(dialect.closed(0, "") or over)
    return None


def _judge_close(closed: LinkClosed, dialect: Dialect) -> Disconnect:
    """The provider's words before the number; where it does not say how often to try, the number.

    What the service did not say itself is not put to the dialect, but it may know what came before.
    """
    if closed.is_ours:
        return Disconnect("ended", closed.meaning)
    code, reason = (closed.code or 0, closed.reason) if closed.is_told else (0, "")
    told = dialect.closed(code, reason)
    if told is None:
        return _judge_error(closed.meaning)
    by_number = closed.tries if closed.retryable else MOST_DOUBTED
    return _judge_error(told, by_number if told.tries is None else told.tries)


def _judge_error(error: VoiceChatError, tries: int | None = None) -> Disconnect:
    tries = error.tries if tries is None else tries
    if isinstance(error, SessionOverError):
        return Disconnect("renew", error, at_least_s=0.0)
    if not error.retryable or tries == 0:
        return Disconnect("fatal", error, tries=0)
    return Disconnect("retry", error, tries, error.retry_after_s)
