"""The table of models: what `models.toml` and the user's own config know of each.

It never limits anyone: a name that is not here is passed to its provider all the same.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from voicechat.config.schema import Config, ModelSection
from voicechat.errors import ConfigError
from voicechat.providers import dialect_class, names
from voicechat.text.phrase import phrase

CHAT = "chat"
"""The provider of ordinary chat models."""
ABILITIES = ("voice", "text", "images", "tools", "hands-free", "reasoning")


@dataclass(frozen=True, slots=True)
class Price:
    """For a million tokens, where nothing else is said; None: not known, which is not nothing."""

    text_in: float | None = None
    text_cached: float | None = None
    text_out: float | None = None
    audio_in: float | None = None
    audio_cached: float | None = None
    audio_out: float | None = None
    image_in: float | None = None
    image_cached: float | None = None
    minute: float | None = None
    """For a minute of the session, where that is what is billed."""
    standby_minute: float | None = None
    """The same while the model stands by."""
    item: float | None = None
    """For a message that is put into the conversation as an item."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model, or one family of dated names."""

    name: str
    provider: str
    also: tuple[str, ...] = ()
    """Other names of it, as shell patterns."""
    abilities: tuple[str, ...] = ()
    """Of `ABILITIES`."""
    voices: tuple[str, ...] = ()
    status: Literal["current", "retiring", "retired", "doubtful"] = "current"
    """On the day that was asked for; `doubtful`: it may have ended on its date, or not."""
    shutdown: str = ""
    """ISO date on which it ends, or ended."""
    successor: str = ""
    """Empty: none is known."""
    is_listed: bool = True
    """Whether it is offered to choose from; others are only known."""
    price: Price | None = None
    currency: Literal["USD", "CNY"] = "USD"
    grade: Literal["", "documented", "reported"] = ""
    """How sure the price is: the provider says so, or somebody who pays it; empty: no price, or
    the user's own."""
    price_until: str = ""
    """The last day (ISO) on which that is the price; empty: no other is announced."""
    later_price: Price | None = None
    """From the day after."""
    service: str = ""
    """Of a chat model: the provider whose HTTP services answer."""

    @property
    def note(self) -> str:
        """What to tell about its end; empty for a model that stays."""
        if self.status == "current":
            return ""
        days = {"date": self.shutdown, "other": self.successor}
        if self.status == "doubtful":
            return phrase("may be gone since {date}; its successor is {other}", **days)
        if not self.successor:
            return phrase("is switched off on {date}", date=self.shutdown)
        return phrase("is switched off on {date}; its successor is {other}", **days)

    @property
    def key_holder(self) -> str:
        """The provider whose key it needs."""
        return self.service or self.provider

    def price_on(self, day: date) -> Price | None:
        """What it costs on that day; None: not known."""
        is_over = self.price_until and day.isoformat() > self.price_until
        return self.later_price if is_over else self.price

    def on(self, day: date, shutdown: str = "") -> "Model":
        """As it is on that day.

        Args:
            shutdown: Its end as the service itself names it, which counts more than ours.
        """
        end = shutdown or self.shutdown
        if not end or (self.status == "doubtful" and not shutdown):
            return self
        is_over = day.isoformat() >= end
        return replace(self, shutdown=end, status="retired" if is_over else "retiring")

    def is_called(self, name: str) -> bool:
        return name == self.name or any(fnmatchcase(name, pattern) for pattern in self.also)


