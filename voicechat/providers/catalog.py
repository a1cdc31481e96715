"""What is known of models: whose they are, what they can do and cost, and when they end.

The facts stand in `models.toml`.  It never limits anyone: an unknown name is passed to its
provider, and a provider it does not know is found all the same.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from voicechat.config import Config, tidy_key
from voicechat.errors import ConfigError
from voicechat.events import Usage
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Profile

BUILT_IN = "local"
"""The provider that needs no key."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens; what a model does not know costs nothing."""

    text_in: float = 0.0
    text_cached: float = 0.0
    text_out: float = 0.0
    audio_in: float = 0.0
    audio_cached: float = 0.0
    audio_out: float = 0.0
    image_in: float = 0.0
    image_cached: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """One model, or one family of dated names."""

    name: str
    provider: str
    also: tuple[str, ...] = ()
    """Other names of it, as shell patterns."""
    abilities: tuple[str, ...] = ()
    """Of `voice`, `text`, `images`, `tools`, `hands-free`, `reasoning`."""
    voices: tuple[str, ...] = ()
    status: Literal["current", "retiring", "retired"] = "current"
    shutdown: str = ""
    """ISO date on which it ends, or ended."""
    successor: str = ""
    price: Price | None = None

    @property
    def note(self) -> str:
        """What to tell about its end; empty for a model that stays."""
        if self.status == "current":
            return ""
        return f"is switched off on {self.shutdown}; its successor is {self.successor}"

    def is_called(self, name: str) -> bool:
        return name == self.name or any(fnmatchcase(name, pattern) for pattern in self.also)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model to talk to."""

    provider: str
    model: str
    notice: str = ""
    """Something the user should be told once; mostly empty."""


@dataclass(frozen=True, slots=True)
class _Data:
    date: str
    patterns: dict[str, tuple[str, ...]]
    """Of each provider, in order of preference."""
    models: tuple[Model, ...]


@cache
def _data() -> _Data:
    table = tomllib.loads(files("voicechat.providers").joinpath("models.toml").read_text("utf-8"))
    voices = {one["name"]: tuple(one.get("voices", ())) for one in table["providers"]}
    patterns = {one["name"]: tuple(one["patterns"]) for one in table["providers"]}
    return _Data(table["date"], patterns, tuple(_model(row, voices) for row in table["models"]))


def _model(row: dict[str, Any], voices: dict[str, tuple[str, ...]]) -> Model:
    values = {**row, "voices": voices[row["provider"]]}
    values |= {key: tuple(row.get(key, ())) for key in ("also", "abilities")}
    values["price"] = Price(**row["price"]) if "price" in row else None
    return Model(**values)


def date() -> str:
    """The ISO date of the facts, to be shown with prices."""
    return _data().date


def find(name: str) -> Model | None:
    """What is known of a model; the exact name counts more than a pattern."""
    known = _data().models
    exact = (model for model in known if model.name == name)
    return next(exact, None) or next((model for model in known if model.is_called(name)), None)


def models() -> tuple[Model, ...]:
    """Every model one can choose, provider by provider; at least one of each provider."""
    found = [model for model in _data().models if model.status != "retired"]
    for provider in names():
        if all(model.provider != provider for model in found):
            profile = dialect_class(provider).profile
            found.append(Model(profile.default_model, provider))
    return tuple(found)


def resolve(name: str, provider: str = "openai", *, own_address: bool = False) -> Choice:
    """Find who answers to a model's name.

    A provider's name stands for its usual model, `provider/model` names both; otherwise the table
    and its patterns tell the provider, and the last resort is `provider`.

    Args:
        name: As the user wrote it.
        provider: Of names that say nothing.
        own_address: The user named the server: it knows its models' names better than we do.
    """
    first, slash, rest = name.partition("/")
    if slash and rest and first in names():
        return Choice(first, rest)
    if name in names():
        return Choice(name, dialect_class(name).profile.default_model)
    model = find(name)
    if model is None:
        return Choice(_guess(name) or provider, name)
    if own_address or model.status == "current":
        return Choice(model.provider, name)
    if model.status == "retiring":
        return Choice(model.provider, name, f"{name} {model.note}")
    notice = f"{name} was switched off on {model.shutdown}; this is {model.successor}"
    return Choice(model.provider, model.successor, notice)


def _guess(name: str) -> str:
    for provider, patterns in _data().patterns.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return provider
    return ""


def default_choice(environ: Mapping[str, str], config: Config) -> Choice:
    """The usual model of the first provider whose key is known, else the built-in one.

    Raises:
        ConfigError: A key is damaged.
    """
    preferred = [name for name in _data().patterns if name in names()]
    for name in (*preferred, *(name for name in names() if name not in preferred)):
        profile = dialect_class(name).profile
        if profile.key_env and _key(profile, environ, config) and _is_placed(profile, config):
            return Choice(name, config.provider(name).model or profile.default_model)
    profile = dialect_class(BUILT_IN).profile
    return Choice(BUILT_IN, config.provider(BUILT_IN).model or profile.default_model)


def key_for(provider: str, environ: Mapping[str, str], config: Config) -> str:
    """The key for a provider; empty where none is needed or the server is the user's own.

    Voicechat's own settings come first (`api_key_env`, then `api_key`), then the variables every
    program shares.

    Raises:
        ConfigError: There is no such provider, no key, or the key is damaged; says where to get it.
    """
    profile = dialect_class(provider).profile
    key = _key(profile, environ, config)
    if key or not profile.key_env or config.url or config.provider(provider).url:
        return key
    where = f" (get one at {profile.key_page})" if profile.key_page else ""
    raise ConfigError(
        f"There is no key for {profile.title}",
        f"Set {config.provider(provider).api_key_env or profile.key_env[0]}{where}",
    )


def url_for(provider: str, environ: Mapping[str, str]) -> str:
    """The address of the user's own server as the environment names it, or empty."""
    found = (environ.get(name, "").strip() for name in dialect_class(provider).profile.url_env)
    return next(filter(None, found), "")


