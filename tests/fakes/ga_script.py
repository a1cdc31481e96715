"""What the stand-in service does on purpose: its replies, its manners, and its faults, by name.

A script is a frozen value; `dataclasses.replace(SCRIPTS["normal"], …)` makes another.  Faults of a
connection happen to the first `faulty_connections` only (None: to all), so that a client which
comes back can be seen to recover.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]

GREETING = (
    "Good to hear you. I am a stand-in for the real service, and I talk long enough "
    "for you to interrupt me."
)
HOSTILE = (
    "before [/bold] [@click=app.quit]x[/] [link=https://evil.example]y[/link] "
    "\x1b]52;c;ZXZpbA==\x07 \x1b[2J \x1bc \x1b[6n \x1bP+q544e\x1b\\ \x1b]0;owned\x07 "
    "\x1b]8;;https://evil.example\x1b\\z\x1b]8;;\x1b\\ \x9b2J \x9d52;c;ZXZpbA==\x9c \x90q\x9c "
    "\u202egnp.exe\u202c \u2066a\u2069 \u200b\x00\x07\x7f\ud800 after"
)
"""Markup, terminal escapes (7 and 8 bit), bidi overrides, NUL, BEL, DEL and a lone surrogate."""
CHINESE = "你好，很高兴认识你。👩‍👩‍👧‍👦 今天北京的天气很好 ☀️，气温二十三度。🇨🇳 再见！👋🏽"
GARBAGE: tuple[str | bytes, ...] = (
    "this is not JSON",
    '{"type":"response.output_audio.delta","delta":',
    "[1,2,3]",
    "null",
    '"a string"',
    "[" * 3000,
    '{"type":' + "9" * 5000 + "}",
    "{}",
    b"\x00\xff\xfe binary",
    "",
)
UNKNOWN: tuple[str, ...] = (
    '{"type":"response.hologram.delta","event_id":"event_h1","delta":"~"}',
    '{"type":"ping"}',
    '{"type":"conversation.item.smelled","event_id":"event_h2","item":{"id":"item_?","nose":1}}',
    '{"type":["not","a","name"]}',
    '{"type":"rate_limits.updated","event_id":"event_h3","rate_limits":"many","extra":{"a":[]}}',
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model."""

    text: str = GREETING
    audio_ms: int = 4000
    """Of each item."""
    wav: Path | None = None
    """Sound instead of the timecode: mono, 16 bit, 24 kHz.  `audio_ms` is then its length."""
    items: int = 1
    """Assistant messages in this one response; all have the same text and length."""
    tool: str = ""
    """Function calls of these names (with spaces between) instead of messages."""
    arguments: str = '{"zone":"UTC"}'
    """Of these calls, as the model writes them."""
    failure: JsonObject | None = None
    """`status_details.error` of a reply that fails before it says anything."""
    incomplete: str = ""
    """`max_output_tokens` or `content_filter`: the reply ends with this status after its items."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a connection is refused: by HTTP, or after the upgrade by an error event and a close."""

    status: int = 0
    """HTTP status; 0: the handshake succeeds, then comes `error` and the close."""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    error: JsonObject = field(default_factory=dict)
    close_code: int = 0
    close_reason: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the service does on purpose."""

    name: str = "normal"
    replies: tuple[Reply, ...] = (Reply(),)
    """Used one after another in each connection; the last one then stays."""
    first_delay_ms: int = 50
    """From `response.created` to the first delta."""
    delta_ms: int = 100
    """Sound in one audio delta."""
    pace: float = 4.0
    """Sound is sent so many times faster than real time; 0: all at once."""
    stalls: tuple[tuple[int, int], ...] = ()
    """(at ms of an item's sound, for ms): pauses in the sending of each item."""
    odd_deltas: bool = False
    """Audio deltas hold odd numbers of bytes, so that samples are split over two of them."""
    user_text: str = "This is what the user said."
    transcription_delay_ms: int = 100
    transcription_fails: bool = False
    refuses_replies: str = ""
    """`response.create` is met with an error of this code."""
    answers: bool = True
    """False: `response.create` and turns are met with silence."""
    confirms_updates: bool = True
    dialect: str = "ga"
    """`ga` or `beta`: the older event names and the flat session."""
    garbage: tuple[str | bytes, ...] = ()
    """Sent raw, one before each event from the second on, in rotation."""
    error_after_reply: JsonObject | None = None
    """An `error` event that follows each reply; the session goes on."""
    stale_ms: int = 0
    """Sound of a cancelled reply that still comes: half before its `response.done`, half after."""
    recalls: bool = False
    """Every answer tells all that the model knows: its instructions, and what was said."""
    rate_limits: bool = True
    refusal: Refusal | None = None
    close_after: int = 0
    """Close after so many messages to the client; 0: never."""
    close_code: int = 1000
    """1006: the TCP connection ends without a close frame."""
    close_reason: str = ""
    reset_at_ms: int = 0
    """Reset the TCP connection after so much sound of one item; 0: never."""
    session_s: int = 3600
    """How long a session may last, as it is told to the client; see `expire_after_ms`."""
    expire_after_ms: int = 0
    """End the session as too old, so long after its first update; 0: never."""
    deaf_to_close: bool = False
    """Never answers the client's CLOSE frame."""
    faulty_connections: int | None = None
    """How many connections meet this script before the service turns normal; None: all."""


def _error(code: str, message: str, kind: str = "invalid_request_error") -> JsonObject:
    return {"type": kind, "code": code, "message": message, "param": None, "event_id": None}


def in_band(code: str, message: str, close_code: int) -> Refusal:
    """The service's own way to refuse: 101, `error`, close with `<type>.<code>` as the reason."""
    error = _error(code, message)
    return Refusal(error=error, close_code=close_code, close_reason=f"{error['type']}.{code}")


def _http(status: int, body: str, *headers: tuple[str, str]) -> Refusal:
    return Refusal(status=status, headers=headers, body=body)


BAD_KEY = in_band(
    "invalid_api_key",
    "Incorrect API key provided: sk-te***************3456. "
    "You can find your API key at https://platform.openai.com/account/api-keys.",
    3000,
)
NO_KEY = in_band("invalid_api_key", "You didn't provide an API key.", 3000)
BETA_HEADER = in_band(
    "beta_api_shape_disabled", "The Realtime Beta API is no longer supported.", 4000
)
NO_MODEL = in_band("missing_model", "You must provide a model parameter.", 4000)
CROWDED = Refusal(
    error=_error("session_limit_reached", "All slots are in use.", "server_error"),
    close_code=1008,
    close_reason="all slots in use",
)
BAD_MODEL = in_band("invalid_model", "Model is not supported in realtime mode.", 4000)
EXPIRED = _error("session_expired", "Your session hit the maximum duration of 60 minutes.")
_QUOTA = {
    "type": "insufficient_quota",
    "code": "insufficient_quota",
    "message": "You exceeded your current quota, please check your plan and billing details.",
}
_LIMITED = {
    "type": "rate_limit_exceeded",
    "code": "rate_limit_exceeded",
    "message": "Rate limit reached for gpt-realtime. Please try again in 1.5s.",
}
_PORTAL = "<html><head><title>Hotel</title></head><body>Please log in.</body></html>"
_LIMIT_BODY = '{"error":{"code":"rate_limit_exceeded","message":"Slow down."}}'
KEY_BODY = '{"error":{"code":"invalid_api_key","message":"Incorrect API key provided."}}'

_ALL = (
    Script(),
    Script("bad_key", refusal=BAD_KEY),
    Script("bad_model", refusal=BAD_MODEL),
    Script("http_401", refusal=_http(401, KEY_BODY)),
    Script("http_429_retry_after", refusal=_http(429, _LIMIT_BODY, ("Retry-After", "2"))),
    Script("http_503", refusal=_http(503, "upstream connect error")),
    Script("http_200_html", refusal=_http(200, _PORTAL, ("Content-Type", "text/html"))),
    Script("http_302", refusal=_http(302, "", ("Location", "http://login.example/portal"))),
    Script("non_json", garbage=GARBAGE),
    Script("unknown_events", garbage=UNKNOWN),
    Script(
        "markup",
        replies=(Reply(HOSTILE, audio_ms=1000),),
        user_text=HOSTILE,
        error_after_reply=_error("hostile_error", HOSTILE),
    ),
    Script("failed_quota", replies=(Reply(failure=_QUOTA),)),
    Script("failed_rate_limit", replies=(Reply(failure=_LIMITED), Reply())),
    Script("silent", answers=False),
    Script("late_transcript", transcription_delay_ms=3000, replies=(Reply(audio_ms=1500),)),
    Script("failed_transcript", transcription_fails=True),
    Script("stale_deltas", stale_ms=800, pace=2.0),
    Script("short_reply", replies=(Reply("Yes.", audio_ms=160),)),
    Script("long_reply", replies=(Reply(" ".join([GREETING] * 12), audio_ms=45_000),), pace=8.0),
    Script("two_items", replies=(Reply(items=2, audio_ms=2000),)),
    Script("incomplete", replies=(Reply(incomplete="max_output_tokens"),)),
    Script("odd_deltas", odd_deltas=True),
    Script("burst", pace=0.0),
    Script("real_time", pace=1.0),
    Script("beta_names", dialect="beta"),
    Script("no_session_updated", confirms_updates=False),
    Script("close_1000", close_after=20, close_code=1000),
    Script("close_1001", close_after=20, close_code=1001, close_reason="going away"),
    Script("close_1011", close_after=20, close_code=1011, close_reason="internal error"),
    Script("close_1006", close_after=20, close_code=1006),
    Script("stall", stalls=((600, 5000),)),
    Script("cjk", replies=(Reply(CHINESE),), user_text="今天天气怎么样？🙂"),
    Script("tool_call", replies=(Reply(tool="get_time"), Reply())),
    Script("drop_tcp", reset_at_ms=800),
    Script("expired", expire_after_ms=1500, faulty_connections=1),
    Script("deaf_to_close", deaf_to_close=True),
    Script("refused_replies", refuses_replies="server_error"),
    Script("recall", recalls=True, pace=0.0, replies=(Reply(audio_ms=200),)),
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


def for_connection(script: Script, number: int) -> Script:
    """What connection `number` (from 0) meets: the script, or the normal one after the faults."""
    if script.faulty_connections is None or number < script.faulty_connections:
        return script
    return replace(SCRIPTS["normal"], dialect=script.dialect)
