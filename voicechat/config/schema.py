"""config.toml as frozen values; `config_file` reads them.

Every field here is a setting of the file under the same name, and its default is the program's.
`config.example.toml` shows them all, and a test holds it to them.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Literal


def _number(default: float, low: float, high: float) -> Any:
    """A number from `low` to `high`."""
    return field(default=default, metadata={"range": (low, high)})


def _secret(also: str = "") -> Any:
    """A text that may hold a key or a password: never shown, not even in an error.

    `also`: another name that it may have in the file.
    """
    return field(default="", repr=False, metadata={"secret": True, "also": also})


@dataclass(frozen=True, slots=True)
class Audio:
    """[audio]: the sound card."""

    input_device: str = ""
    """Number or part of the name of the microphone; empty: the system's."""
    output_device: str = ""
    volume: float = _number(1.0, 0, 2)
    """Of the loudspeaker; above 1 it is louder than what comes."""
    input_gain: float = _number(1.0, 0, 4)
    """Of the microphone."""
    chunk_ms: Literal[10, 20, 40] = 20
    buffer_ms: int = _number(100, 20, 1000)
    """How much sound of a reply must be there before it plays, until better is learned."""
    echo: Literal["auto", "on", "off"] = "auto"
    """Whether to take the loudspeaker's sound out of the microphone's: `auto`: when it is heard."""
    noise_suppression: bool = True
    """Soften steady noise where the echo is taken out; costs 6 ms."""
    codec: Literal["auto", "pcm16", "g711"] = "auto"
    """How the voice is sent: `auto`: as G.711, a sixth of the bytes, where the line is slower than
    speech and the provider takes it."""


@dataclass(frozen=True, slots=True)
class TalkSection:
    """[talk]: who speaks when, and what is written down."""

    vad: Literal["server", "semantic"] = "server"
    threshold: float = _number(0.5, 0, 1)
    silence_ms: int = _number(500, 50, 10_000)
    prefix_ms: int = _number(300, 0, 5_000)
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    interrupt: Literal["speech", "words", "never"] = field(
        default="speech", metadata={"true": "speech", "false": "never"}
    )
    """What of the user's cuts a reply in hands-free mode; `words`: no cough, no "mm-hmm"."""
    transcription_model: str = ""
    """Empty: the provider's choice; `none`: write nothing down."""
    language: str = ""
    """ISO 639-1; empty: find out."""


@dataclass(frozen=True, slots=True)
class Ui:
    """[ui]: the screen."""

    language: str = "auto"
    """`en`, or any language with a catalog (`voicechat.front.words.translation`)."""
    theme: Literal["dark", "light"] = "dark"


@dataclass(frozen=True, slots=True)
class Local:
    """[local]: the parts of the built-in model; a part may be the address of a service."""

    mind: str = field(default="auto", repr=False)
    mind_model: str = ""
    mind_key_env: str = ""
    ears: str = field(default="auto", repr=False)
    ears_model: str = "whisper-1"
    ears_key_env: str = ""
    mouth: str = field(default="auto", repr=False)
    mouth_model: str = "tts-1"
    mouth_voice: str = ""
    mouth_key_env: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """[providers.NAME]: what differs from the provider's own ways."""

    api_key: str = _secret()
    api_key_env: str = ""
    url: str = _secret(also="base_url")
    http_url: str = _secret()
    """Base address of its HTTP services, e.g. https://host/v1."""
    model: str = ""
    chat_model: str = ""
    """Of its HTTP services: who answers where no WebSocket gets through."""
    ears_model: str = ""
    mouth_model: str = ""
    voice: str = ""
    shape: Literal["auto", "ga", "beta"] = field(default="auto", metadata={"also": "dialect"})
    """Which generation of OpenAI's protocol the server speaks, where that is its language."""
    input_rate: int = _number(0, 0, 48_000)
    """Hz, for a server that does not say what it hears; 0: the provider's."""
    output_rate: int = _number(0, 0, 48_000)
    key_header: str = ""
    """How the key is sent, with `{key}` in its place; empty: the provider's way."""
    headers: Mapping[str, str] = field(
        default_factory=lambda: types.MappingProxyType({}), repr=False, metadata={"secret": True}
    )
    """More HTTP headers for the handshake."""


