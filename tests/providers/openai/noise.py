"""What holds in every broken conversation of OpenAI's family."""

import json
import random
from pathlib import Path

from tests.providers import noise
from tests.providers.noise import MESSAGES, broken, drop_every_field, recordings_of
from tests.providers.wire import command, dialect_of, read, sent, server_text
from voicechat.events import Event, Interrupt, ReplyAudio, ReplyFinished, ReplyStarted, ReplyText
from voicechat.providers.openai.dialect import OpenAIDialect

__all__ = ["break_conversations", "drop_every_field", "recordings_of"]


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
        for message in sent(self.dialect):
            json.dumps(message, ensure_ascii=False).encode()
            if message["type"] == "response.create":
                waited = self.unanswered_since is None or now - self.unanswered_since >= 10
                assert waited, "two requests at once"
                self.unanswered_since = now
            if message["type"] == "conversation.item.truncate":
                assert message["audio_end_ms"] > 0


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


def break_conversations(provider: str, messages: int = MESSAGES) -> None:
    """The conversations of one member of the family keep every promise."""
    noise.break_conversations(recordings_of(provider), run, messages)
