"""What the Gemini stand-in does on purpose: its answers, its manners and its faults, by name.

A script is a frozen value; `dataclasses.replace(SCRIPTS["normal"], …)` makes another.
"""

from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]

GREETING = "Good to hear you. I am a stand-in, and I talk long enough to be interrupted."
BAD_KEY = (1007, "API key not valid. Please pass a valid API key.")
NO_REGION = (1007, "User location is not supported for the API use.")
NO_QUOTA = (1011, "You exceeded your current quota, please check your plan and billing details.")
INTERNAL = (1011, "Internal error occurred.")
ABORTED = (1008, "The operation was aborted.")
GARBAGE: tuple[bytes, ...] = (b"\x00\xff\xfe", b"[1,2]", b"null", b"{}", b'{"serverContent":[]}')
UNKNOWN: tuple[bytes, ...] = (
    b'{"hologram":{"frame":1}}',
    b'{"serverContent":{"smell":"rain","modelTurn":{"nose":[]}},"serverMood":1}',
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn of the model."""

    text: str = GREETING
    audio_ms: int = 2000
    written: str = ""
    """A text part, unspoken."""
    thought: str = ""
    tool: str = ""
    """A function that is called before anything is said."""
    reason: str = ""
    """`turnCompleteReason`."""
    is_working: bool = False
    """The turn ends with `IN_PROGRESS`: the next answer follows unasked."""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the service does on purpose."""

    name: str = "normal"
    answers: tuple[Answer, ...] = (Answer(),)
    """Used one after another in each connection; the last one then stays."""
    user_text: str = "This is what the user said."
    in_pieces: bool = False
    """The user's words come in fragments."""
    is_late: bool = False
    """The user's words come after the answer has begun."""
    chunk_ms: int = 100
    pace: float = 8.0
    """Sound is sent so many times faster than real time; 0: all at once, in one message."""
    recalls: bool = False
    """Every answer tells all that the model knows: its instructions, and what was said."""
    rate: int = 24_000
    is_odd: bool = False
    """Chunks of odd length, so that samples are split."""
    complete_after_ms: int = 150
    """From `generationComplete` to `turnComplete`; the real one waits for the end of playing."""
    stale_ms: int = 0
    """Sound that still comes after a cut."""
    ends_cut_turns: bool = True
    """False: a turn that is cut before it said anything ends without a word."""
    marks_speech: bool = False
    """`voiceActivity`."""
    has_ids: bool = True
    """Of tool calls."""
    has_details: bool = True
    """Of tokens."""
    noise: tuple[bytes, ...] = ()
    """Sent raw, one before each message, in rotation."""
    answers_setup: bool = True
    is_mute: bool = False
    """Questions are met with silence."""
    refusal: tuple[int, str] | None = None
    """Close code and reason instead of `setupComplete`."""
    go_away_s: float = 0.0
    """So long after the setup `goAway` comes."""
    go_away_left_s: float = 1.0
    """From `goAway` to the close, as it is told."""
    close_in_answer: tuple[int, str] | None = None
    """In the middle of the first answer."""
    error: JsonObject | None = None
    """A bare error instead of the first answer."""


_ERROR = {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID"}
_ALL = (
    Script(),
    Script("burst", pace=0.0),
    Script("short", answers=(Answer("Yes.", audio_ms=300),)),
    Script("pieces", in_pieces=True),
    Script("late_words", is_late=True),
    Script("odd_chunks", is_odd=True),
    Script("other_rate", rate=16_000),
    Script("stale", stale_ms=600, pace=2.0),
    Script("real_time", pace=1.0, answers=(Answer(audio_ms=6000),)),
    Script("silent_cuts", ends_cut_turns=False),
    Script("thoughts", answers=(Answer(thought="**Pondering** the user's wish"),)),
    Script("written", answers=(Answer("", audio_ms=0, written="Only text this time."),)),
    Script("empty", answers=(Answer("", audio_ms=0, reason="NEED_MORE_INPUT"), Answer())),
    Script("rejected", answers=(Answer("", audio_ms=0, reason="RESPONSE_REJECTED"), Answer())),
    Script("tool_call", answers=(Answer(tool="get_time"), Answer())),
    Script("tool_without_id", answers=(Answer(tool="get_time"), Answer()), has_ids=False),
    Script(
        "several_turns",
        answers=(
            Answer("Let me think.", audio_ms=300, is_working=True),
            Answer("It is four.", audio_ms=300),
        ),
    ),
    Script("marks", marks_speech=True),
    Script("no_details", has_details=False),
    Script("noise", noise=GARBAGE),
    Script("unknown_fields", noise=UNKNOWN),
    Script("mute", is_mute=True),
    Script("no_setup_complete", answers_setup=False),
    Script("bad_key", refusal=BAD_KEY),
    Script("region", refusal=NO_REGION),
    Script("quota", refusal=NO_QUOTA),
    Script("go_away", go_away_s=0.3),
    Script("internal", close_in_answer=INTERNAL),
    Script("aborted", close_in_answer=ABORTED),
    Script("error", error=_ERROR),
    Script("recall", recalls=True, pace=0.0),
)
SCRIPTS: dict[str, Script] = {script.name: script for script in _ALL}
