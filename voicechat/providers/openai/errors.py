"""What the server's errors and closes mean, and what a person can do about them.

An `error` event leaves the session open most of the time.  OpenAI answers the handshake even with
a bad key: the refusal comes as an `error` and then a close with 3000 or 4000.

The rule: codes first, words only where a server gives no code that is known.
Source: the Realtime guide on errors, and the close codes its service was seen to use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from voicechat.errors import (
    RefusedError,
    ServiceError,
    SessionOverError,
    TooBigError,
    VoiceChatError,
)
from voicechat.events import Event, ProviderFailed, ReplyFinished, SessionExpired
from voicechat.providers.base import Profile
from voicechat.providers.json_fields import JsonObject, identity, table, text
from voicechat.text.clean import clean_line, mask_secrets
from voicechat.text.phrase import message_key, phrase, without_stop

Verdict: TypeAlias = Literal["benign", "busy", "expired", "fatal", "passing"]
"""`busy`: a reply was asked for while another one runs; `passing`: report it and go on."""

Blame: TypeAlias = Literal["key", "money", "model", "request"]

CROWDED_S = 60.0
"""To wait where a service found us too busy; Alibaba names one to two minutes."""
NO_WORDS = phrase("The service reported an error without saying which")


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of the server, in our words where it has none."""

    code: str
    message: str
    param: str = ""
    """The field that is wrong, as a path with dots."""
    event_id: str = ""
    """Which of our messages it answers, where the server says so."""
    kind: str = ""
    """`invalid_request_error`, `server_error`, …"""


