"""What GLM's errors mean: the platform's numbers in words, and who can mend them.

A number may come as text or as a number, with a message in Chinese or with an upstream
validation report inside it.  The platform's faults are sorted: what only the user can mend is
fatal, what passes by itself explains the close that follows it.
Source: https://docs.bigmodel.cn/cn/api/api-code, and codes that its Realtime service was seen to
use.
"""

import json
import re
from dataclasses import dataclass, replace

from voicechat.errors import RefusedError, ServiceError, VoiceChatError
from voicechat.providers.json_fields import JsonObject, rows, table, text
from voicechat.providers.openai.errors import (
    Blame,
    CloseReason,
    Codebook,
    Fault,
    read_fault,
    safe_line,
)
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase, without_stop

_USUAL = Codebook()
CODES = Codebook(
    key=_USUAL.key | {"1000", "1001", "1002", "1003", "1004"},
    money=_USUAL.money | {"1110", "1111", "1112", "1113", "1121", "1304", "1308", "1309", "1310"},
    model=_USUAL.model | {"1211", "1220", "1221", "1222", "1311"},
    benign=_USUAL.benign | {"stop_task_error"},
)

RECONNECTS = "downstream_reconnect_exceeded"
_WAIT_S = {
    "500": 5.0,
    "1120": 5.0,
    "1234": 2.0,
    "1302": 5.0,
    "1303": 5.0,
    "1305": 10.0,
    "1312": 10.0,
    "1313": 30.0,
    RECONNECTS: 2.0,
}
"""Seconds after which trying again makes sense; what has such a time passes by itself."""

MOST_TRIES, MOST_DOUBTED = 5, 2
"""How often in a row; fewer where it may be the account, and not pass at all."""

UNHEARD = frozenset({"asr_no_result", "asr_error"})
"""The words of a turn could not be written down; the model may have heard them all the same."""
_NO_REPLY_FOLLOWS = frozenset({"model_query_error", "video_model_query_error", "1261", "1301"})

_WORDS = {
    "500": phrase("it had an internal error"),
    "1000": phrase("the key was not accepted"),
    "1001": phrase("no key arrived"),
    "1002": phrase("the key is not valid"),
    "1003": phrase("the key has expired"),
    "1004": phrase("the key was not accepted"),
    "1110": phrase("the account is not active"),
    "1111": phrase("there is no such account"),
    "1112": phrase("the account is locked"),
    "1113": phrase(
        "the account has no balance for Realtime, which is billed apart from text models"
    ),
    "1120": phrase("the account cannot be looked up now"),
    "1121": phrase("the account is locked"),
    "1210": phrase("it did not understand a setting"),
    "1211": phrase("it knows no such model"),
    "1213": phrase("it misses a field"),
    "1214": phrase("a field is wrong"),
    "1220": phrase("this account may not use the model"),
    "1221": phrase("the model is switched off"),
    "1222": phrase("the model is switched off"),
    "1234": phrase("its network failed"),
    "1261": phrase("the conversation is too long for the model"),
    "1301": phrase("its content filter stopped the answer"),
    "1302": phrase("too many calls run at once"),
    "1303": phrase("too many calls in a short time"),
    "1304": phrase("today's limit of calls is reached"),
    "1305": phrase("it is overloaded"),
    "1308": phrase("the limit of use is reached until its reset"),
    "1309": phrase("the plan has ended"),
    "1310": phrase("the limit of use is reached until its reset"),
    "1311": phrase("the plan does not include this model"),
    "1312": phrase("the model is busy"),
    "1313": phrase("it slows this account down for heavy use"),
    RECONNECTS: phrase("its gateway lost the model; the account may lack this model, or balance"),
    "model_not_found": phrase("this account may not use the model, or there is none of this name"),
    "model_query_error": phrase("the model failed"),
    "video_model_query_error": phrase("the model failed on the picture"),
}
_CODE_IN_REASON = re.compile(rf"(?<!\d)1\d{{3}}(?!\d)|{RECONNECTS}|model_not_found")
_LONGEST_REPORT = 20_000


