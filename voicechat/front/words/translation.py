"""Localization with gettext: which languages there are, and a sentence told in one of them.

A language is one catalog, `locale/LANGUAGE/LC_MESSAGES/voicechat.po`, beside its compiled `.mo`.
A sentence of ours is found by its key (`text.phrase`), a word of the interface by its English
with its key as context.  What a service, a system or a file said itself stays as it is, and so does
a sentence that a catalog lacks, as a whole.
"""

import gettext
import os
from collections.abc import Mapping
from pathlib import Path

from voicechat.errors import ConfigError, VoiceChatError
from voicechat.text.phrase import Phrase, phrase

ENGLISH = "en"
"""The language of the program itself: it needs no catalog."""
LOCALES = Path(__file__).with_name("locale")
DOMAIN = "voicechat"
_CATALOG = f"LC_MESSAGES/{DOMAIN}.mo"


def languages() -> tuple[str, ...]:
    """English, and every language with a catalog."""
    return ENGLISH, *sorted(path.parents[1].name for path in LOCALES.glob(f"*/{_CATALOG}"))


def find_language(wanted: str, environ: Mapping[str, str] = os.environ) -> str:
    """The interface's language: as asked, or with `auto` by the locale (POSIX order).

    Raises:
        ConfigError: A language is asked for that has no catalog.
    """
    known = languages()
    if wanted in known:
        return wanted
    if wanted != "auto":
        known_too = ", ".join(["auto", *known])
        raise ConfigError(
            phrase("There is no interface in the language {name!r}", name=wanted[:20]),
            phrase("There are: {known}", known=known_too),
        )
    named = (environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return _of_locale(next(filter(None, named), ""), known)


def _of_locale(locale: str, known: tuple[str, ...]) -> str:
    """The catalog for `zh_CN.UTF-8`: its country's own (`zh_CN`), else that of the language."""
    place = locale.partition(".")[0].partition("@")[0]
    for name in (place, place.partition("_")[0].lower()):
        if name in known:
            return name
    return ENGLISH


class Translation:
    """Tells sentences and words in one language."""

    def __init__(self, language: str) -> None:
        self._is_english = language == ENGLISH
        self._catalog = gettext.NullTranslations()
        if not self._is_english:
            self._catalog = gettext.translation(DOMAIN, LOCALES, [language])
        self._catalog.add_fallback(_Missing())

    def word(self, key: str, english: str) -> str:
        """A word of the interface; English where the catalog lacks it."""
        return english if self._is_english else self._catalog.pgettext(key, english) or english

    def told(self, text: str | VoiceChatError) -> str:
        """A sentence, or an error with its hint."""
        text = text.sentence if isinstance(text, VoiceChatError) else text
        if self._is_english or not isinstance(text, Phrase):
            return str(text)
        pattern = self._catalog.gettext(text.key)
        if not pattern:
            return str(text)
        values = {
            name: self.told(value) if isinstance(value, str) else value
            for name, value in text.values.items()
        }
        return pattern.format_map(values) if values else pattern


class _Missing(gettext.NullTranslations):
    """Behind a catalog: what that lacks has no translation, which is not the same as its key."""

    def gettext(self, message: str) -> str:
        return ""

    def pgettext(self, context: str, message: str) -> str:
        return ""