def _is_placed(profile: Profile, config: Config) -> bool:
    """Whether a provider can be called without naming a model: one of the user's own needs one."""
    return not profile.needs_url or bool(config.provider(profile.name).model)


def has_key(provider: str, environ: Mapping[str, str], config: Config) -> bool:
    """Whether everything is there to call a provider."""
    profile = dialect_class(provider).profile
    has_url = bool(config.url or config.provider(provider).url or url_for(provider, environ))
    has_key = not profile.key_env or bool(_key(profile, environ, config))
    return has_key and (has_url or not profile.needs_url)


def _key(profile: Profile, environ: Mapping[str, str], config: Config) -> str:
    own = config.provider(profile.name)
    if own.api_key_env and (key := tidy_key(environ.get(own.api_key_env, ""), own.api_key_env)):
        return key
    if own.api_key:
        return own.api_key
    keys = (tidy_key(environ.get(name, ""), name) for name in profile.key_env)
    return next(filter(None, keys), "")


def price(model: str, usage: Usage) -> float | None:
    """What one reply cost in USD; None where the price, or what was used, is not known.

    Cached tokens are contained in the inputs (OpenAI, "Managing costs" of the Realtime guide).
    """
    known = find(model)
    counted = usage.input_text + usage.input_audio + usage.input_image
    counted += usage.output_text + usage.output_audio
    if known is None or known.price is None or not counted:
        return None
    rate = known.price
    micros = (
        _input(usage.input_text, usage.cached_text, rate.text_in, rate.text_cached)
        + _input(usage.input_audio, usage.cached_audio, rate.audio_in, rate.audio_cached)
        + _input(usage.input_image, usage.cached_image, rate.image_in, rate.image_cached)
        + usage.output_text * rate.text_out
        + usage.output_audio * rate.audio_out
    )
    return micros / 1_000_000


def _input(tokens: int, cached: int, full: float, reduced: float) -> float:
    cached = max(0, min(cached, tokens))
    return (tokens - cached) * full + cached * reduced
