"""What a provider is: a profile of facts, and a dialect, which is a state machine without I/O.

A dialect never raises on anything a server can send: noise becomes an `Unknown` event.  Time is an
argument (`now`, monotonic seconds).  After `open`, `send`, `receive` or `tick`, put everything
`data_to_send` returns on the link, in order, before anything else.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from voicechat.errors import VoiceChatError
from voicechat.events import Command, Event, Tool
from voicechat.text.phrase import phrase


@dataclass(frozen=True, slots=True)
class Http:
    """A provider's services over plain HTTPS.

    They answer where no WebSocket gets through, and make its ordinary chat models speak and hear.
    """

    url: str
    """Base address: paths such as `/chat/completions` come behind it.  `{origin}` stands for
    scheme and host of the user's own realtime address, as https."""
    chat_model: str
    """What the call goes on with when no WebSocket gets through."""
    chat: Literal["openai", "gemini"] = "openai"
    """In which language the chat service is spoken to."""
    ears_model: str = ""
    """Speech to text; empty: it has none."""
    ears: str = "openai"
    """In which language the service is spoken to: a module of `voicechat.cascade`,
    `NAME_speech`."""
    mouth_model: str = ""
    """Text to speech; empty: it has none."""
    mouth: str = "openai"
    """As `ears`."""
    voice: str = ""
    """Of the mouth, when the user names none."""
    elsewhere: "Http | None" = None
    """What a server of the user's own in this shape is asked for; None: the same."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Facts that hold for every session with one provider.  Only what someone reads."""

    name: str
    """As the config and `voicechat models` name it; the module's name."""
    title: str
    """As a person calls it: `OpenAI`."""
    url: str
    """WebSocket address with `{model}` in it."""
    default_model: str
    helper_model: str = ""
    """The model that does the work the speaking one hands over; empty: none."""
    key_env: tuple[str, ...] = ()
    """Environment variables that may hold the key, best first; empty: no key needed."""
    url_env: tuple[str, ...] = ()
    """Environment variables that may hold the address, best first."""
    url_by_key: Mapping[str, str] = field(default_factory=dict)
    """Another WebSocket address for keys that come from this environment variable."""
    needs_url: bool = False
    """Whether there is no address but the user's own."""
    key_page: str = ""
    """Where a person gets a key."""
    input_rate: int = 24_000
    """Hz, of the sound we send."""
    output_rate: int = 24_000
    """Hz, of the sound we get."""
    can_truncate: bool = True
    """Whether the provider can forget the words of a reply that the user did not hear."""
    silence_when_muted: bool = True
    """Whether a muted microphone must go on sending zeros while the provider finds the turns."""
    max_session_s: float = 3600.0
    paced: bool = False
    """Whether sound comes at the pace of speech, silence included (full duplex)."""
    text_input: Literal["yes", "no", "unsure"] = "yes"
    """Whether typed messages are answered; `unsure`: some servers ignore them silently."""
    images: bool = False
    """Whether it looks at pictures."""
    image_types: tuple[str, ...] = ("image/jpeg", "image/png")
    """MIME types of pictures it takes, the one to encode to first."""
    image_bytes: int = 1_500_000
    """The largest picture it takes, before base64."""
    image_side: int = 2048
    """Pixels of the longer side at which more would only cost."""
    tools: bool = False
    """Whether it can call functions."""
    can_wait: bool = False
    """Whether its VAD can leave it to us what cuts a reply and when to answer (`Vad.by_words`)."""
    pong_s: float = 6.0
    """How late its answer to a ping may be while all is well."""
    g711: bool = False
    """Whether it takes sound as G.711, a sixth of the bytes (`Settings.codec`)."""
    http: Http | None = None
    """Its services without a WebSocket; None: it has none that we know."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One say of the conversation before this session, as the user heard or said it."""

    role: Literal["user", "assistant", "tool"]
    text: str
    """Of a tool: the call, an arrow, and what it answered."""
    id: str = field(default="", compare=False)
    """Of its row in our conversation."""


