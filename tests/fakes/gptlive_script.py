"""What the GPT-Live stand-in does on purpose: its answers, its manners and its faults, by name."""

from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]

GREETING = "Good to hear you. I am a stand-in, and I talk long enough to be interrupted."
GARBAGE: tuple[str, ...] = (
    "[1,2]",
    "{}",
    "not json",
    '{"type":"session.output_audio.delta","delta":"%%%"}',
    '{"type":"session.hologram.delta","delta":"AAAA","start_ms":-5,"end_ms":"x"}',
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One say of the model."""

    text: str = GREETING
    audio_ms: int = 2000
    pause_ms: int = 0
    """Silence in its middle."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error, and the close that follows; 0: the link stays open."""

    code: str
    message: str
    kind: str = "invalid_request_error"
    param: str = ""
    close: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the service does on purpose."""

    name: str = "normal"
    answers: tuple[Answer, ...] = (Answer(),)
    """Used one after another in each connection; the last one then stays."""
    user_text: str = "This is what the user said."
    is_late: bool = False
    """The user's words come after the answer has begun."""
    is_mute: bool = False
    """The model never speaks."""
    sends_silence: bool = True
    """False: there are messages of sound only while the model speaks."""
    is_odd: bool = False
    """Sound in pieces of odd length."""
    yields: bool = True
    """The model falls silent when the user speaks over it."""
    delegates: bool = False
    """It hands work over before it answers, and waits for the result."""
    calls: tuple[str, ...] = ()
    """Tools that the model's helper calls before the first answer, where a session has some; it
    waits for their answers."""
    arguments: str = "{}"
    """Of each of them, as JSON."""
    recalls: bool = False
    """What the tools said is the model's answer."""
    starts: bool = True
    refusal: Fault | None = None
    """Instead of `session.started`."""
    voice_refusal: Fault | None = None
    """The same, for a session that chooses a voice."""
    helper_refusal: Fault | None = None
    """The same, for a session with tools."""
    fault_in_answer: Fault | None = None
    closed_in_answer: str = ""
    """The reason in a `session.closed` in the middle of the first answer."""
    breaks_in_answer: bool = False
    """The link ends there without a word."""
    idle_ms: int = 0
    """After so much silence inference is paused, until somebody speaks; 0: never."""
    splits_usage: bool = True
    """Active and paused seconds are told apart."""
    counts: bool = True
    """Its use is told once a second; False: only at the end."""
    noise: tuple[str, ...] = ()
    """Sent raw before every message of sound, in rotation."""
    info: str = ""


_KEY = "invalid_request_error.invalid_api_key"
_ALL = (
    Script(),
    Script("short", answers=(Answer("Yes.", audio_ms=400),)),
    Script("two", answers=(Answer(), Answer("And that was the second.", audio_ms=800))),
    Script("pause", answers=(Answer(pause_ms=600),)),
    Script("late_words", is_late=True),
    Script("mute", is_mute=True),
    Script("sparse", sends_silence=False),
    Script("odd_chunks", is_odd=True),
    Script("long", answers=(Answer(audio_ms=8000), Answer("Yes.", audio_ms=400))),
    Script("stubborn", yields=False, answers=(Answer(audio_ms=6000), Answer("Yes.", 400))),
    Script("delegates", delegates=True),
    Script("tool", calls=("get_time",)),
    Script("two_tools", calls=("get_time", "get_place")),
    Script(
        "no_helper",
        helper_refusal=Fault("invalid_value", "No such model.", param="session.delegation"),
    ),
    Script("idle", idle_ms=1000, answers=(Answer("Yes.", audio_ms=400),)),
    Script("silent_start", starts=False),
    Script("noise", noise=GARBAGE),
    Script("info", info="The session is recorded"),
    Script(
        "bad_key",
        refusal=Fault("invalid_api_key", "Incorrect API key provided.", close=3000, reason=_KEY),
    ),
    Script(
        "no_credit",
        refusal=Fault("credit_balance_exhausted", "Your credit balance is exhausted.", close=1008),
    ),
    Script(
        "no_model",
        refusal=Fault("model_not_found", "The model does not exist.", "invalid_request_error"),
    ),
    Script(
        "crowded",
        refusal=Fault("rate_limit_exceeded", "Too many concurrent sessions.", close=1013),
    ),
    Script(
        "no_voice",
        voice_refusal=Fault("invalid_value", "Invalid voice.", param="session.audio.output.voice"),
    ),
    Script("fault", fault_in_answer=Fault("internal_error", "Something broke.", "server_error")),
    Script("expired", closed_in_answer="expired"),
    Script("filtered", closed_in_answer="content"),
    Script("lost", closed_in_answer="connection_lost"),
    Script("breaks", breaks_in_answer=True),
)
SCRIPTS = {script.name: script for script in _ALL}
