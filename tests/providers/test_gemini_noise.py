"""Broken conversations with Gemini: dropped, doubled, swapped and mutated messages never raise, and
what holds in an orderly conversation holds in a broken one."""

import json
import random
from pathlib import Path

import pytest

from tests.fakes.gemini_check import check
from tests.providers.test_openai_noise import broken
from tests.providers.wire import JsonObject, command, dialect_of, read, recordings, server_text
from voicechat.events import (
    Event,
    Interrupt,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    ToolCalled,
)
from voicechat.providers.gemini import GeminiDialect

MESSAGES = 20_000
GEMINI = [path for path in recordings() if path.parent.name == "gemini"]


class Watch:
    """Follows one broken conversation and holds the dialect to its promises."""

    def __init__(self, dialect: GeminiDialect) -> None:
        self.dialect = dialect
        self.open: set[str] = set()
        self.unwanted: set[str] = set()
        self.is_pressed = False
        self.is_in_turn = False
        self.calls: set[str] = set()

    def saw(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ReplyStarted(reply_id):
                    assert reply_id not in self.open | self.unwanted
                    self.open.add(reply_id)
                case ReplyAudio(reply_id, _, pcm):
                    assert pcm and len(pcm) % 2 == 0
                    assert reply_id in self.open and reply_id not in self.unwanted
                case ReplyText(reply_id, _, text):
                    assert reply_id in self.open and reply_id not in self.unwanted
                    text.encode()
                case ToolCalled(reply_id, call_id):
                    assert reply_id in self.open and call_id not in self.calls
                    self.calls.add(call_id)
                case ReplyFinished(reply_id):
                    self.open.discard(reply_id)
                    self.unwanted.add(reply_id)  # Nothing may follow the end either.
        self.sent()

    def sent(self) -> None:
        """Every start has its end, and sound of the key's turns lies between them."""
        for message in map(json.loads, self.dialect.data_to_send()):
            json.dumps(message, ensure_ascii=False).encode()
            field = next(iter(message.get("realtimeInput", {})), "")
            by_hand = not self.dialect._uplink.hands_free
            assert by_hand or field not in ("activityStart", "activityEnd")
            if field in ("activityStart", "activityEnd"):
                assert self.is_in_turn is (field == "activityEnd")
                self.is_in_turn = field == "activityStart"
            if field == "audio" and by_hand:
                assert self.is_in_turn


def run(recording: Path, chance: random.Random) -> int:
    """Play one broken conversation; how many messages it had."""
    head, entries = read(recording)
    dialect = dialect_of("gemini", head)
    assert isinstance(dialect, GeminiDialect)
    watch, now, heard = Watch(dialect), 0.0, 0
    dialect.open(now)
    for entry in broken(entries, chance):
        now += chance.choice((0.0, 0.01, 0.1, 1.0))
        if entry["from"] == "server":
            watch.saw(dialect.receive(server_text(entry), now))
            heard += 1
        elif entry["from"] == "user":
            given = command(entry)
            if isinstance(given, Interrupt):
                watch.unwanted |= watch.open
            dialect.send(given, now)
            watch.sent()
        watch.saw(dialect.tick(now))
    for _ in range(60):  # In the end everything ends, whatever was lost.
        now += 6.0
        watch.saw(dialect.tick(now))
    assert watch.open <= watch.unwanted or dialect._tools.has_open
    return heard


@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    heard, seed, found = 0, 0, GEMINI
    while heard < MESSAGES:
        recording = found[seed % len(found)]
        try:
            heard += run(recording, random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}, {recording.stem}: {error!r}") from error
        seed += 1
    assert seed >= len(found)


@pytest.mark.parametrize("recording", GEMINI, ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    """Each key of each message is dropped once, everywhere it occurs."""
    head, entries = read(recording)
    keys = {key for entry in entries for key in _keys(entry.get("message"))}
    for key in sorted(keys):
        dialect = dialect_of("gemini", head)
        dialect.open(0.0)
        for entry in entries:
            _play(dialect, entry, key)
            for message in map(json.loads, dialect.data_to_send()):
                check(message)


def _play(dialect: object, entry: JsonObject, key: str) -> None:
    assert isinstance(dialect, GeminiDialect)
    if entry["from"] == "server" and "message" in entry:
        message = json.loads(server_text(entry))
        dialect.receive(json.dumps(_without(message, key)), entry["at"])
    elif entry["from"] == "user":
        dialect.send(command(entry), entry["at"])


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _without(value: object, key: str) -> object:
    if isinstance(value, dict):
        return {name: _without(held, key) for name, held in value.items() if name != key}
    return [_without(member, key) for member in value] if isinstance(value, list) else value