@dataclass(frozen=True, slots=True)
class Family:
    """What is known of all models of one provider."""

    name: str
    patterns: tuple[str, ...] = ()
    """Shell patterns of the names of its realtime models."""
    chat_patterns: tuple[str, ...] = ()
    """The same of its ordinary chat models."""
    chat_ways: Mapping[str, str] | None = None
    """Pattern of a chat model's name to how it is spoken to; the first that fits."""
    voices: tuple[str, ...] = ()
    chat_voices: tuple[str, ...] = ()
    """Of its speech over HTTP; empty: not known."""
    key_header: str = ""
    """How its HTTP services want the key, where that is not a bearer token."""


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that is known."""

    date: str
    """ISO date of the facts."""
    families: Mapping[str, Family]
    """By provider, in order of preference."""
    models: tuple[Model, ...]
    helpers: tuple[Model, ...] = ()
    """Models that only help in a call: speech to text, text to speech, work behind a voice."""

    def find(self, name: str) -> Model | None:
        """What is known of a model; the exact name counts more than a pattern."""
        exact = (model for model in self.models if model.name == name)
        called = (model for model in self.models if model.is_called(name))
        return next(exact, None) or next(called, None)

    def family(self, provider: str) -> Family:
        return self.families.get(provider) or Family(provider)

    def realtime_provider(self, name: str) -> str:
        """The provider whose realtime models have such names, or empty."""
        return _first(name, ((one.name, one.patterns) for one in self.families.values()))

    def chat_service(self, name: str) -> str:
        """The provider whose chat models have such names, or empty.

        Ollama writes `qwen3:8b`: a name with a tag belongs to a server of one's own.
        """
        if ":" in name.removeprefix("ft:"):
            return ""
        return _first(name, ((one.name, one.chat_patterns) for one in self.families.values()))

    def way(self, service: str, name: str) -> str:
        """How a chat model is spoken to (`LocalOptions.mind_kind`).

        A server of one's own speaks OpenAI's language; there the name tells of sound at most.
        """
        families = [self.family(service)] if service else self.families.values()
        pairs = (pair for family in families for pair in (family.chat_ways or {}).items())
        ways = (way for pattern, way in pairs if fnmatchcase(name, pattern))
        return next((way for way in ways if service or way != "gemini"), "openai")


def _first(name: str, places: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    for place, patterns in places:
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return place
    return ""


def read(config: Config) -> Table:
    """The table with the user's `[models.NAME]` laid over it.

    Raises:
        ConfigError: Such a section names a provider, an ability or a price that does not exist.
    """
    table = built_in()
    known = {model.name: _dated(model, config) for model in table.models}
    for name, section in config.models.items():
        known[name] = _merge(table, known.get(name), name, section)
    helpers = tuple(_dated(model, config) for model in table.helpers)
    return replace(table, models=tuple(known.values()), helpers=helpers)


def _dated(model: Model, config: Config) -> Model:
    """A model on the day that counts, with its end as its service's own list names it."""
    told = config.retirements
    listed = told.lists.get(own_host(model.key_holder), {}) if told.lists else {}
    return model.on(told.today(), listed.get(model.name, ""))


def own_host(provider: str) -> str:
    """The host of a provider's own HTTP services; empty: it has none."""
    http = dialect_class(provider).profile.http if provider in names() else None
    return (urlsplit(http.url).hostname or "") if http else ""


@cache
def built_in() -> Table:
    table = tomllib.loads(
        files("voicechat.providers.catalog").joinpath("models.toml").read_text("utf-8")
    )
    families = {row["name"]: Family(**_frozen(row)) for row in table["providers"]}
    models, helpers = (
        tuple(_model(row, families) for row in table[part]) for part in ("models", "helpers")
    )
    return Table(table["date"], families, models, helpers)


def _model(row: dict[str, Any], families: Mapping[str, Family]) -> Model:
    values = _frozen(row)
    for key in ("price", "later_price"):
        if key in row:
            values[key] = Price(**row[key])
    family = families[row.get("service") or row["provider"]]
    is_chat = row["provider"] == CHAT
    return Model(**{"voices": family.chat_voices if is_chat else family.voices, **values})


def _frozen(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(one) if isinstance(one, list) else one for key, one in row.items()}


def _merge(table: Table, known: Model | None, name: str, section: ModelSection) -> Model:
    """A model of the table with what the user says of it, or a new one."""
    provider = section.provider or (known.provider if known else table.realtime_provider(name))
    where = f"[models.{name[:60]!r}]"
    if not provider:
        raise ConfigError(
            phrase("{where} does not say whose model it is", where=where),
            phrase("Set provider in it"),
        )
    _check(where, phrase("provider"), (provider,), names())
    _check(where, phrase("ability"), section.abilities, ABILITIES)
    _check(where, phrase("price"), section.price, [entry.name for entry in fields(Price)])
    model = known if known and known.provider == provider else Model(name, provider)
    if provider == CHAT and not model.service:
        model = replace(model, service=table.chat_service(name))
    return replace(
        model,
        abilities=section.abilities or model.abilities,
        voices=section.voices or model.voices or table.family(provider).voices,
        **(_own_price(section) if section.price else {}),
    )


def _own_price(section: ModelSection) -> dict[str, Any]:
    """The user's word, in USD and for good, instead of all that the table says."""
    told = {"currency": "USD", "grade": "", "price_until": "", "later_price": None}
    return {"price": Price(**section.price), **told}


def _check(where: str, what: str, values: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a word that is not one of the known ones."""
    known = list(known)
    for value in values:
        if value not in known:
            near = get_close_matches(value, known, 1)
            hint = (
                phrase("Did you mean {near!r}?", near=near[0])
                if near
                else phrase("There are: {known}", known=", ".join(known))
            )
            text = phrase(
                "{where} names the {what} {value!r}, which does not exist",
                where=where,
                what=what,
                value=value[:60],
            )
            raise ConfigError(text, hint)
