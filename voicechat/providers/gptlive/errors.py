"""What the errors and the end of a GPT-Live session mean, and what a person can do about them.

A session ends with `session.closed` and its reason; a socket that closes without it lost the
session.  An error before `session.started` refuses the session; one after it refuses a message.
Source: `ErrorEvent` and `SessionClosedEvent` of the Live API reference; codes seen in use.
"""

from dataclasses import dataclass, field

from voicechat.errors import RefusedError, ServiceError, VoiceChatError
from voicechat.providers.base import Profile
from voicechat.providers.openai.errors import CloseReason as CloseCodes
from voicechat.providers.openai.errors import Codebook, Fault, Verdict, safe_line
from voicechat.text.phrase import phrase, without_stop

CODES = Codebook(
    money=Codebook().money | {"credit_balance_exhausted"},
    # What was added for delegated work was never said: the model went on without it.
    benign=Codebook().benign | {"context_injection_incomplete"},
    expired=Codebook().expired | {"session_duration_limit_reached"},
)
_PASSING_KINDS = frozenset({"server_error", "rate_limit_error", "overloaded_error"})
_PASSING_WORDS = ("rate limit", "rate_limit", "concurren", "too many", "overload", "internal")
MONEY_PAGE = "https://platform.openai.com/settings/organization/billing"
_LATER = phrase("Try again in a moment")
MOST_TRIES = 5
"""Without a session, however often the service says that one can be had later."""
WAIT_S = 10.0
"""Where the service has no room for another session."""


def is_passing(fault: Fault) -> bool:
    """Whether a session that was refused so may be had later."""
    said = f"{fault.code} {fault.message}".lower()
    return fault.kind in _PASSING_KINDS or any(part in said for part in _PASSING_WORDS)


@dataclass(slots=True)
class GptLiveCloseReason:
    """Explains the end of the session; the first reason says it best."""

    profile: Profile
    key_hint: str = ""
    """What to do about a key that is refused."""
    ending: VoiceChatError | None = None
    _codes: CloseCodes = field(init=False)

    def __post_init__(self) -> None:
        self._codes = CloseCodes(self.profile, CODES, MONEY_PAGE, self.key_hint)

    def verdict(self, fault: Fault, *, is_started: bool) -> Verdict:
        """What an error means for the session."""
        found = CODES.verdict(fault)
        if found == "fatal" or is_started:
            return found
        return "passing" if is_passing(fault) else "fatal"

    def refused(self, fault: Fault) -> None:
        """The session is refused for good."""
        self._codes.remember(fault)

    def postponed(self, fault: Fault) -> None:
        """There is no session now."""
        words = phrase(
            "{who} has no session for us now: {why}",
            who=self.profile.title,
            why=without_stop(fault.message),
        )
        self.ending = ServiceError(words, _LATER, retry_after_s=WAIT_S, tries=MOST_TRIES)

    def closed(self, reason: str) -> VoiceChatError | None:
        """`session.closed` and its reason; None: we asked for it, or it can simply go on."""
        title = self.profile.title
        match reason:
            case "close_requested" | "expired":
                return None
            case "content":
                words = phrase("{who} ended the session: its safety filter stepped in", who=title)
                self.ending = RefusedError(
                    words, phrase("Start a new call and talk of something else")
                )
            case "connection_lost":
                words = phrase("{who} lost the session on its side", who=title)
                self.ending = ServiceError(words, _LATER, tries=MOST_TRIES)
            case "remote_hangup":
                hint = phrase("A new call can be made at once")
                self.ending = ServiceError(phrase("{who} hung up", who=title), hint, tries=1)
            case _:
                words = phrase("{who} ended the session", who=title)
                if reason:
                    quoted = safe_line(reason, limit=80)
                    words = phrase("{who} ended the session ({quoted})", who=title, quoted=quoted)
                self.ending = ServiceError(words, phrase("Try again"), tries=2)
        return self.ending

    def explain(self, code: int, reason: str) -> VoiceChatError | None:
        """The error behind the close of the link; None: nothing special."""
        return self._codes.refusal or self.ending or self._codes.explain(code, reason)
