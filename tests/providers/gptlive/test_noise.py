"""Broken conversations with GPT-Live: dropped, doubled, swapped and mutated messages never raise,
and what holds in an orderly conversation holds in a broken one."""

import json
import random
from functools import lru_cache
from pathlib import Path

import pytest

from tests.fakes.gptlive_check import check
from tests.providers.noise import break_conversations, broken, drop_every_field, recordings_of
from tests.providers.wire import command, dialect_of, read, server_text
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
from voicechat.providers.gptlive.dialect import GptLiveDialect

RECORDINGS = recordings_of("gptlive")


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
        for kind in map(checked, (str(one.text) for one in self.dialect.data_to_send())):
            self.is_started |= kind == "session.start"
            assert self.is_started
            if kind in ("session.input_audio.mute", "session.input_audio.unmute"):
                assert self.is_deaf is (kind == "session.input_audio.unmute")
                self.is_deaf = not self.is_deaf


@lru_cache(10_000)
def checked(text: str) -> str:
    """The type of a good message; most of a quarter of a million are the same chunk of silence."""
    message = json.loads(text)
    check(message)
    return str(message["type"])


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


@pytest.mark.fault("P12", "P18")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations(RECORDINGS, run)


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording, check)
