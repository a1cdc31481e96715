"""Numbers beyond all bounds, wherever a server can write one: none of them gets through."""

import json
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from tests.providers.wire import JsonObject, command, dialect_of, read, recordings, server_text

HUGE = "987654321"
"""Stands where the number goes: JSON writes none of these as they are."""
NUMBERS = ["1e999", "-1e999", "NaN", "9" * 400]


def huge(value: Any) -> Any:
    """The message with every number in it replaced."""
    if isinstance(value, dict):
        return {key: huge(held) for key, held in value.items()}
    if isinstance(value, list):
        return [huge(held) for held in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(HUGE) if is_number else value


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from numbers_in(getattr(value, field.name))
    elif isinstance(value, list | tuple):
        for held in value:
            yield from numbers_in(held)


def play(provider: str, head: JsonObject, entries: list[JsonObject], number: str) -> None:
    dialect = dialect_of(provider, head)
    told = dialect.open(0.0) or []
    for entry in entries:
        if entry["from"] == "server":
            text = server_text(entry)
            if "message" in entry:
                text = json.dumps(huge(json.loads(text))).replace(HUGE, number)
            told = dialect.receive(text, entry["at"])
        elif entry["from"] == "user":
            dialect.send(command(entry), entry["at"])
        told = [*told, *dialect.tick(entry["at"])]
        assert all(map(math.isfinite, numbers_in(told))), told
        for message in dialect.data_to_send():
            json.dumps(json.loads(message.text), allow_nan=False)


@pytest.mark.fault("P07")
@pytest.mark.parametrize("provider", sorted({path.parent.name for path in recordings()}))
def test_no_impossible_number_gets_through(provider: str) -> None:
    for recording in recordings():
        if recording.parent.name == provider:
            head, entries = read(recording)
            for number in NUMBERS:
                play(provider, head, entries, number)