@dataclass(frozen=True, slots=True)
class Vad:
    """How the provider finds the end of a turn in hands-free mode.  Every value is sent."""

    kind: Literal["server", "semantic"] = "server"
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_ms: int = 500
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    interrupt: bool = True
    """Whether the user's voice cuts the reply."""
    by_words: bool = False
    """Whether only words shall cut it, where the provider can leave that to us; see
    `Dialect.waits`.  The others take `interrupt`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose for this session."""

    model: str
    api_key: str = field(default="", repr=False)
    url: str = ""
    """Another address for the same dialect; empty: the profile's."""
    key_header: str = ""
    """How the key is sent, e.g. `X-API-Key: {key}`; empty: the dialect's own way."""
    key_place: str = ""
    """Where the key was found, or belongs: a variable, or a section of the config; empty: the
    provider's usual variable."""
    input_rate: int = 0
    """Hz of the sound we send, for a server that does not say; 0: the profile's."""
    output_rate: int = 0
    """Hz of the sound we get; 0: the profile's."""
    codec: Literal["pcm16", "g711"] = "pcm16"
    """How the sound we send is written, where the provider takes both."""
    voice: str = ""
    """Empty: the provider's choice."""
    instructions: str = ""
    hands_free: bool = False
    vad: Vad = field(default_factory=Vad)
    transcription_model: str = ""
    """Which model writes down what the user says; empty: the dialect's choice; `none`: off."""
    helper_model: str = ""
    """Which model does the work that the speaking one hands over; empty: the dialect's choice."""
    language: str = ""
    """Of the user's speech, as ISO 639-1, or empty: find out."""
    text_only: bool = False
    """Ask for text answers without sound."""
    tools: tuple[Tool, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    """What was said before, oldest first, for a model that was not there; no answer is wanted.
    Not sent when `resume` is given: the provider remembers by itself then."""
    resume: str = field(default="", repr=False)
    """Handle of an earlier session to take up again (`Resumable`)."""
    shape: Literal["auto", "ga", "beta"] = "auto"
    """Which generation of the protocol the server speaks, where a dialect has several."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for the link, with what a slow line must know of it.

    Whoever makes the message sets both facts: nobody can find them in its text again.
    """

    text: str | bytes
    """A text frame as str; a binary frame as bytes, for languages that have such frames."""
    sound_s: float = 0.0
    """How much of the user's sound it carries: such a message waits for room on the line, and is
    dropped when it has waited too long.  0: it is no sound, and is never dropped."""
    is_urgent: bool = False
    """It stops a reply, or tells how much of one was heard: it overtakes sound that waits."""


class Enqueue(Protocol):
    """Queues one JSON message for the link; what the parts of a dialect send with."""

    def __call__(
        self, message: dict[str, Any], /, *, sound_s: float = 0.0, is_urgent: bool = False
    ) -> None:
        """See `Outgoing` for what the two facts mean."""


class Dialect(ABC):
    """One session in one provider's language."""

    profile: ClassVar[Profile]
    tick_s: ClassVar[float] = 0.25
    """How often `tick` should be called."""
    key_note: ClassVar[str] = ""
    """What else may be wrong with a key that is refused, one clause."""
    unix_at_zero: float = 0.0
    """Unix time at which `now` was zero, for languages that stamp their messages; set by whoever
    opens the link."""
    unsent_s: float = 0.0
    """How much of the sound that was queued the server has not got (it waits, or was dropped), for
    languages whose clock is the sound; set by whoever holds the link."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._outgoing: list[Outgoing] = []

    @property
    def input_rate(self) -> int:
        """Hz of the sound the server expects: the profile's, unless the server says otherwise."""
        return self.profile.input_rate

    @property
    def output_rate(self) -> int:
        """Hz of the sound the server sends: the profile's, unless the server says otherwise."""
        return self.profile.output_rate

    @property
    def answer_s(self) -> float:
        """How long a reply that was asked for may take to begin, before it counts as missing."""
        return 20.0

    @property
    def sound_bytes_per_s(self) -> int:
        """Of the sound we send, before base64."""
        return 2 * self.input_rate

    @property
    def waits(self) -> bool:
        """Whether the provider finds the turns and neither cuts a reply nor answers by itself: an
        `Interrupt` and an `EndTurn` of ours do that."""
        return False

    @property
    def items_sent(self) -> int:
        """How many messages we have put into the conversation, for providers that bill each."""
        return 0

    @property
    def _secrets(self) -> tuple[str, ...]:
        """What no text may show."""
        return (self.settings.api_key,) if self.settings.api_key else ()

    @abstractmethod
    def url(self) -> str:
        """The address to connect to, without any secret in it."""

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """HTTP headers of the handshake; these hold the key."""

    @abstractmethod
    def open(self, now: float) -> None:
        """The link is up: queue what must be said first."""

    @abstractmethod
    def send(self, command: Command, now: float) -> None:
        """Queue a command; what makes no sense now is kept for later or dropped, never an error."""

    @abstractmethod
    def receive(self, message: str | bytes, now: float) -> list[Event]:
        """Understand one message of the link."""

    @abstractmethod
    def tick(self, now: float) -> list[Event]:
        """Let time pass; call a few times a second."""

    @abstractmethod
    def closed(self, code: int, reason: str) -> VoiceChatError | None:
        """What the close of the link means, in this provider's words; None: nothing special."""

    def key_hint(self) -> str:
        """What to do about a key that is refused, or was never given, in one sentence."""
        profile, settings = self.profile, self.settings
        place = settings.key_place or next(iter(profile.key_env), "")
        if settings.key_place and not settings.api_key:
            if not profile.key_page:
                return phrase("Set {env}", env=place)
            return phrase("Set {env} (get one at {page})", env=place, page=profile.key_page)
        what = phrase("Check the key in {env}", env=place) if place else phrase("Check the key")
        if self.key_note:
            what = phrase("{what}; {note}", what=what, note=self.key_note)
        if profile.key_page:
            what = phrase("{what}; keys: {page}", what=what, page=profile.key_page)
        return what

    def data_to_send(self) -> list[Outgoing]:
        """Take everything that is queued for the link, in order."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _say(
        self, message: dict[str, Any], /, *, sound_s: float = 0.0, is_urgent: bool = False
    ) -> None:
        written = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        self._outgoing.append(Outgoing(written, sound_s, is_urgent))
