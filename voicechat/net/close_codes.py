"""What the end of a link means: close codes (RFC 6455, 7.4; IANA) and the words beside them.

Rule: pure and generic; a dialect that knows its provider better asks itself first.
"""

from dataclasses import dataclass

from voicechat.errors import (
    LinkError,
    RefusedError,
    ServiceError,
    SessionOverError,
    TooBigError,
    VoiceChatError,
)
from voicechat.text.clean import clean_line, mask_secrets
from voicechat.text.phrase import phrase

_EXPIRED = ("maximum duration", "session_expired", "session expired", "session has expired")
_ACCOUNT = ("quota", "billing", "credit", "balance")
_ACCESS = ("key", "auth", "policy", "model", "region", "location", "permission", "forbidden")
_PING = "keepalive ping timeout"


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: type[VoiceChatError]
    words: str
    hint: str = ""
    wait_s: float | None = None
    tries: int | None = None


_ENDED = _Meaning(LinkError, phrase("The call was ended here"), tries=0)
_LOST = _Meaning(LinkError, phrase("The line was lost"))
_DEAD = _Meaning(LinkError, phrase("The line was lost: no answer to our pings"), wait_s=0.0)
_RENEW = _Meaning(SessionOverError, phrase("The session reached its greatest age"), wait_s=0.0)
_NONSENSE = _Meaning(ServiceError, phrase("The service sent what is no WebSocket message"), tries=1)
_TOO_MUCH = _Meaning(ServiceError, phrase("The service sent a message that is too big"), tries=1)
_MONEY = _Meaning(
    RefusedError,
    phrase("The service says that the account has no credit left"),
    phrase("Check the account's balance and limits"),
    tries=0,
)
_DENIED = _Meaning(
    RefusedError,
    phrase("The service refused us"),
    phrase("Check the key, the model and whether it serves your region"),
    tries=0,
)
_BROKEN = _Meaning(ServiceError, phrase("The service broke the call off"), tries=1)
_HUNG_UP = _Meaning(LinkError, phrase("The service hung up"), tries=1)
_KEY = _Meaning(
    RefusedError, phrase("The service refused the key"), phrase("Check the API key"), tries=0
)
_CODES = {
    1000: _HUNG_UP,
    1001: _Meaning(ServiceError, phrase("The service is going away")),
    1002: _Meaning(ServiceError, phrase("The service found a fault in how we speak"), tries=1),
    1003: _Meaning(ServiceError, phrase("The service cannot use what we sent"), tries=1),
    1005: _HUNG_UP,
    1006: _LOST,
    1007: _Meaning(ServiceError, phrase("The service cannot read what we sent"), tries=1),
    1008: _Meaning(ServiceError, phrase("The service ended the call by its rules"), tries=2),
    1009: _Meaning(
        TooBigError, phrase("A message was too big for the service"), phrase("It is not sent again")
    ),
    1010: _Meaning(ServiceError, phrase("The service misses a WebSocket extension"), tries=1),
    1011: _Meaning(ServiceError, phrase("The service failed"), tries=5),
    1012: _Meaning(ServiceError, phrase("The service restarts")),
    1013: _Meaning(ServiceError, phrase("The service is overloaded"), wait_s=10.0),
    1014: _Meaning(ServiceError, phrase("The service's gateway got no answer")),
    1015: _LOST,
    3000: _KEY,
    3003: _DENIED,
    3008: _Meaning(ServiceError, phrase("The service waited too long for us")),
}


def close_error(code: int | None, reason: str, *, by_us: bool = False) -> VoiceChatError:
    """What a close means.

    Args:
        code: None: the line broke without a close frame.
        reason: The closing side's own words.
        by_us: Whether we closed first, on purpose or because we could not read on.
    """
    meaning = _meaning(code, reason.lower(), by_us)
    quoted = mask_secrets(clean_line(mask_secrets(reason))).rstrip(".")
    shown = quoted and meaning not in (_DEAD, _ENDED)
    text = meaning.words
    if shown:
        text = phrase("{sentence}: {quoted}", sentence=text, quoted=quoted)
    if meaning.kind is not LinkError and code is not None:
        text = phrase("{sentence} (code {code})", sentence=text, code=code)
    return meaning.kind(text, meaning.hint, retry_after_s=meaning.wait_s, tries=meaning.tries)


def _meaning(code: int | None, reason: str, by_us: bool) -> _Meaning:
    """Words before numbers: services reuse codes, and say in the reason what they mean."""
    if code is None or _PING in reason:
        return _LOST if code is None else _DEAD
    if by_us:
        return _of_our_close(code)
    if any(word in reason for word in _EXPIRED):
        return _RENEW
    if code in (1008, 1011) and any(word in reason for word in _ACCOUNT):
        return _MONEY
    if code == 1008 and any(word in reason for word in _ACCESS):
        return _DENIED
    if code in _CODES:
        return _CODES[code]
    return _DENIED if 3000 <= code < 5000 else _BROKEN


def _of_our_close(code: int) -> _Meaning:
    if code in (1000, 1001):
        return _ENDED
    return _TOO_MUCH if code == 1009 else _NONSENSE


class LinkClosed(LinkError):
    """A link that was up came to its end, whatever the reason: also after a friendly close.

    Text, hint, `retryable`, `retry_after_s` and `tries` are those of `close_error`; ask the
    dialect first, with `code` and `reason`.

    Attributes:
        code: The close code; None: the line broke without one.
        reason: The closing side's words, cleaned and masked.
        by_us: Whether we closed first.
        is_ours: Whether we ended it on purpose.
        is_told: Whether code and reason are the service's own words about it.
    """

    def __init__(self, code: int | None, reason: str, *, by_us: bool = False) -> None:
        error = self.meaning = close_error(code, reason, by_us=by_us)
        wait_s, tries = error.retry_after_s, error.tries
        super().__init__(error.message, error.hint, retry_after_s=wait_s, tries=tries)
        self.code = code
        self.reason = mask_secrets(clean_line(mask_secrets(reason)))
        self.by_us = by_us
        self.is_ours = by_us and code in (1000, 1001)
        self.is_told = not by_us and _PING not in reason.lower()
        self.retryable = error.retryable and self.tries != 0
