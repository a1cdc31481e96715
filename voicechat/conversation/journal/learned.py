"""How the sound of each provider arrives on each network: one small JSON file in the data folder.

What a call has learned lets the next one begin with the right delay.  A network is known again by a
hash that nobody can turn back without the file, and the file says nothing else about it.  A damaged
file, or a folder that cannot be written, costs the memory and never a call.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = "sound-learned.json"
_MOST_ENTRIES = 20
_MOST_BYTES = 200_000
"""A larger file is none of ours."""


class ArrivalStats:
    """What is known, as plain values.

    Args:
        folder: The data folder.
        network: Names the network (and the proxy) there is now; asked as a line begins.
    """

    def __init__(self, folder: Path, network: Callable[[], str]) -> None:
        self._folder, self._network = folder, network
        self._names: dict[str, str] = {}
        """Under which name each source was looked up: a network may change while it is used."""

    def recall(self, source: str) -> Mapping[str, Any] | None:
        """What was learned of a source on this network; None: nothing.  Reads a small file."""
        salt, entries = _read(self._folder)
        self._names[source] = f"{source}\n{self._network()}"
        return entries.get(_key(salt, self._names[source]))

    def keep(self, learned: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what was learned of each source; blocks.  The newest entries stay."""
        salt, entries = _read(self._folder)
        for source, state in learned.items():
            key = _key(salt, self._names.get(source, source))
            entries.pop(key, None)
            entries[key] = dict(state)
        newest = dict(list(entries.items())[-_MOST_ENTRIES:])
        with suppress(OSError, ValueError, TypeError):
            _write(self._folder, {"version": 1, "salt": salt, "learned": newest})


def _key(salt: str, name: str) -> str:
    return hashlib.sha256(f"{salt}\n{name}".encode(errors="replace")).hexdigest()[:16]


def _read(folder: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """The file's salt and its entries, oldest first; a new salt and none where there is no file."""
    try:
        with (folder / FILE).open("rb") as file:
            record = json.loads(file.read(_MOST_BYTES))
        salt, entries = record["salt"], record["learned"]
        good = {str(key): dict(state) for key, state in entries.items()}
        if isinstance(salt, str) and salt:
            return salt, good
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return secrets.token_hex(16), {}


def _write(folder: Path, record: Mapping[str, Any]) -> None:
    """All of it or nothing: two programs may write at once, and the last one wins."""
    folder.mkdir(0o700, parents=True, exist_ok=True)
    draft = folder / f"{FILE}.{secrets.token_hex(4)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(record, file, allow_nan=False)
        draft.replace(folder / FILE)
    finally:
        draft.unlink(missing_ok=True)
