"""config.toml as frozen values, checked once at the door.

Every field here is a setting of the file under the same name, and its default is the program's.
`config.example.toml` shows them all, and a test holds it to them.
"""

import os
import re
import tomllib
import types
from collections.abc import Collection, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from voicechat.errors import ConfigError
from voicechat.text import clean_line

T = TypeVar("T")


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
class Talk:
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

    language: Literal["auto", "en", "zh"] = "auto"
    theme: Literal["dark", "light"] = "dark"


@dataclass(frozen=True, slots=True)
class Local:
    """[local]: the parts of the built-in model; a part may be the address of a service."""

    mind: str = field(default="auto", repr=False)
    mind_model: str = ""
    mind_key_env: str = ""
    ears: str = field(default="none", repr=False)
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
    talk: Talk = field(default_factory=Talk)
    ui: Ui = field(default_factory=Ui)
    local: Local = field(default_factory=Local)
    providers: Mapping[str, Provider] = field(default_factory=lambda: types.MappingProxyType({}))
    """Only sections that say something."""
    tools: Mapping[str, ToolSection] = field(default_factory=lambda: _NO_TABLE)
    mcp: Mapping[str, McpSection] = field(default_factory=lambda: _NO_TABLE)
    models: Mapping[str, ModelSection] = field(default_factory=lambda: _NO_TABLE)
    warnings: tuple[str, ...] = field(default=(), compare=False, metadata={"in_file": False})
    """What the user should be told about the file; not a setting."""

    def provider(self, name: str) -> Provider:
        """The section of one provider; all defaults where there is none."""
        return self.providers.get(name, Provider())

    def secrets(self) -> tuple[str, ...]:
        """Every text of the file that nothing may show, for `mask_secrets`."""
        texts = [text for one in self.providers.values() for text in _texts(one)]
        for server in self.mcp.values():
            texts += [*server.env.values(), *server.headers.values()]
        return tuple(filter(None, texts))


