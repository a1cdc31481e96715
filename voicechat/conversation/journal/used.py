"""Which models were talked to last, and when: one small JSON file in the data folder.

A damaged file, or a folder that cannot be written, costs the memory and never a call.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from voicechat.conversation.journal.file import utc
from voicechat.text.clean import clean_line

FILE = "models-used.json"
_MOST_MODELS = 50
_MOST_BYTES = 100_000
"""A larger file is none of ours."""


def remember(folder: Path, name: str, now: datetime) -> None:
    """Note that a model was talked to.

    Args:
        folder: The data folder.
        name: As it can be asked for again: `openai/gpt-realtime-2.1`.
        now: With its time zone.
    """
    found = {**last_used(folder), clean_line(name): utc(now)}
    newest = sorted(found.items(), key=lambda pair: pair[1], reverse=True)[:_MOST_MODELS]
    with suppress(OSError, ValueError):
        _write(folder, {"version": 1, "models": dict(newest)})


def last_used(folder: Path) -> Mapping[str, str]:
    """When each model was last talked to, ISO 8601 in UTC by name, newest first."""
    try:
        with (folder / FILE).open("rb") as file:
            models = json.loads(file.read(_MOST_BYTES))["models"].items()
        good = [(clean_line(name), utc(_moment(when))) for name, when in models]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
    return dict(sorted(good, key=lambda pair: pair[1], reverse=True))


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1970 < moment.year < 9999:
        raise ValueError("no moment of ours")
    return moment


def _write(folder: Path, record: Mapping[str, Any]) -> None:
    """All of it or nothing: two programs may write at once."""
    folder.mkdir(0o700, parents=True, exist_ok=True)
    draft = folder / f"{FILE}.{secrets.token_hex(4)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False, indent=1)
        draft.replace(folder / FILE)
    finally:
        draft.unlink(missing_ok=True)
