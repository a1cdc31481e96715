"""Broken GLM conversations never raise, and what holds in an orderly one holds in them."""

import json
import random
from pathlib import Path

import pytest

from tests.fakes.glm_check import check_shape
from tests.providers.noise import break_conversations, broken, recordings_of
from tests.providers.wire import command, dialect_of, read, server_text
from voicechat.events import Event, ReplyAudio, ReplyFinished, ReplyStarted, ReplyText, ToolCalled
from voicechat.providers.base import Dialect

GLM = recordings_of("glm")


class Watch:
    """Follows one broken conversation and holds the dialect to its promises."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.open: set[str] = set()
        self.over: set[str] = set()
        self.calls: set[str] = set()

    def saw(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ReplyStarted(reply_id):
                    assert reply_id not in self.open | self.over
                    self.open.add(reply_id)
                case ReplyAudio(reply_id, _, pcm):
                    assert pcm and len(pcm) % 2 == 0 and reply_id in self.open
                case ReplyText(reply_id, _, text):
                    assert reply_id in self.open
                    text.encode()
                case ToolCalled(reply_id, call_id):
                    assert reply_id in self.open and call_id
                    event.arguments.encode()
                case ReplyFinished(reply_id):
                    self.open.discard(reply_id)
                    self.over.add(reply_id)
        for message in self.dialect.data_to_send():
            assert isinstance(message.text, str)
            message.text.encode()
            check_shape(json.loads(message.text))


def run(recording: Path, chance: random.Random) -> int:
    """Play one broken conversation; how many messages it had."""
    head, entries = read(recording)
    dialect = dialect_of("glm", head)
    watch, now, heard = Watch(dialect), 0.0, 0
    dialect.open(now)
    for entry in broken(entries, chance):
        now += chance.choice((0.0, 0.01, 0.1, 1.0))
        if entry["from"] == "server":
            watch.saw(dialect.receive(server_text(entry), now))
            heard += 1
        elif entry["from"] == "user":
            dialect.send(command(entry), now)
        elif entry["from"] == "link":
            dialect.closed(entry["code"], entry["reason"])
        watch.saw(dialect.tick(now))
    for _ in range(20):  # In the end everything ends, whatever was lost.
        now += 6.0
        watch.saw(dialect.tick(now))
    return heard


@pytest.mark.fault("P11", "P12", "P18")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations(GLM, run)


@pytest.mark.parametrize("recording", GLM, ids=lambda path: path.stem)
def test_an_orderly_conversation_keeps_them_too(recording: Path) -> None:
    head, entries = read(recording)
    dialect = dialect_of("glm", head)
    watch = Watch(dialect)
    dialect.open(0.0)
    for entry in entries:
        if entry["from"] == "server":
            watch.saw(dialect.receive(server_text(entry), entry["at"]))
        elif entry["from"] == "user":
            dialect.send(command(entry), entry["at"])
            watch.saw([])
