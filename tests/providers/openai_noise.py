"""Broken conversations of OpenAI's family, made from the orderly ones that were recorded."""

import copy
import json
import random
from pathlib import Path
from typing import Any

from tests.providers.wire import JsonObject, command, dialect_of, read, recordings, server_text
from voicechat.events import Event, Interrupt, ReplyAudio, ReplyFinished, ReplyStarted, ReplyText
from voicechat.providers.openai import OpenAIDialect

MESSAGES = 20_000
ODD: list[Any] = [
    None, True, False, 0, -1, 2**63, 1e308, float("nan"), float("inf"), "", "0", "x" * 300,
    "\ud800", "\x1b[2J", "@@@@", "AAA", "-_-_", [], {}, [{}], [None], {"type": None},
    {"id": []}, [[[]]], "resp_1", "item_A", "cancelled", "function_call",
]  # fmt: skip


class Watch:
    """Follows one broken conversation and holds the dialect to its promises."""

    def __init__(self, dialect: OpenAIDialect) -> None:
        self.dialect = dialect
        self.abandoned: set[str] = set()
        self.open: set[str] = set()
        self.unanswered_since: float | None = None

    def server(self, raw: str, now: float) -> None:
        events = self.dialect.receive(raw, now)
        if '"type": "response.' in raw or '"type": "error"' in raw:
            self.unanswered_since = None
        self.saw(events, now)

    def saw(self, events: list[Event], now: float) -> None:
        for event in events:
            match event:
                case ReplyStarted(reply_id):
                    assert reply_id not in self.open | self.abandoned
                    self.open.add(reply_id)
                case ReplyAudio(reply_id, _, pcm):
                    assert pcm and len(pcm) % 2 == 0
                    assert reply_id in self.open and reply_id not in self.abandoned
                case ReplyText(reply_id, _, text):
                    assert reply_id in self.open and reply_id not in self.abandoned
                    text.encode()
                case ReplyFinished(reply_id):
                    self.open.discard(reply_id)
                    self.abandoned.add(reply_id)  # Nothing may follow the end either.
        self.sent(now)

    def sent(self, now: float) -> None:
        for message in map(json.loads, self.dialect.data_to_send()):
            json.dumps(message, ensure_ascii=False).encode()
            if message["type"] == "response.create":
                waited = self.unanswered_since is None or now - self.unanswered_since >= 10
                assert waited, "two requests at once"
                self.unanswered_since = now
            if message["type"] == "conversation.item.truncate":
                assert message["audio_end_ms"] > 0


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


def run(recording: Path, chance: random.Random) -> int:
    """Play one broken conversation; how many messages it had."""
    head, entries = read(recording)
    dialect = dialect_of(recording.parent.name, head)
    assert isinstance(dialect, OpenAIDialect)
    watch, now, heard = Watch(dialect), 0.0, 0
    dialect.open(now)
    for entry in broken(entries, chance):
        now += chance.choice((0.0, 0.01, 0.1, 1.0))
        if entry["from"] == "server":
            watch.server(server_text(entry), now)
            heard += 1
        elif entry["from"] == "user":
            given = command(entry)
            if isinstance(given, Interrupt):
                watch.abandoned |= watch.open
            dialect.send(given, now)
            watch.sent(now)
        watch.saw(dialect.tick(now), now)
    for _ in range(20):  # In the end everything ends, whatever was lost.
        now += 6.0
        watch.saw(dialect.tick(now), now)
    assert watch.open <= watch.abandoned
    return heard


def recordings_of(provider: str) -> list[Path]:
    return [path for path in recordings() if path.parent.name == provider]


def break_conversations(provider: str, messages: int = MESSAGES) -> None:
    """Dropped, doubled, swapped and mutated messages never raise, and what holds in an orderly
    conversation holds in a broken one."""
    heard, seed, found = 0, 0, recordings_of(provider)
    while heard < messages or seed < len(found):
        recording = found[seed % len(found)]
        try:
            heard += run(recording, random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}, {recording.stem}: {error!r}") from error
        seed += 1


def drop_every_field(recording: Path) -> None:
    """Each key of each message is dropped once, everywhere it occurs."""
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
            dialect.data_to_send()


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _without(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(held, key) for name, held in value.items() if name != key}
    return [_without(member, key) for member in value] if isinstance(value, list) else value
