"""The catalogs of the interface and the sentences in the code, brought together by Babel.

    python -m tests.translations            every catalog up to date: new sentences wait in it
    python -m tests.translations LANGUAGE   the same, and begins the catalog of a language

What the code no longer says leaves the catalogs; nothing is guessed (no fuzzy entries).  A language
is whole once its tests pass.
"""

import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from voicechat.front.words.translation import DOMAIN, LOCALES

HOUSE = LOCALES.parents[2]
KEYWORDS = {"phrase": None, "message_key": None, "ui_text": ((1, "c"), 2)}
"""Who takes a sentence as its first argument, and who a key (the context) and a word."""
_WIDTH = 100
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Catalogs carry no date of their own: one that changed with each run would be in every commit."""


@cache
def extracted() -> Catalog:
    """Everything that can be translated."""
    found = Catalog(creation_date=_DAY)
    method = [("**.py", "python")]
    for _, _, message, _, context in extract_from_dir(HOUSE, method, keywords=KEYWORDS):
        found.add(message, context=context)
    return found


def file_of(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """A catalog as it is kept."""
    with file_of(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def updated(language: str) -> Catalog:
    """The catalog as it should be: every sentence of the code, with its translation so far."""
    old = read(language) if file_of(language).exists() else Catalog(locale=language)
    new = Catalog(
        locale=language,
        domain=DOMAIN,
        project="voicechat",
        version="",
        creation_date=_DAY,
        revision_date=_DAY,
        fuzzy=False,
        header_comment=f"# voicechat in another language: {language}",
    )
    for message in extracted():
        if message.id:
            known = old.get(message.id, message.context)
            new.add(message.id, known.string if known else "", context=message.context)
    for message in new:
        message.flags.discard("python-format")  # Percent signs in our sentences mean nothing.
    return new


def write(language: str) -> None:
    """Bring a catalog and its compiled form up to date."""
    catalog, path = updated(language), file_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=_WIDTH, no_location=True, sort_output=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


if __name__ == "__main__":
    for one in sorted({*sys.argv[1:], *(path.name for path in LOCALES.iterdir() if path.is_dir())}):
        write(one)
        missing = sum(not message.string for message in updated(one))
        print(f"{one}: {missing} without a translation")
