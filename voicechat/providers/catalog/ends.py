"""Model retirement: what becomes of a model's name on the day that counts.

The end that a service's own list names counts more than the table.  In the last days before it the
user is told once; from the day itself on the successor is taken.  At an address of the user's own
the old names stay: that server knows what it has.
"""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from voicechat.config.schema import Config
from voicechat.providers import dialect_class
from voicechat.providers.base import Http
from voicechat.providers.catalog import table as catalog_table
from voicechat.providers.catalog.table import Model, Table
from voicechat.text.phrase import Phrase, phrase

NOTICE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one name."""

    name: str
    """What to ask for: the name itself, or its successor."""
    replaced: Phrase | None = None
    """The name has ended, and another is taken."""
    announced: Phrase | None = None
    """It ends soon."""


def fate(model: Model | None, name: str, day: date) -> Fate:
    """What becomes of a model that is called `name`; a pattern's end is that of all its names."""
    if model is None or not model.shutdown:
        return Fate(name)
    gaps = {"who": name, "date": model.shutdown, "other": model.successor}
    if model.status == "retired":
        if not model.successor:
            return Fate(name)  # The service's own refusal says the rest.
        told = phrase("{who} was switched off on {date}; this is {other}", **gaps)
        return Fate(model.successor, replaced=told)
    if model.status == "doubtful":
        told = phrase("{who} may be gone since {date}; its successor is {other}", **gaps)
        return Fate(name, announced=told)
    if (date.fromisoformat(model.shutdown) - day).days > NOTICE_DAYS:
        return Fate(name)
    if not model.successor:
        return Fate(name, announced=phrase("{who} is switched off on {date}", **gaps))
    told = phrase("{who} is switched off on {date}; its successor is {other}", **gaps)
    return Fate(name, announced=told)


def helper_fate(name: str, url: str, config: Config) -> Fate:
    """What becomes of a model that hears, speaks or works for another, at an address."""
    provider = provider_at(url)
    if not name or not provider:
        return Fate(name)
    table, day = catalog_table.read(config), config.retirements.today()
    rows = [row for row in (*table.helpers, *table.models) if row.key_holder == provider]
    row = _called(rows, name) or _listed(name, provider, config)
    return fate(row, name, day)


def listed_fate(table: Table, name: str, provider: str, config: Config) -> Fate:
    """What becomes of a provider's realtime or chat model."""
    row = table.find(name)
    known = row if row is not None and row.key_holder == provider else None
    listed = _listed(name, provider, config)
    return fate(listed or known, name, config.retirements.today())


def provider_at(url: str) -> str:
    """Whose own host an address is at; empty: nobody's who is known here."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    for provider in dict.fromkeys(row.provider for row in catalog_table.built_in().helpers):
        own = catalog_table.own_host(provider)
        if own and (host == own or host.endswith(f".{own}")):
            return provider
    return ""


def is_at_own_host(url: str, provider: str) -> bool:
    """Whether an address is the provider's own; an empty one is its usual one."""
    http = dialect_class(provider).profile.http
    if not url or http is None:
        return not url
    usual = {urlsplit(http.url).hostname, urlsplit(dialect_class(provider).profile.url).hostname}
    try:
        host = urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    except ValueError:
        return False
    return any(host == own or host.endswith(f".{own}") for own in usual if own)


def facts_at(url: str, provider: str) -> Http | None:
    """A provider's HTTP services; at an address of the user's own, what such servers have."""
    http = dialect_class(provider).profile.http
    if http is None or http.elsewhere is None or is_at_own_host(url, provider):
        return http
    return http.elsewhere


def _called(rows: list[Model], name: str) -> Model | None:
    exact = (row for row in rows if row.name == name)
    return next(exact, None) or next((row for row in rows if row.is_called(name)), None)


def _listed(name: str, provider: str, config: Config) -> Model | None:
    """A name that the service's own list dates; what succeeds it is the table's to say."""
    told = config.retirements
    end = told.lists.get(catalog_table.own_host(provider), {}).get(name, "")
    if not end:
        return None
    table = catalog_table.built_in()
    known = _called([*table.helpers, *table.models], name)
    successor = known.successor if known else ""
    return Model(name, provider, successor=successor).on(told.today(), end)
