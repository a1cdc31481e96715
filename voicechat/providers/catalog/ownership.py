"""Address ownership: which address a provider is dialled at, and which key may go there.

The rule, for everything that dials: a key goes to its provider's own host, to the address that its
owner set in [providers.NAME] or in the provider's own variable, or to the address that was named
together with a model of that provider (`--url` with `--model`, `url` with `model` in the file).
An address that was named for one provider is never dialled for another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from voicechat.config.schema import Config
from voicechat.errors import ConfigError
from voicechat.providers import dialect_class
from voicechat.providers.base import Profile
from voicechat.providers.catalog.choice import BUILT_IN, ModelChoice, resolve
from voicechat.providers.catalog.keys import any_of, find_key, key_variable, missing_key, url_for
from voicechat.providers.catalog.table import CHAT
from voicechat.text.phrase import phrase

USUAL = "openai"
"""Whose language a server of one's own speaks, as a rule."""
_NAMELESS = (USUAL, "custom", CHAT)
"""Whose an address is that was named without a model: those last are servers of one's own."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a provider is dialled, and with which key."""

    url: str = field(repr=False)
    """An address that the user gave, which may hold a password; empty: the provider's usual one."""
    key: str = field(repr=False)
    """Empty: none is needed, or the server is the user's own."""


def owners(config: Config) -> tuple[str, ...]:
    """The providers that the top-level address belongs to; none without an address.

    Raises:
        ConfigError: [models.NAME] of the config is wrong.
    """
    if not config.url:
        return ()
    named = config.model if config.url_model is None else config.url_model
    if not named:
        return _NAMELESS
    return (resolve(named, own_address=True, config=config).provider,)


def named_url(provider: str, config: Config) -> str:
    """The top-level address (`--url`, `url`) where it is this provider's, else empty."""
    return config.url if provider in owners(config) else ""


def own_url(provider: str, environ: Mapping[str, str], config: Config) -> str:
    """The WebSocket address that the user, or the kind of key, chose for a provider; or empty."""
    chosen = named_url(provider, config) or config.provider(provider).url
    return chosen or url_for(provider, environ, config)


def destination(provider: str, environ: Mapping[str, str], config: Config) -> Destination:
    """Where a provider's realtime models are dialled, and with which key.

    Raises:
        ConfigError: There is no such provider, no key, or the key is damaged; or the only address
            there is belongs to another provider.
    """
    profile = dialect_class(provider).profile
    url = own_url(provider, environ, config)
    if profile.needs_url and not url and config.url:
        raise _foreign(profile, config)
    return Destination(url, key_for(provider, environ, config))


def key_for(provider: str, environ: Mapping[str, str], config: Config) -> str:
    """The key for a provider; empty where none is needed or the server is the user's own.

    Raises:
        ConfigError: There is no such provider, no key, or the key is damaged; says where to get it.
    """
    profile = dialect_class(provider).profile
    key, _ = find_key(profile, environ, config)
    is_own_server = named_url(provider, config) or config.provider(provider).url
    if key or not profile.key_env or is_own_server:
        return key
    raise missing_key(profile, config)


def has_key(provider: str, environ: Mapping[str, str], config: Config) -> bool:
    """Whether everything is there to call a provider."""
    return not missing(provider, environ, config)


def missing(provider: str, environ: Mapping[str, str], config: Config) -> str:
    """What the user must set before a provider can be called: a variable, or an option; or empty.

    Raises:
        ConfigError: The key is damaged.
    """
    profile = dialect_class(provider).profile
    if profile.key_env and not find_key(profile, environ, config)[0]:
        return key_variable(provider, config)
    if profile.needs_url and not own_url(provider, environ, config):
        return next(iter(profile.url_env), "--url")
    return ""


def with_word_of_address(choice: ModelChoice, config: Config) -> ModelChoice:
    """A choice that tells of an address that is another provider's, and so is not dialled for it.

    The built-in model runs on this machine, as everybody expects.
    """
    if not config.url or choice.provider in (BUILT_IN, *owners(config)):
        return choice
    who = dialect_class(choice.service or choice.provider).profile.title
    owner = _owner_title(config)
    told = phrase(
        "The address in url was given for {owner}, so {who} is reached at its own",
        owner=owner,
        who=who,
    )
    if choice.notice:
        told = phrase(
            "{first}; the address in url was given for {owner}, so {who} is reached at its own",
            first=choice.notice,
            owner=owner,
            who=who,
        )
    return replace(choice, notice=told)


def _foreign(profile: Profile, config: Config) -> ConfigError:
    section = phrase("url in [providers.{name}]", name=profile.name)
    return ConfigError(
        phrase(
            "There is no address for {who}: the one that was given belongs to {owner}",
            who=profile.title,
            owner=_owner_title(config),
        ),
        phrase("Set {env}", env=any_of((*profile.url_env, section))),
    )


def _owner_title(config: Config) -> str:
    return dialect_class(owners(config)[0]).profile.title
