"""Every model to choose from, with all that a list may show of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from voicechat.config.schema import Config
from voicechat.conversation.journal import data_folder
from voicechat.conversation.journal.used import last_used
from voicechat.errors import ConfigError
from voicechat.front.commands.listing import ModelRow
from voicechat.providers import dialect_class
from voicechat.providers.catalog import catalog
from voicechat.providers.catalog.catalog import Model, ModelChoice
from voicechat.providers.catalog.ends import helper_fate

_MOST_OWN = 10
"""Names that are in no table are shown when they were used, but not all for ever."""


def find_models(environ: Mapping[str, str], config: Config) -> list[ModelRow]:
    """Every known model grouped by provider, and those that were used lately.

    Raises:
        ConfigError: [models.NAME] of the config is wrong, or a key is damaged.
    """
    used = dict(_used(environ, config))
    known = catalog.models(config)
    listed = {_identity(_choice(model)) for model in known}
    own = [choice for choice in used if _identity(choice) not in listed][:_MOST_OWN]
    moments = {_identity(choice): moment for choice, moment in used.items()}
    rows = [
        _row(model, moments.get(_identity(_choice(model)), ""), environ, config) for model in known
    ]
    for choice in own:
        model = Model(choice.full_name, choice.provider, service=choice.service)
        rows.insert(_place(rows, model), _row(model, used[choice], environ, config))
    return rows


def _used(environ: Mapping[str, str], config: Config) -> Iterator[tuple[ModelChoice, str]]:
    for name, moment in last_used(data_folder(environ)).items():
        try:
            yield catalog.resolve(name, config=config), moment
        except ConfigError:  # Of another version, or of a provider that has gone.
            continue


def _choice(model: Model) -> ModelChoice:
    return ModelChoice(model.provider, model.name, service=model.service)


def _identity(choice: ModelChoice) -> tuple[str, str, str]:
    return choice.provider, choice.service, choice.model


def _place(rows: list[ModelRow], model: Model) -> int:
    """Behind the last one of the same service, else of the same provider."""
    same = [n for n, row in enumerate(rows) if row.provider == model.provider]
    closer = [n for n in same if rows[n].service == model.service]
    return (closer or same or [len(rows) - 1])[-1] + 1


def _row(model: Model, used: str, environ: Mapping[str, str], config: Config) -> ModelRow:
    holder = model.key_holder
    service = dialect_class(model.service).profile.title if model.service else ""
    needs = catalog.missing(holder, environ, config)
    return ModelRow(
        name=model.name,
        provider=model.provider,
        abilities=model.abilities,
        key_env=catalog.key_variable(holder, config),
        has_key=not needs,
        note=model.note,
        title=dialect_class(model.provider).profile.title,
        service=model.service,
        service_title=service,
        voices=model.voices,
        needs=needs,
        key_page=dialect_class(holder).profile.key_page,
        status=model.status,
        shutdown=model.shutdown,
        successor=model.successor,
        last_used=used,
        helpers=_helpers(holder, environ, config),
        **_price(model, config.retirements.today()),
    )


def _helpers(provider: str, environ: Mapping[str, str], config: Config) -> tuple[str, ...]:
    """What becomes of the models that write down and speak for a provider's own."""
    profile = dialect_class(provider).profile
    writer = helper_fate(config.talk.transcription_model, profile.url, config)
    service = catalog.service_of_realtime(provider, environ, config)
    told: list[str | None] = [writer.replaced, writer.announced]
    told += [*service.replaced, *service.announced] if service else []
    return tuple(dict.fromkeys(words for words in told if words))


def _price(model: Model, day: date) -> dict[str, Any]:
    """What there is to say about the model's price on that day."""
    price = model.price_on(day)
    if price is None:
        return {}
    return {
        "price": {kind: each for kind, each in asdict(price).items() if each is not None},
        "price_currency": model.currency,
        "price_grade": model.grade,
        "price_date": catalog.date(),
        "price_until": model.price_until if price is model.price else "",
    }
