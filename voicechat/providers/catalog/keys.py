"""The user's keys and addresses: where each comes from, and what to say when one is missing.

Voicechat's own settings come before the variables that every program shares.
"""

from collections.abc import Mapping, Sequence

from voicechat.config.load import tidy_key
from voicechat.config.schema import Config
from voicechat.errors import ConfigError
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Profile
from voicechat.text.phrase import phrase

NO_CONFIG = Config()


def missing_key(profile: Profile, config: Config) -> ConfigError:
    """What to say when there is none."""
    named = config.provider(profile.name).api_key_env
    env = named or any_of(profile.key_env)
    hint = phrase("Set {env}", env=env)
    if profile.key_page:
        hint = phrase("Set {env} (get one at {page})", env=env, page=profile.key_page)
    return ConfigError(phrase("There is no key for {who}", who=profile.title), hint)


def any_of(names: Sequence[str]) -> str:
    """Names to choose from, as one tells them."""
    text = names[0]
    for other in names[1:]:
        text = phrase("{one} or {other}", one=text, other=other)
    return text


def key_variable(provider: str, config: Config) -> str:
    """The environment variable to put a provider's key into; empty where none is needed."""
    key_env = dialect_class(provider).profile.key_env
    return config.provider(provider).api_key_env or next(iter(key_env), "")


def key_variables(config: Config) -> frozenset[str]:
    """Every environment variable that may hold a key: of the known providers, and of the config."""
    usual = (name for provider in names() for name in dialect_class(provider).profile.key_env)
    return frozenset(usual) | config.key_variables()


def key_place(provider: str, environ: Mapping[str, str], config: Config) -> str:
    """Where the key of a provider was found; without one, where it belongs.

    Raises:
        ConfigError: The key is damaged.
    """
    key, variable = find_key(dialect_class(provider).profile, environ, config)
    section = f"[providers.{provider}]"
    if key:
        return variable or phrase("{section} of the config", section=section)
    return key_variable(provider, config) or phrase("api_key in {section}", section=section)


def url_for(provider: str, environ: Mapping[str, str], config: Config = NO_CONFIG) -> str:
    """The address as the environment names it, or as the key's variable tells it, or empty."""
    profile = dialect_class(provider).profile
    found = (environ.get(name, "").strip() for name in profile.url_env)
    if url := next(filter(None, found), ""):
        return url
    _, variable = find_key(profile, environ, config)
    return profile.url_by_key.get(variable, "")


def find_key(profile: Profile, environ: Mapping[str, str], config: Config) -> tuple[str, str]:
    """The key and the variable it came from; both empty without one, no variable for the file's.

    Raises:
        ConfigError: The key is damaged.
    """
    own = config.provider(profile.name)
    if own.api_key_env and (key := tidy_key(environ.get(own.api_key_env, ""), own.api_key_env)):
        return key, own.api_key_env
    if own.api_key:
        return own.api_key, ""
    keys = ((tidy_key(environ.get(name, ""), name), name) for name in profile.key_env)
    return next((pair for pair in keys if pair[0]), ("", ""))