_NO_TABLE: Mapping[str, Any] = types.MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ToolSection:
    """[tools.NAME]: a program of this machine that the model may run."""

    command: tuple[str, ...] = ()
    """The program and its arguments; no shell reads it."""
    description: str = ""
    """What it does, for the model."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NO_TABLE)
    """JSON Schema of its arguments: an object; empty: it takes none."""
    timeout_s: float = _number(20.0, 0.1, 600)
    allow: bool = False
    """True: run without asking."""


@dataclass(frozen=True, slots=True)
class McpSection:
    """[mcp.NAME]: a server of tools (Model Context Protocol), by a program or an address."""

    command: tuple[str, ...] = ()
    url: str = _secret()
    """Of a server that speaks streamable HTTP."""
    env: Mapping[str, str] = field(
        default_factory=lambda: _NO_TABLE, repr=False, metadata={"secret": True}
    )
    """More environment variables for the program."""
    headers: Mapping[str, str] = field(
        default_factory=lambda: _NO_TABLE, repr=False, metadata={"secret": True}
    )
    tools: tuple[str, ...] = ()
    """The names of the tools to offer; empty: all of them."""
    timeout_s: float = _number(30.0, 0.1, 600)
    allow: bool = False
    """True: run without asking."""


@dataclass(frozen=True, slots=True)
class ModelSection:
    """[models.NAME]: what to know of a model that the program does not know."""

    provider: str = ""
    abilities: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    price: Mapping[str, float] = field(default_factory=lambda: _NO_TABLE)
    """USD for a million tokens: text_in, text_cached, text_out, audio_in, …"""


@dataclass(frozen=True, slots=True)
class Retirements:
    """What is remembered of the ends of models; no setting."""

    lists: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NO_TABLE)
    """By the host of a service: the ISO date on which each model ends, as its own list says."""
    told: frozenset[str] = frozenset()
    """Announcements that the user has had already."""
    day: date | None = None
    """The day that counts; None: today."""

    def today(self) -> date:
        return self.day or date.today()


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    model: str = ""
    """Empty: of the first provider whose key is known, else the built-in one."""
    url: str = _secret()
    proxy: str = _secret()
    ca_file: str = ""
    link: Literal["auto", "websocket", "http"] = "auto"
    """How to reach a realtime model; `auto`: by HTTP where no WebSocket gets through."""
    voice: str = ""
    instructions: str = ""
    hands_free: bool = False
    text: bool = False
    save: bool = True
    trace: str = ""
    audio: Audio = field(default_factory=Audio)
    talk: TalkSection = field(default_factory=TalkSection)
    ui: Ui = field(default_factory=Ui)
    local: Local = field(default_factory=Local)
    providers: Mapping[str, Provider] = field(default_factory=lambda: types.MappingProxyType({}))
    """Only sections that say something."""
    tools: Mapping[str, ToolSection] = field(default_factory=lambda: _NO_TABLE)
    mcp: Mapping[str, McpSection] = field(default_factory=lambda: _NO_TABLE)
    models: Mapping[str, ModelSection] = field(default_factory=lambda: _NO_TABLE)
    url_model: str | None = field(default=None, metadata={"in_file": False})
    """The model that `url` was named with, empty where it was named alone; None: `model`."""
    warnings: tuple[str, ...] = field(default=(), compare=False, metadata={"in_file": False})
    """What the user should be told about the file; not a setting."""
    retirements: Retirements = field(
        default_factory=Retirements, compare=False, metadata={"in_file": False}
    )

    def provider(self, name: str) -> Provider:
        """The section of one provider; all defaults where there is none."""
        return self.providers.get(name, Provider())

    def key_variables(self) -> frozenset[str]:
        """Every environment variable that the file names as the place of a key."""
        sections: tuple[Local | Provider, ...] = (self.local, *self.providers.values())
        named = (
            getattr(section, entry.name)
            for section in sections
            for entry in fields(section)
            if entry.name.endswith("key_env")
        )
        return frozenset(filter(None, named))

    def secrets(self) -> tuple[str, ...]:
        """Every text of the file that nothing may show, for `mask_secrets`."""
        texts = [text for one in self.providers.values() for text in _texts(one)]
        for server in self.mcp.values():
            texts += [*server.env.values(), *server.headers.values()]
        return tuple(filter(None, texts))


def _texts(provider: Provider) -> tuple[str, ...]:
    return provider.api_key, *provider.headers.values()
