"""How a reply ended, and what it cost.

Source: `response.done` in the Realtime API reference; cached tokens are part of the inputs.
"""

from voicechat.events import ReplyFinished, ReplyStatus, Usage
from voicechat.providers.json_fields import JsonObject, count, table, text
from voicechat.providers.openai.errors import Fault, read_fault, safe_line
from voicechat.text.phrase import phrase

_STATUS: dict[str, ReplyStatus] = {
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "incomplete": "incomplete",
    "failed": "failed",
    "error": "failed",
}
_USED_UP = {
    "max_output_tokens": phrase("The answer was cut: it reached the longest length"),
    "content_filter": phrase("The answer was cut by the service's content filter"),
}


def read_outcome(reply_id: str, response: JsonObject, secrets: tuple[str, ...]) -> ReplyFinished:
    """The end of a reply; a status that is not known counts as completed."""
    status = _STATUS.get(text(response, "status"), "completed")
    usage = read_usage(response)
    if status == "completed":
        return ReplyFinished(reply_id, usage=usage)
    fault = read_failure(response, secrets)
    return ReplyFinished(reply_id, status, fault.code, fault.message, usage)


def read_failure(response: JsonObject, secrets: tuple[str, ...]) -> Fault:
    """Why a reply did not complete; `status_details` may be an object, a string, or missing."""
    details = table(response, "status_details")
    if table(details, "error"):
        return read_fault({"error": table(details, "error")}, secrets)
    said = text(details, "message") or text(response, "status_details")
    reason = safe_line(text(details, "reason"), secrets, 80)
    words = safe_line(said, secrets) or _USED_UP.get(reason, "")
    if not words and text(response, "status") == "failed":
        words = phrase("The service gave no reason")
    return Fault(code=reason or safe_line(text(response, "status"), secrets, 80), message=words)


def read_usage(response: JsonObject) -> Usage | None:
    """Tokens as billed, or None where the server does not count."""
    usage = table(response, "usage")
    if not usage:
        return None
    inputs, outputs = table(usage, "input_token_details"), table(usage, "output_token_details")
    cached = table(inputs, "cached_tokens_details")
    return Usage(
        input_tokens=count(usage, "input_tokens"),
        output_tokens=count(usage, "output_tokens"),
        input_text=count(inputs, "text_tokens"),
        input_audio=count(inputs, "audio_tokens"),
        input_image=count(inputs, "image_tokens"),
        cached_text=min(count(cached, "text_tokens"), count(inputs, "text_tokens")),
        cached_audio=min(count(cached, "audio_tokens"), count(inputs, "audio_tokens")),
        cached_image=min(count(cached, "image_tokens"), count(inputs, "image_tokens")),
        output_text=count(outputs, "text_tokens"),
        output_audio=count(outputs, "audio_tokens"),
    )
