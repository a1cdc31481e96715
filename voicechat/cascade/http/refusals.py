"""What a service that answers by HTTP means when it does not do what was asked.

Rule: pure.  The vendors' own codes come first, because several of them hide an empty account
behind a status that reads "too many requests"; the statuses are read as for any link.
"""

import re
from collections.abc import Mapping
from typing import Any

from voicechat.errors import RefusedError, ServiceError, UpgradeRefusedError, VoiceChatError
from voicechat.net.http_refusals import message_of, service_answer
from voicechat.net.proxy import Route
from voicechat.text.phrase import message_key, phrase

_BARRED = (401, 402, 403, 407, 511)
"""Statuses that say that we may not come in, whatever we ask for."""

_KEY = phrase("Check the API key")
_MONEY = phrase("Check the account's balance and limits")
_MODEL = phrase("Check the model's name, and whether your account may use it")
_LATER = phrase("Try again in a while")

_CODES: dict[str, tuple[type[VoiceChatError], str, str]] = {
    **dict.fromkeys(
        ("1000", "1001", "1002", "1003", "1004", "invalid_api_key", "InvalidApiKey"),
        (RefusedError, message_key("{who} refused the key{status}{said}"), _KEY),
    ),
    **dict.fromkeys(
        ("1113", "1309", "Arrearage", "insufficient_quota", "AllocationQuota.FreeTierOnly"),
        (
            RefusedError,
            message_key("{who} says that the account has no credit left{status}{said}"),
            _MONEY,
        ),
    ),
    **dict.fromkeys(
        ("1211", "1220", "1311", "model_not_found", "ModelNotFound", "Model.AccessDenied"),
        (RefusedError, message_key("{who} does not offer this model{status}{said}"), _MODEL),
    ),
    **dict.fromkeys(
        ("1301", "data_inspection_failed", "DataInspectionFailed", "content_policy_violation"),
        (
            RefusedError,
            message_key("{who} does not want to talk about this{status}{said}"),
            phrase("Say it in another way"),
        ),
    ),
    **dict.fromkeys(
        ("1302", "1303", "1304", "1305", "1308", "1310", "1312", "1313", "Throttling"),
        (
            ServiceError,
            message_key(
                "{who} has too much to do, or had too many requests of yours{status}{said}"
            ),
            _LATER,
        ),
    ),
    "1261": (
        RefusedError,
        message_key("{who} says that the conversation is too long{status}{said}"),
        phrase("Start a new one"),
    ),
    "context_length_exceeded": (
        RefusedError,
        message_key("{who} says that the conversation is too long{status}{said}"),
        phrase("Start a new one"),
    ),
}
"""GLM (1xxx), DashScope (capital letters) and OpenAI, as their error tables have them."""

_WORDS = (
    (re.compile(r"(?i)api[ _]key (not valid|invalid)|API_KEY_INVALID|incorrect api key"), "1000"),
    (re.compile(r"(?i)insufficient (balance|credit|fund)|in arrears|欠费|余额不足"), "1113"),
    (re.compile(r"(?i)exceeded.{0,20}quota|quota.{0,20}(exceeded|exhausted)"), "1113"),
)
"""For those that put it into words alone."""
_RETRY = re.compile(r'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')
"""google.rpc.RetryInfo: a quota that is there again in a moment."""


def refusal(
    route: Route, status: int, headers: Mapping[str, str], body: bytes, value: Any, now: float
) -> VoiceChatError:
    """What an answer other than 200 means.

    Args:
        route: Whom we asked, and how.
        status: HTTP status.
        headers: With names in lower case.
        body: Of the answer.
        value: The body as JSON; None: it is none.
        now: Unix time, for a `Retry-After` that is a date.
    """
    said = message_of(value) if isinstance(value, dict | list) else ""
    if status == 429 and (wait := _RETRY.search(body.decode("utf-8", "replace"))):
        text = phrase(
            "{who} has had too many requests from this account (HTTP {code}){said}",
            who=route.service,
            code=status,
            said="",
        )
        return ServiceError(text, _LATER, retry_after_s=min(float(wait[1]), 60.0))
    if status >= 400 and (known := _CODES.get(code_of(value, said))):
        kind, words, hint = known
        shown = phrase(" (HTTP {code})", code=status)
        text = phrase(words, who=route.service, status=shown, said=_quoted(route, said))
        return kind(text, hint)
    if 200 < status < 400 and "location" not in headers:
        text = phrase("{who} answered HTTP {code}", who=route.service, code=status)
        return RefusedError(text, phrase("Check the address"))
    error = service_answer(route, status, headers, body, now)
    if isinstance(error, UpgradeRefusedError):
        return RefusedError(error.message, error.hint)
    return error


def is_barred(status: int, error: VoiceChatError) -> bool:
    """Whether this answer will be the same to whatever we ask: key, money, region."""
    return status in _BARRED or error.hint in (_KEY, _MONEY)


def failure(route: Route, error: Any) -> VoiceChatError:
    """What an error inside a good answer means."""
    said = message_of(error) or (str(error.get("msg", "")) if isinstance(error, dict) else "")
    if known := _CODES.get(code_of(error, said)):
        kind, words, hint = known
        text = phrase(words, who=route.service, status="", said=_quoted(route, said))
        return kind(text, hint)
    text = phrase("{who} failed{said}", who=route.service, said=_quoted(route, said))
    return ServiceError(text, phrase("Try again"))


def code_of(value: Any, said: str) -> str:
    """The code of an error body, as a key of our table; empty: it has none that we know."""
    match value:
        case {"error": dict(inner)} | [{"error": dict(inner)}, *_]:
            value = inner
    found = ""
    if isinstance(value, dict):
        names = [str(value.get(name)) for name in ("code", "type", "status")]
        # DashScope refines its codes behind a point: Throttling.RateQuota.
        names += [name.partition(".")[0] for name in names]
        found = next((name for name in names if name in _CODES), "")
    return found or next((code for words, code in _WORDS if words.search(said)), "")


def _quoted(route: Route, said: str) -> str:
    quoted = route.quote(said, 200).rstrip(".")
    return phrase(": {quoted}", quoted=quoted) if quoted else ""
