"""Memory of model retirement: what services' own lists say, and what the user was told already.

One small JSON file in the data folder.  A damaged file, or a folder that cannot be written, costs
the memory and never a call.
"""

import json
import os
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from voicechat.config.schema import Retirements
from voicechat.text.clean import clean_line

FILE = "model-ends.json"
_MOST_TOLD = 200
_MOST_LISTS = 20
_MOST_MODELS = 500
_MOST_BYTES = 500_000
"""A larger file is none of ours."""
_WRITING = threading.Lock()
"""One change at a time, so that none is lost."""


class EndsMemory:
    """The file of one data folder; may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Retirements:
        """All that is known; nothing where there is no such file."""
        told, lists = self._read()
        ends = {host: dict(entry["ends"]) for host, entry in lists.items()}
        return Retirements(ends, frozenset(told))

    def is_fresh(self, host: str, day: date) -> bool:
        """Whether a service's list was looked at on that day."""
        _, lists = self._read()
        return bool(lists.get(host, {}).get("checked") == day.isoformat())

    def keep_told(self, words: str) -> None:
        """The user has been told."""
        with _WRITING:
            told, lists = self._read()
            if words not in told:
                self._write([*told, words][-_MOST_TOLD:], lists)

    def keep_list(self, host: str, ends: Mapping[str, str], day: date) -> None:
        """What a service's list said on a day, in place of what it said before."""
        with _WRITING:
            told, lists = self._read()
            lists.pop(host, None)
            entry = {"checked": day.isoformat(), "ends": dict(list(ends.items())[:_MOST_MODELS])}
            self._write(told, dict(list({**lists, host: entry}.items())[-_MOST_LISTS:]))

    def _read(self) -> tuple[list[str], dict[str, dict[str, Any]]]:
        try:
            with (self._folder / FILE).open("rb") as file:
                record = json.loads(file.read(_MOST_BYTES))
            told = [words for words in record["told"] if isinstance(words, str)]
            return told, {str(host): _entry(one) for host, one in record["lists"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return [], {}

    def _write(self, told: list[str], lists: Mapping[str, Any]) -> None:
        """All of it or nothing: two programs may write at once."""
        record = {"version": 1, "told": told, "lists": lists}
        with suppress(OSError, ValueError):
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            draft = self._folder / f"{FILE}.{secrets.token_hex(4)}"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with open(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
                    json.dump(record, file, ensure_ascii=False, indent=1)
                draft.replace(self._folder / FILE)
            finally:
                draft.unlink(missing_ok=True)


def _entry(one: Any) -> dict[str, Any]:
    """One service's list; dates that are none are left out."""
    return {"checked": str(one["checked"]), "ends": good_ends(one["ends"])}


def good_ends(ends: Mapping[Any, Any]) -> dict[str, str]:
    """The pairs that are a name and an ISO date."""
    found = {}
    for name, day in ends.items():
        with suppress(ValueError, TypeError):
            found[clean_line(str(name), 200)] = date.fromisoformat(day).isoformat()
    return found
