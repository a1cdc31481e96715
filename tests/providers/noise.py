"""Broken conversations, made from the orderly ones that were recorded: for every dialect alike."""

import copy
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.providers.wire import (
    JsonObject,
    command,
    dialect_of,
    read,
    recordings,
    sent,
    server_text,
)

MESSAGES = 20_000
ODD: list[Any] = [
    None, True, False, 0, -1, 2**63, 1e308, float("nan"), float("inf"), "", "0", "x" * 300,
    "\ud800", "\x1b[2J", "@@@@", "AAA", "-_-_", [], {}, [{}], [None], {"type": None},
    {"id": []}, [[[]]], "resp_1", "item_A", "cancelled", "function_call",
]  # fmt: skip

Run = Callable[[Path, random.Random], int]
"""Plays one broken conversation; how many messages it had."""


def mutate(value: Any, chance: random.Random) -> Any:
    """A copy with one thing wrong, somewhere."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        damaged = dict(value)
        match chance.randrange(8):
            case 0:
                del damaged[key]
            case 1:
                damaged[key + "_"] = damaged.pop(key)
            case 2:
                damaged[key] = copy.deepcopy(chance.choice(ODD))
            case _:
                damaged[key] = mutate(value[key], chance)
        return damaged
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [mutate(member, chance) if i == at else member for i, member in enumerate(value)]
    return copy.deepcopy(chance.choice(ODD))


def broken(entries: list[JsonObject], chance: random.Random) -> list[JsonObject]:
    """The conversation with messages lost, doubled, out of order and damaged."""
    given: list[JsonObject] = []
    for entry in entries:
        fate = chance.random()
        if entry["from"] != "server" or "raw" in entry or fate < 0.35:
            given.append(entry)
        elif fate < 0.45:
            continue
        elif fate < 0.55:
            given += [entry, entry]
        elif fate < 0.65:
            given.insert(max(0, len(given) - chance.randrange(4)), entry)
        elif fate < 0.95:
            damaged = mutate(json.loads(server_text(entry)), chance)
            given.append({**entry, "raw": json.dumps(damaged)})
        else:
            text = server_text(entry)
            given.append({**entry, "raw": text[: chance.randrange(len(text))]})
    return given


def recordings_of(provider: str) -> list[Path]:
    return [path for path in recordings() if path.parent.name == provider]


def break_conversations(found: Sequence[Path], run: Run, messages: int = MESSAGES) -> None:
    """Dropped, doubled, swapped and mutated messages never raise, and what holds in an orderly
    conversation holds in a broken one."""
    heard, seed = 0, 0
    while heard < messages or seed < len(found):
        recording = found[seed % len(found)]
        try:
            heard += run(recording, random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}, {recording.stem}: {error!r}") from error
        seed += 1


def drop_every_field(
    recording: Path, check: Callable[[JsonObject], object] = lambda message: None
) -> None:
    """Each key of each message is dropped once, everywhere it occurs.

    Args:
        check: Raises on what the service would not take.
    """
    head, entries = read(recording)
    keys = {key for entry in entries for key in _keys(entry.get("message"))}
    for key in sorted(keys):
        dialect = dialect_of(recording.parent.name, head)
        dialect.open(0.0)
        for entry in entries:
            if entry["from"] == "server" and "message" in entry:
                text = json.dumps(_without(json.loads(server_text(entry)), key))
                dialect.receive(text, entry["at"])
            elif entry["from"] == "user":
                dialect.send(command(entry), entry["at"])
            for message in sent(dialect):
                check(message)


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _without(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(held, key) for name, held in value.items() if name != key}
    return [_without(member, key) for member in value] if isinstance(value, list) else value