def _texts(provider: Provider) -> tuple[str, ...]:
    return provider.api_key, *provider.headers.values()


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the file is looked for when no option names it: `VOICECHAT_CONFIG`, or the platform's
    place for settings (XDG base directories, Application Support, AppData)."""
    if named := environ.get("VOICECHAT_CONFIG", ""):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("voicechat", appauthor=False) / "config.toml"


def load(
    path: Path | None, environ: Mapping[str, str], providers: Collection[str] | None = None
) -> Config:
    """Read the config file, or all defaults where there is none and nobody named one.

    Args:
        path: The file the user named on the command line.
        providers: The names that may follow `providers.`; None: any.

    Raises:
        ConfigError: A named file is missing; the file cannot be read; a setting is unknown or
            has no allowed value.  The text names file, key and what is allowed, never a secret.
    """
    is_named = path is not None or bool(environ.get("VOICECHAT_CONFIG"))
    path = path if path is not None else config_path(environ)
    try:
        with path.open("rb") as file:
            status, data = os.fstat(file.fileno()), file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        if not is_named:
            return Config()
        raise ConfigError(f"There is no config file {_show(path)}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The config file {_show(path)} cannot be read ({_why(error)})"
        ) from error
    return _Reader(path, providers).read(_parse(data, path), status)


def tidy_key(key: str, source: str) -> str:
    """A key as it may stand in an HTTP header, without the white space pasted around it.

    Raises:
        ConfigError: It holds something no key holds; the text names `source`, never the key.
    """
    key = key.strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        hint = "Copy the key again: it must be one word of plain letters, digits and signs"
        raise ConfigError(f"The key in {source} is damaged", hint)
    return key


def _show(path: Path) -> str:
    return clean_line(str(path), 200)


def _why(error: Exception) -> str:
    return clean_line(getattr(error, "strerror", None) or "not a file name")


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{_show(path)}, line {line}: not UTF-8 text") from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError says where: "(at line 3, …)"
        why = "nested too deeply" if isinstance(error, RecursionError) else clean_line(str(error))
        raise ConfigError(f"{_show(path)} is not valid TOML: {why}") from None


class _Reader:
    """Turns the tables of one file into values; knows the file's name for its errors."""

    def __init__(self, path: Path, providers: Collection[str] | None) -> None:
        self._path = _show(path)
        self._providers = providers

    def read(self, table: dict[str, Any], status: os.stat_result) -> Config:
        values = self._fields(Config, table, "")
        config = Config(**values)
        return Config(**values, warnings=self._warnings(config, status))

    def _fields(self, cls: type[Any], table: dict[str, Any], where: str) -> dict[str, Any]:
        known = {entry.name: entry for entry in fields(cls) if entry.metadata.get("in_file", True)}
        kinds = get_type_hints(cls)
        names = {entry.metadata.get("also") or name: name for name, entry in known.items()}
        found: dict[str, Any] = {}
        for key, value in table.items():
            name = key if key in known else names.get(key, "")
            if not name:
                raise self._unknown(f"{where}{key}", key, known, "")
            if name in found:
                raise self._wrong(f"{where}{key}", "says the same as another", f"Keep {name}")
            found[name] = self._value(kinds[name], known[name], value, f"{where}{key}")
        return found

    def _value(self, kind: Any, entry: Field[Any], value: Any, where: str) -> Any:
        if where in _NAMED:
            return self._sections(self._table(value, where), where)
        if isinstance(kind, type) and is_dataclass(kind):
            return kind(**self._fields(kind, self._table(value, where), f"{where}."))
        if get_origin(kind) is Mapping:
            return self._mapping(kind, self._table(value, where), where)
        if get_origin(kind) is tuple:
            return self._list(value, where)
        if isinstance(value, bool):  # As it was written before there was more to choose.
            value = entry.metadata.get(str(value).lower(), value)
        if not _allowed(kind, entry, value):
            found = _name(value) if entry.metadata.get("secret") else _describe(value)
            raise self._wrong(where, f"is {found}", f"Allowed: {_expectation(kind, entry)}")
        return self._finish(entry, value, where)

    def _finish(self, entry: Field[Any], value: Any, where: str) -> Any:
        if entry.name == "api_key":
            return tidy_key(value, f"{where} of {self._path}")
        if isinstance(value, str) and entry.name != "instructions" and _CONTROLS.search(value):
            raise self._wrong(where, "holds a control character", "Write it on one line")
        return float(value) if entry.type in (float, "float") else value

    def _sections(self, tables: dict[str, Any], kind: str) -> Mapping[str, Any]:
        cls, found = _NAMED[kind], {}
        for name, table in tables.items():
            where = f"{kind}.{name}"
            if cls is Provider and self._providers is not None and name not in self._providers:
                raise self._unknown(where, name, self._providers, "providers.")
            if cls in (ToolSection, McpSection) and not _TOOL_NAME.fullmatch(name):
                raise self._wrong(where, "has no usable name", "Use letters, digits, _ and -")
            found[name] = cls(**self._fields(cls, self._table(table, where), f"{where}."))
        return types.MappingProxyType({n: one for n, one in found.items() if one != cls()})

    def _mapping(self, kind: Any, table: dict[str, Any], where: str) -> Mapping[str, Any]:
        """Headers and variables are texts, prices numbers; anything else is passed on as it is."""
        inner = get_args(kind)[1]
        for name, value in table.items() if inner is not Any else ():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (is_number if inner is float else isinstance(value, str)):
                allowed = "numbers" if inner is float else "text"
                raise self._wrong(f"{where}.{name}", f"is {_name(value)}", f"Allowed: {allowed}")
            if inner is str and _CONTROLS.search(name + value):
                raise self._wrong(where, "holds a control character", "Write it on one line")
        return types.MappingProxyType(dict(table))

    def _list(self, value: Any, where: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(where, f"is {_name(value)}", 'Allowed: texts, like ["one", "two"]')
        if any("\0" in one for one in value):
            raise self._wrong(where, "holds a control character", "Write it without")
        return tuple(value)

    def _table(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(where, f"is {_name(value)}", f"It is a section: [{where}]")
        return value

    def _wrong(self, where: str, what: str, hint: str) -> ConfigError:
        return ConfigError(f"{clean_line(where, 100)} in {self._path} {what}", hint)

    def _unknown(self, where: str, key: str, known: Collection[str], prefix: str) -> ConfigError:
        near = get_close_matches(key, known, 1)
        homes = [name for name, kind in _SECTIONS.items() if key in _names(kind)]
        if near:
            hint = f"Did you mean {prefix}{near[0]}?"
        elif homes:
            hint = f"It belongs under [{homes[0]}]"
        else:
            hint = f"There are: {', '.join(sorted(known))}"
        return self._wrong(where, "is no setting", hint)

    def _warnings(self, config: Config, status: os.stat_result) -> tuple[str, ...]:
        """A file that holds a secret is its owner's alone (POSIX; elsewhere the system's rule)."""
        if os.name != "posix" or not (config.secrets() or "@" in config.proxy):
            return ()
        if status.st_uid not in (0, os.geteuid()):
            return (f"{self._path} holds a key and belongs to somebody else",)
        if status.st_mode & 0o077:
            return (f"{self._path} holds a key and others may read it. Run: chmod 600",)
        return ()


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")
_NAMED: dict[str, type[Any]] = {
    "providers": Provider,
    "tools": ToolSection,
    "mcp": McpSection,
    "models": ModelSection,
}
"""Sections of which there are as many as the user names."""
_SECTIONS: dict[str, type[Any]] = {
    "audio": Audio,
    "talk": Talk,
    "ui": Ui,
    "local": Local,
    "providers.NAME": Provider,
    "tools.NAME": ToolSection,
    "mcp.NAME": McpSection,
}


def _names(cls: type[Any]) -> set[str]:
    return {entry.name for entry in fields(cls)}


def _allowed(kind: Any, entry: Field[Any], value: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(value == one and type(value) is type(one) for one in get_args(kind))
    if kind is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = type(value) is kind
    if fits and "range" in entry.metadata:
        low, high = entry.metadata["range"]
        return bool(low <= value <= high)
    return fits


def _expectation(kind: Any, entry: Field[Any]) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(repr(one) for one in get_args(kind))
    word = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
    if "range" in entry.metadata:
        low, high = entry.metadata["range"]
        word += f" from {low} to {high}"
    return word


def _name(value: Any) -> str:
    """What sort of TOML value it is."""
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text"}
    kinds |= {list: "a list", dict: "a section"}
    return kinds.get(type(value), "a date or time")


def _describe(value: Any) -> str:
    """A plain value as the user wrote it, anything larger by its sort."""
    if isinstance(value, str | bool | int | float):
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        return shown if len(shown) <= 60 else f"{shown[:60]}\u2026"
    return _name(value)
