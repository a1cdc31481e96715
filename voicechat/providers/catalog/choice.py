"""Whose is a name: from what the user wrote to a provider and a model.

A provider's name stands for its usual model, `provider/model` names both, and `chat/…` is an
ordinary chat model; otherwise the table and its patterns tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from voicechat.config.schema import Config
from voicechat.errors import ConfigError
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Profile
from voicechat.providers.catalog import table as catalog_table
from voicechat.providers.catalog.ends import facts_at, is_at_own_host, listed_fate
from voicechat.providers.catalog.keys import NO_CONFIG, find_key
from voicechat.providers.catalog.table import CHAT, Table
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

BUILT_IN = "local"
"""The provider that needs no key."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to talk to."""

    provider: str
    model: str
    notice: str = ""
    """Something the user should be told once; mostly empty."""
    service: str = ""
    """Of a chat model: the provider whose HTTP services answer; empty: the user's own address."""
    way: str = "openai"
    """Of a chat model: how it is spoken to (`LocalOptions.mind_kind`)."""
    doubt: str = field(default="", compare=False)
    """Where the name says nothing and its provider is a guess: a clause about that."""
    announced: str = field(default="", compare=False)
    """That the model ends soon; the user is told once."""

    @property
    def full_name(self) -> str:
        """A name that leads here again: `openai/gpt-realtime-2.1`, `chat/glm/glm-4.7-flash`."""
        return "/".join(filter(None, (self.provider, self.service, self.model)))


def resolve(
    name: str,
    provider: str = "openai",
    *,
    own_address: bool = False,
    config: Config = NO_CONFIG,
) -> ModelChoice:
    """Find who answers to a model's name.

    Args:
        name: As the user wrote it.
        provider: Of names that say nothing.
        own_address: The user named the server: it knows its models' names better than we do.

    Raises:
        ConfigError: [models.NAME] of the config is wrong, or `chat/PROVIDER` has no chat service.
    """
    choice = _resolve(name, provider, own_address, config)
    return choice if own_address else _settled(choice, config)


def _resolve(name: str, provider: str, own_address: bool, config: Config) -> ModelChoice:
    first, slash, rest = name.partition("/")
    if first == CHAT:
        return _chat(rest, own_address, config)
    if slash and rest and first in names():
        return ModelChoice(first, rest)
    if name in names():
        return ModelChoice(name, dialect_class(name).profile.default_model)
    table = catalog_table.read(config)
    model = table.find(name)
    if model is None:
        return _guess(table, name, provider, own_address)
    return _choice(table, model.provider, name, "" if own_address else model.service)


def _settled(choice: ModelChoice, config: Config) -> ModelChoice:
    """A choice on the day that counts: a model that has ended gives way to its successor."""
    holder = choice.service or choice.provider
    own = config.provider(holder)
    if not is_at_own_host((choice.service and own.http_url) or own.url, holder):
        return choice
    table = catalog_table.read(config)
    became = listed_fate(table, choice.model, holder, config)
    way = choice.way if became.replaced is None else table.way(choice.service, became.name)
    notice, announced = became.replaced or "", became.announced or ""
    return replace(choice, model=became.name, way=way, notice=notice, announced=announced)


def _choice(table: Table, provider: str, name: str, service: str) -> ModelChoice:
    if provider != CHAT:
        return ModelChoice(provider, name)
    return ModelChoice(CHAT, name, "", service, table.way(service, name))


def _guess(table: Table, name: str, provider: str, own_address: bool) -> ModelChoice:
    """By the look of the name; realtime models first."""
    if found := table.realtime_provider(name):
        return ModelChoice(found, name)
    if not own_address and (service := table.chat_service(name)):
        return _choice(table, CHAT, name, service)
    return ModelChoice(provider, name, doubt=_doubt(table, name))


def _doubt(table: Table, name: str) -> str:
    known = [model.name for model in table.models]
    near = get_close_matches(name, [*known, *names()], 1)
    shown = clean_line(name, 60)
    if near:
        return phrase(
            "No model called {name!r} is known here (did you mean {near}?)",
            name=shown,
            near=near[0],
        )
    return phrase(
        "No model called {name!r} is known here (`voicechat models` lists those that are)",
        name=shown,
    )


def _chat(rest: str, own_address: bool, config: Config) -> ModelChoice:
    """What follows `chat/`: NAME, PROVIDER/NAME or PROVIDER.

    At an address of the user's own all of it is the server's name for the model, slashes included.
    """
    table, own = catalog_table.read(config), config.provider(CHAT)
    rest = rest or own.model or dialect_class(CHAT).profile.default_model
    if own_address or own.http_url or own.url:
        return _choice(table, CHAT, rest, "")
    first, slash, name = rest.partition("/")
    if first in (CHAT, BUILT_IN):
        return _choice(table, CHAT, name or dialect_class(CHAT).profile.default_model, "")
    if first in names():
        return _choice(table, CHAT, name or _usual_chat_model(first, config), first)
    model = table.find(rest)
    if model is not None and model.provider == CHAT:
        return _choice(table, CHAT, rest, model.service)
    return _choice(table, CHAT, rest, table.chat_service(rest))


def _usual_chat_model(provider: str, config: Config) -> str:
    profile, own = dialect_class(provider).profile, config.provider(provider)
    http = facts_at(own.http_url or own.url, provider)
    model = own.chat_model or (http.chat_model if http else "")
    if model:
        return model
    raise ConfigError(
        phrase("{who} has no usual chat model", who=profile.title),
        phrase(
            "Use chat/{provider}/NAME, or set chat_model in [providers.{provider}]",
            provider=provider,
        ),
    )


def default_choice(environ: Mapping[str, str], config: Config) -> ModelChoice:
    """The usual model of the first provider whose key is known, else the built-in one.

    Raises:
        ConfigError: A key is damaged.
    """
    preferred = [name for name in catalog_table.read(config).families if name in names()]
    for name in (*preferred, *(name for name in names() if name not in preferred)):
        profile = dialect_class(name).profile
        has_key = profile.key_env and find_key(profile, environ, config)[0]
        if has_key and _is_placed(profile, config):
            model = config.provider(name).model or profile.default_model
            return _settled(ModelChoice(name, model), config)
    profile = dialect_class(BUILT_IN).profile
    return ModelChoice(BUILT_IN, config.provider(BUILT_IN).model or profile.default_model)


def _is_placed(profile: Profile, config: Config) -> bool:
    """Whether a provider can be called without naming a model: one of the user's own needs one."""
    return not profile.needs_url or bool(config.provider(profile.name).model)
