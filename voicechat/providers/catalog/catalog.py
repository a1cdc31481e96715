"""What is known of models: whose they are, what they can do and cost, and when they end.

The rooms behind this door: `catalog_table` (the facts), `catalog_choice` (whose is a name),
`catalog_keys` (the user's keys), `catalog_ownership` (which key goes to which address),
`catalog_services` (services over plain HTTPS), `catalog_ends` (what ends when).
"""

from datetime import date as Date

from voicechat.config.schema import Config
from voicechat.events import Cost, Usage
from voicechat.providers import dialect_class, names
from voicechat.providers.catalog import table as catalog_table
from voicechat.providers.catalog.choice import BUILT_IN, ModelChoice, default_choice, resolve
from voicechat.providers.catalog.keys import (
    NO_CONFIG,
    key_place,
    key_variable,
    key_variables,
    url_for,
)
from voicechat.providers.catalog.ownership import has_key, key_for, missing
from voicechat.providers.catalog.services import Service, service_for, service_of_realtime
from voicechat.providers.catalog.table import ABILITIES, Model, Price

__all__ = [
    "ABILITIES",
    "BUILT_IN",
    "ModelChoice",
    "Model",
    "Price",
    "Service",
    "abilities",
    "date",
    "default_choice",
    "find",
    "has_key",
    "key_for",
    "key_place",
    "key_variable",
    "key_variables",
    "missing",
    "models",
    "price",
    "resolve",
    "service_for",
    "service_of_realtime",
    "url_for",
]


def date() -> str:
    """The ISO date of the facts, to be shown with prices."""
    return catalog_table.built_in().date


def find(name: str, config: Config = NO_CONFIG) -> Model | None:
    """What is known of a model; the exact name counts more than a pattern.

    Raises:
        ConfigError: [models.NAME] of the config is wrong; so do the functions below.
    """
    return catalog_table.read(config).find(name)


def abilities(
    model: str, provider: str, service: str = "", config: Config = NO_CONFIG
) -> tuple[str, ...]:
    """What a provider's model (of a chat model: that of a service) is known to do, of `ABILITIES`.

    Empty: nobody knows; a server of the user's own may give any name to any model.
    """
    known = find(model, config)
    is_theirs = known is not None and (known.provider, known.service) == (provider, service)
    return known.abilities if known and is_theirs else ()


def models(config: Config = NO_CONFIG) -> tuple[Model, ...]:
    """Every model one can choose, provider by provider; at least one of each provider."""
    table = catalog_table.read(config)
    found = [model for model in table.models if model.is_listed and model.status != "retired"]
    for provider in names():
        if all(model.provider != provider for model in found):
            profile = dialect_class(provider).profile
            found.append(Model(profile.default_model, provider))
    order = [*table.families, *names()]
    return tuple(sorted(found, key=lambda model: order.index(model.provider)))


def price(
    model: str, usage: Usage, config: Config = NO_CONFIG, day: Date | None = None
) -> Cost | None:
    """What usage cost; None where what was used, or the price of any of it, is unknown.

    Cached tokens are contained in the inputs (OpenAI, "Managing costs" of the Realtime guide).
    Where minutes are billed they pay for all that has no price of its own.

    Args:
        day: On which it was given; None: today.
    """
    known = find(model, config)
    rate = known.price_on(day or Date.today()) if known else None
    if known is None or rate is None:
        return None
    tokens = (
        *_input(usage.input_text, usage.cached_text, rate.text_in, rate.text_cached),
        *_input(usage.input_audio, usage.cached_audio, rate.audio_in, rate.audio_cached),
        *_input(usage.input_image, usage.cached_image, rate.image_in, rate.image_cached),
        (usage.output_text, rate.text_out),
        (usage.output_audio, rate.audio_out),
    )
    used = [(number / 1_000_000, each) for number, each in tokens if number]
    if rate.minute is not None:
        used = [(number, each) for number, each in used if each is not None]
        used += _time(usage, rate)
    if usage.items and rate.item is not None:
        used.append((usage.items, rate.item))
    costs = [number * each for number, each in used if each is not None]
    is_known = bool(used) and len(costs) == len(used)
    return Cost(sum(costs), known.currency) if is_known else None


def _time(usage: Usage, rate: Price) -> list[tuple[float, float | None]]:
    """Minutes, each kind with its price."""
    parts = [(usage.standby_s, rate.standby_minute)]
    parts.append((usage.connected_s if usage.active_s is None else usage.active_s, rate.minute))
    return [(seconds / 60, each) for seconds, each in parts if seconds]


def _input(
    tokens: int, cached: int, full: float | None, reduced: float | None
) -> tuple[tuple[int, float | None], ...]:
    """New tokens and cached ones, each with its price; without one of their own the full one."""
    cached = max(0, min(cached, tokens))
    return (tokens - cached, full), (cached, full if reduced is None else reduced)
