"""What the GLM stand-in does on purpose: its replies, its manners, and its faults, by name.

A script is a frozen value; `dataclasses.replace(SCRIPTS["normal"], …)` makes another.
"""

from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]

ANSWER = "你好！I am a stand-in for the real service, and I am glad to hear you."


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function."""

    name: str = "get_time"
    arguments: str = '{"zone":"UTC"}'
    has_id: bool = True
    """Early servers give none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model."""

    text: str = ANSWER
    audio_ms: int = 1600
    calls: tuple[Call, ...] = ()
    """Function calls instead of words, where tools were offered in a voice call."""
    failure: JsonObject | None = None
    """`status_details.error` of a reply that fails."""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the service does on purpose."""

    name: str = "normal"
    replies: tuple[Reply, ...] = (Reply(),)
    """Used one after another in each connection; the last one then stays."""
    http_status: int = 0
    """The handshake is refused with this, and `http_body`."""
    http_body: str = ""
    update_error: JsonObject | None = None
    """Instead of `session.updated`; the line is closed after it if `update_close`."""
    update_close: int = 0
    confirms_updates: bool = True
    offers_noise_reduction: bool = False
    answers_text: bool = False
    """False: typed messages are taken and ignored, as the live service was seen to do."""
    recalls: bool = False
    """Every answer tells all that the model knows: its instructions, and what was said."""
    hears_end_with_tools: bool = True
    """False: the VAD never ends a turn while tools are offered."""
    streams: tuple[str, ...] = ("audio_transcript",)
    """How words are told: `audio_transcript`, `text`, or both."""
    has_deltas: bool = True
    """False: words come only as `.done`."""
    has_items: bool = True
    """False: no `output_item` and `content_part` events, and no output in `response.done`."""
    delta_ms: int = 800
    """Sound in one delta: GLM sends large ones."""
    pace: float = 8.0
    """Sound is sent so many times faster than real time; 0: all at once."""
    user_text: str = "This is what the user said."
    transcription_delay_ms: int = 50
    transcription_error: str = ""
    """An `error` event of this code in place of the user's words."""
    reply_error: JsonObject | None = None
    """An `error` event in place of each reply."""
    close_after_reply: int = 0
    """Close with this code after the first reply."""
    heartbeat_s: float = 30.0


def _error(code: str | int, message: str) -> JsonObject:
    return {"code": code, "message": message}


_VALIDATION = (
    'upstream error 422: {"detail":[{"type":"missing","loc":["body","session","beta_fields"],'
    '"msg":"Field required"}]}'
)
_ALL = (
    Script(),
    Script("text_answers", answers_text=True),
    Script("recall", answers_text=True, recalls=True, pace=0.0),
    Script(
        "bad_key", http_status=401, http_body='{"error":{"code":"1002","message":"令牌不正确"}}'
    ),
    Script(
        "no_model",
        http_status=404,
        http_body='{"error":{"code":"model_not_found","message":"no such model"}}',
    ),
    Script("no_balance", update_error=_error(1113, "您的账户已欠费，请充值后重试。")),
    Script("busy", update_error=_error("1302", "并发数过高"), update_close=1000),
    Script(
        "gateway",
        update_error=_error(
            "downstream_reconnect_exceeded", "reconnects to the downstream exceeded 3/3"
        ),
        update_close=1011,
    ),
    Script("validation", update_error=_error("invalid_request_error", _VALIDATION)),
    Script("silent_update", confirms_updates=False),
    Script("deaf_with_tools", hears_end_with_tools=False),
    Script("both_streams", streams=("audio_transcript", "text")),
    Script("text_stream", streams=("text",), has_items=False),
    Script("done_only", has_deltas=False),
    Script("late_transcript", transcription_delay_ms=1500),
    Script("unheard", transcription_error="asr_no_result"),
    Script("model_fails", reply_error=_error("model_query_error", "query failed")),
    Script("failed_reply", replies=(Reply(failure=_error("1305", "busy")), Reply())),
    Script("tool_call", replies=(Reply(calls=(Call(),)), Reply())),
    Script(
        "two_calls",
        replies=(Reply(calls=(Call(has_id=False), Call("get_place", "{}", False))), Reply()),
    ),
    Script("close_1011", close_after_reply=1011),
    Script("slow", replies=(Reply(audio_ms=8000),), pace=2.0, delta_ms=200),
)
SCRIPTS: dict[str, Script] = {script.name: script for script in _ALL}


def script_named(name: str) -> Script:
    """Look a script up.

    Raises:
        ValueError: No script has this name; the text lists those that exist.
    """
    if name not in SCRIPTS:
        raise ValueError(f"no script {name!r}; there are: {', '.join(sorted(SCRIPTS))}")
    return SCRIPTS[name]
