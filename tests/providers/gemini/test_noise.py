"""Broken conversations with Gemini: dropped, doubled, swapped and mutated messages never raise, and
what holds in an orderly conversation holds in a broken one."""

import json
import random
from pathlib import Path

import pytest

from tests.fakes.gemini_check import check
from tests.providers.noise import break_conversations, broken, drop_every_field, recordings_of
from tests.providers.wire import command, dialect_of, read, sent, server_text
from voicechat.events import (
    Event,
    Interrupt,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    ToolCalled,
)
from voicechat.providers.gemini.dialect import GeminiDialect

GEMINI = recordings_of("gemini")


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
        for message in sent(self.dialect):
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


@pytest.mark.fault("P12", "P15", "P18")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations(GEMINI, run)


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", GEMINI, ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording, check)
