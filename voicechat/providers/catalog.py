"""What is known of models: whose they are, what they can do and cost, and when they end.

The rooms behind this door: `catalog_table` (the facts), `catalog_choice` (whose is a name),
`catalog_keys` (the user's keys), `catalog_services` (services over plain HTTPS).
"""

from voicechat.config import Config
from voicechat.events import Usage
from voicechat.providers import catalog_table, dialect_class, names
from voicechat.providers.catalog_choice import BUILT_IN, Choice, default_choice, resolve
from voicechat.providers.catalog_keys import (
    NO_CONFIG,
    has_key,
    key_for,
    key_variable,
    missing,
    url_for,
)
from voicechat.providers.catalog_services import Service, service_for, service_of_realtime
from voicechat.providers.catalog_table import ABILITIES, Model, Price

__all__ = [
    "ABILITIES",
    "BUILT_IN",
    "Choice",
    "Model",
    "Price",
    "Service",
    "date",
    "default_choice",
    "find",
    "has_key",
    "key_for",
    "key_variable",
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


def models(config: Config = NO_CONFIG) -> tuple[Model, ...]:
    """Every model one can choose, provider by provider; at least one of each provider."""
    table = catalog_table.read(config)
    found = [model for model in table.models if model.status != "retired"]
    for provider in names():
        if all(model.provider != provider for model in found):
            profile = dialect_class(provider).profile
            found.append(Model(profile.default_model, provider))
    order = [*table.families, *names()]
    return tuple(sorted(found, key=lambda model: order.index(model.provider)))


def price(model: str, usage: Usage, config: Config = NO_CONFIG) -> float | None:
    """What one reply cost in USD; None where the price, or what was used, is not known.

    Cached tokens are contained in the inputs (OpenAI, "Managing costs" of the Realtime guide).
    """
    known = find(model, config)
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