@dataclass(frozen=True, slots=True)
class Codebook:
    """How one provider names its errors; a family member adds to these."""

    key: frozenset[str] = frozenset(
        {
            "invalid_api_key",
            "invalid_authentication",
            "invalid_organization",
            "insufficient_permissions",
            "account_deactivated",
        }
    )
    money: frozenset[str] = frozenset(
        {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
    )
    model: frozenset[str] = frozenset({"missing_model", "invalid_model", "model_not_found"})
    request: frozenset[str] = frozenset({"beta_api_shape_disabled"})
    benign: frozenset[str] = frozenset(
        {
            "input_audio_buffer_commit_empty",
            "item_delete_invalid_item_id",
            "item_not_found",
            "item_truncate_invalid_item_id",
            "response_cancel_not_active",
            "unsupported_content_type",
        }
    )
    benign_words: tuple[str, ...] = (
        "already shorter than",
        "no active response",
        "buffer too small",
        "only model output audio messages can be truncated",
    )
    busy: frozenset[str] = frozenset({"conversation_already_has_active_response"})
    busy_words: tuple[str, ...] = ("already has an active response", "another response is in")
    expired: frozenset[str] = frozenset({"session_expired"})
    refusing_words: tuple[str, ...] = (
        "key",
        "auth",
        "permission",
        "forbidden",
        "policy",
        "model",
        "region",
        "location",
    )
    """In the reason of a close 1008: trying again will not help."""
    money_words: tuple[str, ...] = ("quota", "billing", "balance", "credit")
    """In the reason of a close 1008 or 1011: neither will it then."""
    fatal_words: Mapping[str, Blame] = field(default_factory=dict)
    """In any code, message or reason, in small letters: what must be mended."""
    key_words: tuple[str, ...] = (
        "unauthorized",
        "unauthenticated",
        "authentication",
        "api key",
        "api-key",
        "invalid token",
    )
    """In the reason of a close that refuses us: it is the key."""
    key_closes: frozenset[int] = frozenset({3000, 4001, 4401, 4403})
    """Close codes that stand for HTTP's 401 and 403."""
    idle_words: tuple[str, ...] = ()
    """In the reason of a close: nobody said anything for a while."""
    crowded_words: tuple[str, ...] = ()
    """In the reason of a close: too many connections in too short a time."""

    def blame(self, code: str, words: str = "") -> Blame | None:
        """What must be mended for a fatal code (or message); None: it is not fatal."""
        if code in self.key:
            return "key"
        if code in self.money:
            return "money"
        if code in self.model:
            return "model"
        if code in self.request:
            return "request"
        said = f"{code} {words}".lower()
        return next((blame for part, blame in self.fatal_words.items() if part in said), None)

    def verdict(self, fault: Fault) -> Verdict:
        words = fault.message.lower()
        if self.blame(fault.code, words):
            return "fatal"
        if fault.code in self.expired:
            return "expired"
        if fault.code in self.busy or any(part in words for part in self.busy_words):
            return "busy"
        if fault.code in self.benign or any(part in words for part in self.benign_words):
            return "benign"
        return "passing"


def read_fault(message: JsonObject, secrets: tuple[str, ...] = ()) -> Fault:
    """The fault in an `error` event (or in the `error` of a failed reply).

    `error` may be an object, or a plain string beside a `code` (vLLM); the code may be a number
    (GLM) or missing, in which case the type stands for it.
    """
    error = table(message, "error") or message
    said = text(error, "message") or text(message, "error")
    kind = safe_line(text(error, "type"), secrets, 80)
    code = _code(error.get("code"), secrets) or _code(message.get("code"), secrets)
    return Fault(
        code=code or ("error" if kind in ("", "error") else kind),
        message=safe_line(said, secrets) or NO_WORDS,
        param=safe_line(text(error, "param"), secrets, 120),
        event_id=identity(error, "event_id"),
        kind=kind,
    )


def safe_line(words: str, secrets: tuple[str, ...] = (), limit: int = 300) -> str:
    """A server's words on one line, without keys."""
    return clean_line(mask_secrets(clean_line(words, 2000), secrets), limit)


def _code(value: object, secrets: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return safe_line(value, secrets, 80)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    return ""


@dataclass(slots=True)
class CloseReason:
    """Explains the end of the link; remembers the last fatal error, which says it better."""

    profile: Profile
    codes: Codebook = field(default_factory=Codebook)
    money_page: str = ""
    key_hint: str = ""
    """What to do about a key that is refused."""
    refusal: RefusedError | None = None

    def remember(self, fault: Fault) -> None:
        self.refusal = RefusedError(
            phrase("{who} refused: {why}", who=self.profile.title, why=_sentence(fault.message)),
            self.hint(self.codes.blame(fault.code, fault.message)),
        )

    def fatal(self, fault: Fault) -> ProviderFailed:
        """What the user is told of a fault that trying again does not mend."""
        self.remember(fault)
        return ProviderFailed(fault.code, fault.message, fatal=True)

    def of_replies(self, events: list[Event]) -> list[Event]:
        """The events, with what failed replies mean for the session.

        A reply that failed for good may be all that tells of an empty account.
        """
        extra: list[Event] = []
        for event in events:
            if isinstance(event, ReplyFinished) and event.status == "failed":
                if self.codes.blame(event.code, event.message):
                    extra.append(self.fatal(Fault(event.code, event.message)))
                elif event.code in self.codes.expired:
                    extra.append(SessionExpired(event.message))
        return [*events, *extra]

    def explain(self, code: int, reason: str) -> VoiceChatError | None:
        """The error behind a close code and its reason; None: nothing special."""
        if self.refusal:
            return self.refusal
        words = reason.lower()
        if _tells_of_age(words):
            return self._over(message_key("{who} ended the session because of its age"))
        if any(part in words for part in self.codes.idle_words):
            return self._over(
                message_key("{who} ended the session because nobody said anything for a while")
            )
        if any(part in words for part in self.codes.crowded_words):
            return self._troubled(reason, retry_after_s=CROWDED_S)
        return self._by_code(code, reason)

    def _over(self, pattern: str) -> SessionOverError:
        words = phrase(pattern, who=self.profile.title)
        return SessionOverError(words, phrase("A new one can be opened at once"), retry_after_s=0.0)

    def _by_code(self, code: int, reason: str) -> VoiceChatError | None:
        words = reason.lower()
        refuses = code == 1008 and any(word in words for word in self.codes.refusing_words)
        broke = code in (1008, 1011) and any(word in words for word in self.codes.money_words)
        match code:
            case _ if self.codes.blame("", words):
                return self._refused(reason, self.codes.blame("", words))
            case _ if code in self.codes.key_closes:
                return self._refused(reason or phrase("the key is not valid"), "key")
            case _ if broke:
                return self._refused(reason, "money")
            case _ if refuses or 4000 <= code <= 4999:
                is_key = any(word in words for word in self.codes.key_words)
                return self._refused(
                    reason or phrase("close code {code}", code=code), "key" if is_key else None
                )
            case 1008:
                return self._troubled(reason or phrase("it turned the session down"))
            case 1009:
                said = phrase(": {quoted}", quoted=_sentence(reason)) if reason else ""
                words = phrase(
                    "{who} found a message too big{said}", who=self.profile.title, said=said
                )
                return TooBigError(words, phrase("It is not sent again"))
            case 1011:
                return self._troubled(reason or phrase("it had an internal error"))
            case 1012:
                return self._troubled(reason or phrase("it is restarting"))
            case 1013:
                return self._troubled(reason or phrase("it is overloaded"), retry_after_s=10.0)
            case _:
                return None

    def _refused(self, reason: str, blame: Blame | None) -> RefusedError:
        # OpenAI writes `<type>.<code>`, e.g. `invalid_request_error.invalid_api_key`.
        blame = self.codes.blame(reason.rpartition(".")[2]) or blame
        return RefusedError(
            phrase("{who} refused: {why}", who=self.profile.title, why=_sentence(reason)),
            self.hint(blame),
        )

    def _troubled(self, reason: str, retry_after_s: float | None = None) -> ServiceError:
        words = phrase(
            "{who} ended the session: {why}", who=self.profile.title, why=_sentence(reason)
        )
        return ServiceError(words, phrase("Try again in a moment"), retry_after_s=retry_after_s)

    def hint(self, blame: Blame | None) -> str:
        """What the user can do about a refusal; empty: nothing is known."""
        match blame:
            case "key":
                return self.key_hint
            case "money":
                if not self.money_page:
                    return phrase("Look at your plan and credit")
                return phrase("Look at your plan and credit ({page})", page=self.money_page)
            case "model":
                return phrase("Choose another model")
            case _:
                return ""


def _tells_of_age(words: str) -> bool:
    return "maximum duration" in words or "session_expired" in words


def _sentence(words: str) -> str:
    """Foreign words as the end of our sentence: `VoiceChatError` adds the full stop itself."""
    return without_stop(words)