def read_glm_fault(message: JsonObject, secrets: tuple[str, ...]) -> Fault:
    """The fault in an `error` event, in our words where its code is known."""
    error = table(message, "error") or message
    fault = _surfaced(read_fault(message, secrets), text(error, "message"), secrets)
    fault = in_words(fault)
    follows = fault.code in _NO_REPLY_FOLLOWS or is_passing(fault.code)
    return replace(fault, param="response") if follows and not fault.param else fault


def in_words(fault: Fault) -> Fault:
    """The fault with the meaning of its code before the service's own words."""
    words = _WORDS.get("500" if _is_internal(fault.code) else fault.code)
    if words is None or fault.message.startswith(words):
        return fault
    return replace(
        fault,
        message=phrase(
            "{what} ({code}: {quoted})",
            what=words,
            code=fault.code,
            quoted=clean_line(fault.message),
        ),
    )


def is_passing(code: str) -> bool:
    """Whether it concerns the whole service, and trying again later can help."""
    return code in _WAIT_S or _is_internal(code)


def _is_internal(code: str) -> bool:
    """Whether it is one of HTTP's numbers for the server's own faults."""
    return len(code) == 3 and code.isdecimal() and code.startswith("5")


def _surfaced(fault: Fault, said: str, secrets: tuple[str, ...]) -> Fault:
    """A fault whose message holds `{"detail": [{"loc": […], …}]}`: the field is what counts."""
    at = said.find("{")
    if at < 0 or len(said) > _LONGEST_REPORT:
        return fault
    try:
        report: JsonObject = json.JSONDecoder().raw_decode(said[at:])[0]
    except (ValueError, RecursionError):
        return fault
    for detail in rows(report, "detail"):
        loc = detail.get("loc")
        path = ".".join(str(part) for part in loc) if isinstance(loc, list) else ""
        path = safe_line(path, secrets, 120)
        why = safe_line(text(detail, "msg") or text(detail, "type"), secrets, 120)
        if path:
            return replace(fault, param=path, message=f"{path}: {why or 'wrong'}")
    return fault


@dataclass
class GlmFarewell(CloseReason):
    """Explains the end of a GLM line; also remembers the last passing fault."""

    trouble: Fault | None = None
    silence: VoiceChatError | None = None
    """The line went silent: we hang up, whatever follows."""

    def explain(self, code: int, reason: str) -> VoiceChatError | None:
        if self.silence:
            return self.silence
        found = _CODE_IN_REASON.search(reason)
        told = in_words(Fault(found[0], reason)) if found else None
        if self.refusal is None and told and self.codes.blame(told.code):
            self.remember(told)
        if self.refusal:
            return self.refusal
        trouble = told if told and is_passing(told.code) else self.trouble
        if trouble:
            return self._passing(trouble)
        if code == 1003:
            words = phrase(
                "{who} refused the session: {why}",
                who=self.profile.title,
                why=reason or phrase("close code {code}", code=code),
            )
            return RefusedError(words, self.hint("model"))
        return super().explain(code, reason)

    def _passing(self, fault: Fault) -> ServiceError:
        hint, tries = phrase("Try again in a moment"), MOST_TRIES
        if fault.code == RECONNECTS:
            hint = phrase("Try again, choose another model, or look at your balance")
            tries = MOST_DOUBTED
        words = phrase(
            "{who} ended the session: {why}",
            who=self.profile.title,
            why=without_stop(fault.message),
        )
        wait_s = _WAIT_S.get(fault.code)
        return ServiceError(words, hint, retry_after_s=wait_s, tries=tries)

    def hint(self, blame: Blame | None) -> str:
        if blame == "model":
            return phrase("Choose another model: an account may not use all of them")
        return super().hint(blame)
