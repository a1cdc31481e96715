"""The vocabulary every room shares: events come from a model, commands go to it.

Nothing here knows a provider, a socket, a sound card or a widget.  All values are frozen; the two
unions at the end are closed, so that `match` can be checked for completeness.  Text inside events
has already passed `voicechat.text.clean`.

Identity: an *item* is one entry of the conversation (one side's say); a *reply* is one run of the
model, and may hold several items.  Ids are the provider's, or ours where it gives none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

# -- events: from the model -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionReady:
    """The provider accepted our settings; audio and text may flow."""

    session_id: str = ""
    model: str = ""
    """The model as the server names it; may be empty."""
    expires_at: float | None = None
    """Unix time at which the server will end the session, where it says so."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should be told once; the session goes on."""

    code: str
    """Stable name, e.g. `update_refused`, `voice_locked`, `turn_too_short`."""
    message: str


Notify: TypeAlias = Callable[[Notice], None]
"""Where a part tells what the user should know; given to it when it is made, and ready for a call
from any thread."""


@dataclass(frozen=True, slots=True)
class WentOffline:
    """The line was lost, or could not be had; it is tried again by itself."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Retrying:
    """The back-off has begun: the line is tried again when it is over."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The provider's VAD heard the user begin to speak."""

    item_id: str = ""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The provider's VAD heard the user fall silent."""

    item_id: str = ""


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The user's spoken turn entered the conversation; its words may come much later."""

    item_id: str
    previous_item_id: str | None = None
    """The item it follows; empty: it is the first; None where the provider does not say."""
    transcribed: bool = True
    """Whether words will follow (False: no transcription was asked for or offered)."""


@dataclass(frozen=True, slots=True)
class InputTranscript:
    """Words of the user's spoken turn: `final` replaces, otherwise `text` is appended.

    `cumulative` partials (xAI) replace too, without being final.
    """

    item_id: str
    text: str
    final: bool = False
    cumulative: bool = False


@dataclass(frozen=True, slots=True)
class InputFailed:
    """The user's turn could not be taken in.

    Spoken, it could not be transcribed (the model may have heard it all the same); typed, the model
    does not answer it (`text_ignored`).
    """

    item_id: str
    message: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The model began a reply."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """More sound of a reply: PCM16 little-endian mono at the profile's output rate.

    Always a whole number of samples.
    """

    reply_id: str
    item_id: str
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplyText:
    """More words of a reply item; `final` carries the whole text and replaces what came before."""

    reply_id: str
    item_id: str
    text: str
    final: bool = False
    spoken: bool = True
    """Whether these words are the transcript of the item's sound (False: text-only answer)."""


ReplyStatus: TypeAlias = Literal["completed", "cancelled", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one reply took, as billed.  Cached counts are contained in the inputs.

    Where the time of the session is billed: how much of it passed since the reply before.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0
    connected_s: float | None = None
    """Seconds of the session; None: they are not what is billed, or nobody knows."""
    active_s: float | None = None
    """Of these: in which the model listened or spoke; None: the provider makes no difference."""
    standby_s: float | None = None
    """Of these: in which it stood by, at another price."""
    items: int | None = None
    """Messages put into the conversation that are billed one by one; None: they are not."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of money."""

    amount: float
    currency: str
    """`USD` or `CNY`: they are never added up."""


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The model has sent all of a reply, or gave it up; playing may still go on."""

    reply_id: str
    status: ReplyStatus = "completed"
    code: str = ""
    """Why, where it did not complete: `turn_detected`, `rate_limit_exceeded`, …"""
    message: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ProviderFailed:
    """The provider reported an error without closing the socket.

    `fatal`: it will not get better by trying again (key, money, model).
    """

    code: str
    message: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """The provider ends the session because of its age; a new one may be opened at once."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnding:
    """The provider will end the session soon; a new one should be opened in a pause."""

    time_left_s: float


@dataclass(frozen=True, slots=True)
class SessionMetered:
    """What the provider bills of the session so far; replaces what it said before."""

    active_s: float | None = None
    """None: it does not say; the clock does."""
    standby_s: float | None = None
    """None: it makes no difference."""
    has_extras: bool = False
    """Whether something came on top that is billed apart, at a price that nobody knows here."""


@dataclass(frozen=True, slots=True)
class SessionPaused:
    """The model stands by until the user speaks; that may cost less."""


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """A model that stood by listens again."""


@dataclass(frozen=True, slots=True)
class Resumable:
    """The session can be taken up again on a new line with this handle; replaces earlier ones."""

    handle: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model wants one of our tools run; answer with `SendToolResult`, once."""

    reply_id: str
    call_id: str
    name: str
    arguments: str
    """JSON text as the model wrote it: it may be malformed."""


@dataclass(frozen=True, slots=True)
class ToolsCancelled:
    """The model no longer wants these calls; a result of theirs must not be sent."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """What a tool of ours gave back for a call; told by the session, not by a model."""

    call_id: str
    name: str
    output: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message this dialect does not know or cannot read; counted and traced, never fatal."""

    kind: str


Event: TypeAlias = (
    SessionReady
    | Notice
    | WentOffline
    | Retrying
    | SpeechStarted
    | SpeechStopped
    | TurnCommitted
    | InputTranscript
    | InputFailed
    | ReplyStarted
    | ReplyAudio
    | ReplyText
    | ReplyFinished
    | ProviderFailed
    | SessionExpired
    | SessionEnding
    | SessionMetered
    | SessionPaused
    | SessionResumed
    | Resumable
    | ToolCalled
    | ToolsCancelled
    | ToolAnswered
    | Unknown
)

# -- what we offer the model ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of an object."""


# -- commands: to the model -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendAudio:
    """PCM16 little-endian mono at the profile's input rate."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BeginTurn:
    """Push-to-talk was pressed: drop leftovers of an earlier press; audio follows."""


@dataclass(frozen=True, slots=True)
class EndTurn:
    """Push-to-talk was released: answer what you heard, or forget it if it was too short."""


@dataclass(frozen=True, slots=True)
class SendText:
    """A typed message; answer it."""

    text: str
    item_id: str
    """Ours, at most 32 characters, prefixed `msg_`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of one reply item the user heard."""

    item_id: str
    heard_ms: int
    """Milliseconds of the item that left, or will still leave, the loudspeaker."""
    received_ms: int
    """Milliseconds of the item that had arrived when playing stopped."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the reply: the user spoke, typed or pressed a key.

    `heard` lists the items that were playing or waiting to play, in order; items played to their
    end before are not in it.
    """

    heard: tuple[Heard, ...] = ()
    by_server: bool = False
    """The provider's own VAD caused it, and has already cancelled the reply if it does that."""


@dataclass(frozen=True, slots=True)
class SetHandsFree:
    """Let the provider's VAD find the turns (True), or mark them ourselves (False)."""

    hands_free: bool


@dataclass(frozen=True, slots=True)
class SendImage:
    """A picture, already in a form and size the provider takes; answer it with `text`, if any."""

    data: bytes = field(repr=False)
    mime: str
    """`image/jpeg` or `image/png`."""
    item_id: str
    text: str = ""
    """Empty: the picture belongs to the next turn."""


@dataclass(frozen=True, slots=True)
class SendToolResult:
    """What a tool answered."""

    call_id: str
    name: str
    output: str
    """Text, as a rule JSON."""
    is_error: bool = False


Command: TypeAlias = (
    SendAudio
    | BeginTurn
    | EndTurn
    | SendText
    | SendImage
    | SendToolResult
    | Interrupt
    | SetHandsFree
)
