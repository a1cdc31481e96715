"""What the server's closes mean.  The reason is the only diagnosis; one code means many things.

A bad key, an unknown field, a wrong voice and a full context are all 1007; a wrong model, a dead
handle and old age are all 1008.  The rule: words before numbers, and the words are always shown.
Source: the closes that users of the Live API report; the guide on session management.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from voicechat.errors import (
    RefusedError,
    ServiceError,
    SessionForgottenError,
    SessionOverError,
    VoiceChatError,
)
from voicechat.providers.base import Profile
from voicechat.providers.json_fields import JsonObject, table, text
from voicechat.providers.openai.errors import safe_line
from voicechat.text.phrase import phrase, without_stop

Blame: TypeAlias = Literal[
    "key", "region", "quota", "model", "handle", "age", "context", "request", "trouble"
]

_WORDS: tuple[tuple[Blame, tuple[str, ...]], ...] = (
    ("trouble", ("overloaded", "unavailable", "internal error", "not implemented")),
    ("handle", ("session not found", "invalid session resumption", "resumption handle")),
    (
        "key",
        ("api key", "api_key", "access token", "unauthenticated", "permission_denied", "leaked"),
    ),
    ("region", ("location is not supported", "country", "region")),
    ("quota", ("quota", "resource_exhausted", "resource exhausted", "concurrent", "billing")),
    ("context", ("context window", "token count", "too many tokens")),
    ("request", ("policy", "policies")),
    ("model", ("bidigeneratecontent", "model", "modalit", "thinking level", "voice")),
    ("age", ("aborted", "duration", "session expired", "deadline")),
)
_NUMBERS: dict[int, Blame] = {1007: "request", 1008: "trouble", 1011: "trouble"}
_FINAL_IN_1011 = ("key", "region", "quota")
_HISTORY_MAY_BE_WRONG = ("context", "request")
_LIMITS_PAGE = "https://aistudio.google.com/rate-limit"
_OWN_WORDS = "keepalive ping timeout"
"""A close that our own side makes up."""


@dataclass(frozen=True, slots=True)
class GeminiFault:
    """An error in words, and whose it is."""

    code: str
    message: str
    blame: Blame

    @property
    def is_fatal(self) -> bool:
        return self.blame in ("key", "region", "quota", "model")


def read_fault(message: JsonObject, secrets: tuple[str, ...]) -> GeminiFault:
    """An error that came as a message, which Google's own client allows for."""
    error = table(message, "error") or message
    words = text(error, "message") or text(message, "error")
    status = safe_line(text(error, "status"), secrets, 80)
    code = status or _number(error.get("code"), secrets) or "error"
    said = safe_line(words, secrets) or phrase("The service reported an error without saying which")
    return GeminiFault(code, said, blame(f"{code} {said}") or "trouble")


def _number(code: object, secrets: tuple[str, ...]) -> str:
    is_number = isinstance(code, int) and not isinstance(code, bool) and abs(code) < 10**9
    return str(code) if is_number else safe_line(code, secrets, 80) if isinstance(code, str) else ""


def blame(reason: str) -> Blame | None:
    """Whose fault some words say it is; None: they do not say."""
    words = reason.lower()
    for found, parts in _WORDS:
        if any(part in words for part in parts):
            return found
    return None


@dataclass(slots=True)
class GeminiCloseReason:
    """Explains the end of the link."""

    profile: Profile
    key_hint: str = ""
    """What to do about a key that is refused."""
    was_warned: bool = False
    """The server said that the end was near."""
    has_history: bool = False
    """The session was taken up again, or has been talked in."""
    refusal: VoiceChatError | None = None

    def remember(self, fault: GeminiFault) -> None:
        """An error after which the close says nothing new."""
        self.refusal = self._error(fault.blame, fault.message)

    def blame(self, code: int, reason: str) -> Blame | None:
        """Whose fault a close is; None: the link knows as much as we do."""
        if _OWN_WORDS in reason.lower() or (code not in _NUMBERS and not self.was_warned):
            return None
        found = blame(reason)
        if code == 1011 and found not in _FINAL_IN_1011:
            found = None
        if self.was_warned and found in (None, "age", "trouble"):
            return "age"
        return found or _NUMBERS.get(code)

    def explain(self, code: int, reason: str) -> VoiceChatError | None:
        """The error behind a close; None: nothing special."""
        if self.refusal is not None:
            return self.refusal
        found, words = self.blame(code, reason), reason or phrase("close code {code}", code=code)
        if found in _HISTORY_MAY_BE_WRONG and self.has_history:
            return self._forgotten(words)
        return self._error(found, words) if found else None

    def _forgotten(self, words: str) -> SessionForgottenError:
        """The settings were good once: another session gets them, and less of a past."""
        text = phrase(
            "{who} ended the session: {why}", who=self.profile.title, why=without_stop(words)
        )
        return SessionForgottenError(text, phrase("A new one is tried once"), tries=1)

    def _error(self, found: Blame, reason: str) -> VoiceChatError:
        title, words = self.profile.title, without_stop(reason)
        match found:
            case "age":
                text = phrase("{who} ended the session because of its age", who=title)
                return SessionOverError(
                    text, phrase("A new one can be opened at once"), retry_after_s=0.0
                )
            case "handle":
                text = phrase("{who} no longer knows the earlier session", who=title)
                hint = phrase("A new one can be opened at once")
                return SessionForgottenError(text, hint, retry_after_s=0.0)
            case "trouble":
                return ServiceError(
                    phrase("{who} ended the session: {why}", who=title, why=words),
                    phrase("Try again in a moment"),
                )
            case _:
                return RefusedError(
                    phrase("{who} refused: {why}", who=title, why=words), self._hint(found)
                )

    def _hint(self, found: Blame) -> str:
        match found:
            case "key":
                return self.key_hint
            case "region":
                return phrase("Use a proxy in a country that the service serves")
            case "quota":
                return phrase("Look at your plan and limits ({page})", page=_LIMITS_PAGE)
            case "model":
                return phrase("Choose another model or voice")
            case "context":
                return phrase("Begin a new conversation")
            case _:
                return ""
