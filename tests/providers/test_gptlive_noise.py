"""Broken conversations with GPT-Live: dropped, doubled, swapped and mutated messages never raise,
and what holds in an orderly conversation holds in a broken one."""

import json
import random
from pathlib import Path

import pytest

from tests.fakes.gptlive_check import check
from tests.providers.test_openai_noise import broken
from tests.providers.wire import JsonObject, command, dialect_of, read, recordings, server_text
from voicechat.events import (
    Event,
    InputFailed,
    InputTranscript,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    TurnCommitted,
)
from voicechat.providers.gptlive import GptLiveDialect

MESSAGES = 20_000
RECORDINGS = [path for path in recordings() if path.parent.name == "gptlive"]


class Watch:
    """Follows one broken conversation and holds the dialect to its promises."""

    def __init__(self, dialect: GptLiveDialect) -> None:
        self.dialect = dialect
        self.open: set[str] = set()
        self.finished: set[str] = set()
        self.turns: set[str] = set()
        self.is_started = self.is_deaf = False

    def saw(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ReplyStarted(reply_id):
                    assert not self.open and reply_id not in self.finished
                    self.open.add(reply_id)
                case ReplyAudio(reply_id, _, pcm):
                    assert pcm and len(pcm) % 2 == 0 and reply_id in self.open
                case ReplyText(reply_id, _, text):
                    text.encode()
                    assert reply_id in self.open
                case ReplyFinished(reply_id):
                    assert reply_id not in self.finished
                    self.open.discard(reply_id)
                    self.finished.add(reply_id)
                case TurnCommitted(item_id):
                    assert item_id not in self.turns
                    self.turns.add(item_id)
                case InputTranscript(item_id) | InputFailed(item_id):
                    assert item_id in self.turns
        self.sent()

    def sent(self) -> None:
        """What we send is always good, and in an order the service takes."""
        for message in map(json.loads, self.dialect.data_to_send()):
            check(message)
            kind = message["type"]
            self.is_started |= kind == "session.start"
            assert self.is_started
            if kind in ("session.input_audio.mute", "session.input_audio.unmute"):
                assert self.is_deaf is (kind == "session.input_audio.unmute")
                self.is_deaf = not self.is_deaf


def run(recording: Path, chance: random.Random) -> int:
    """Play one broken conversation; how many messages it had."""
    head, entries = read(recording)
    dialect = dialect_of("gptlive", head)
    assert isinstance(dialect, GptLiveDialect)
    watch, now, heard = Watch(dialect), 0.0, 0
    dialect.open(now)
    for entry in broken(entries, chance):
        now += chance.choice((0.0, 0.01, 0.1, 1.0))
        if entry["from"] == "server":
            watch.saw(dialect.receive(server_text(entry), now))
            heard += 1
        elif entry["from"] == "user":
            dialect.send(command(entry), now)
            watch.sent()
        watch.saw(dialect.tick(now))
    for _ in range(20):  # In the end everything ends, whatever was lost.
        now += 0.5
        watch.saw(dialect.tick(now))
    assert not watch.open
    return heard


@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    heard, seed = 0, 0
    while heard < MESSAGES:
        recording = RECORDINGS[seed % len(RECORDINGS)]
        try:
            heard += run(recording, random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}, {recording.stem}: {error!r}") from error
        seed += 1
    assert seed >= len(RECORDINGS)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    """Each key of each message is dropped once, everywhere it occurs."""
    head, entries = read(recording)
    for key in sorted({key for entry in entries for key in _keys(entry.get("message"))}):
        dialect = dialect_of("gptlive", head)
        dialect.open(0.0)
        for entry in entries:
            _play(dialect, entry, key)
            for message in map(json.loads, dialect.data_to_send()):
                check(message)


def _play(dialect: object, entry: JsonObject, key: str) -> None:
    assert isinstance(dialect, GptLiveDialect)
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
