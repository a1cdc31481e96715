"""The items of replies: their words and sound so far, and where to cut them.

The same words come up to four times (deltas, `done` of the part, of the item, of the reply).  The
rule: a final text replaces, and is told once; later copies only fill what never came.

Truncation (Realtime guide, interruption): only items with sound, in milliseconds of the item's
own sound, never beyond what was received, never twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from voicechat.events import Heard, ReplyText
from voicechat.providers.audio_fields import Samples
from voicechat.providers.json_fields import JsonObject, identity, place, rows, text
from voicechat.providers.openai.event_names import is_spoken_part, is_written_part
from voicechat.text.clean import clean
from voicechat.text.pieces import Pieces

_REMEMBERED = 256


@dataclass(slots=True)
class Part:
    """One content part: its words so far."""

    pieces: Pieces = field(default_factory=Pieces)
    is_settled: bool = False
    is_whole: bool = False
    """Its words came without deltas."""

    @property
    def words(self) -> str:
        return self.pieces.text

    def settle(self, words: str, *, is_piece: bool) -> bool:
        """Take the final words; whether that is news.

        `is_piece`: some old servers send no deltas but several `done`, each with the next
        sentence; then a text that does not repeat the last one goes on from it.
        """
        before = self.words
        if not words or (self.is_settled and words == before):
            return False
        if self.is_settled and self.is_whole and is_piece and not words.startswith(before):
            words = f"{before.rstrip()} {words.lstrip()}"
        self.is_whole = not before or self.is_whole
        self.is_settled, self.pieces = True, Pieces(words)
        return True


@dataclass(slots=True)
class ReplyItem:
    """One item of one reply.

    `id` is how we call it; `server_id` how the server does, empty until it says so.
    """

    id: str
    server_id: str
    reply_id: str
    samples: Samples = field(default_factory=Samples)
    content_index: int = 0
    """Of its sound."""
    parts: dict[int, Part] = field(default_factory=dict)
    is_spoken: bool = False
    is_cut: bool = False

    def add(self, index: int, delta: str, *, spoken: bool) -> ReplyText | None:
        """More words of a part."""
        part = self.parts.setdefault(index, Part())
        words = clean(delta)
        if part.is_settled or not words:  # A late copy must not follow the final words.
            return None
        part.pieces.add(words)
        self.is_spoken = self.is_spoken or spoken
        return ReplyText(self.reply_id, self.id, words, spoken=self.is_spoken)

    def grow(self, index: int, words: str, *, spoken: bool) -> ReplyText | None:
        """All words of a part up to now; what was corrected comes with the final words."""
        before = self.parts.setdefault(index, Part()).words
        words = clean(words)
        if not words.startswith(before):
            return None
        return self.add(index, words.removeprefix(before), spoken=spoken)

    def settle(
        self, index: int, words: str, *, spoken: bool, is_piece: bool = False
    ) -> ReplyText | None:
        """The final words of a part, as the item's whole text; None if they are known."""
        part = self.parts.setdefault(index, Part())
        if not part.settle(clean(words), is_piece=is_piece):
            return None
        self.is_spoken = self.is_spoken or spoken
        return ReplyText(self.reply_id, self.id, self.words, final=True, spoken=self.is_spoken)

    @property
    def words(self) -> str:
        return "".join(self.parts[index].words for index in sorted(self.parts))

    def fill(self, content: list[JsonObject]) -> list[ReplyText]:
        """Words of a finished item that did not come by deltas."""
        found = list(_texts(content))
        if "".join(clean(words) for _, words, _ in found) == self.words and self._is_settled:
            return []
        is_empty = not self.words
        told = (
            self.settle(index, words, spoken=spoken)
            for index, words, spoken in found
            if is_empty or index in self.parts
        )
        return [event for event in told if event]

    @property
    def _is_settled(self) -> bool:
        return all(part.is_settled for part in self.parts.values())


def _texts(content: list[JsonObject]) -> Iterator[tuple[int, str, bool]]:
    """Index, words and whether they are spoken, of every part that has words."""
    for index, part in enumerate(content):
        kind = text(part, "type")
        if is_spoken_part(kind) and text(part, "transcript"):
            yield index, text(part, "transcript"), True
        elif is_written_part(kind) and text(part, "text"):
            yield index, text(part, "text"), False


class Items:
    """All items of late, found by whatever the server cares to name."""

    def __init__(self) -> None:
        self._by_id: dict[str, ReplyItem] = {}
        self._at: dict[tuple[str, int], ReplyItem] = {}

    def reply_of(self, message: JsonObject) -> str:
        """The reply that a message without `response_id` belongs to, by its item."""
        item = self._by_id.get(identity(message, "item_id"))
        return item.reply_id if item else ""

    def find(self, reply_id: str, server_id: str, index: int) -> ReplyItem:
        """The item of a reply, made if new.

        Without an id it is the last item at that output index; one that we had to name before the
        server did keeps our name.
        """
        at = self._at.get((reply_id, index))
        item = self._by_id.get(server_id) if server_id else at
        if item is not None and item.reply_id == reply_id:
            return item
        if server_id and at is not None and not at.server_id:
            at.server_id = server_id
            self._by_id[server_id] = at
            return at
        return self._add(ReplyItem(server_id or f"{reply_id}.{index}", server_id, reply_id), index)

    def of(self, reply_id: str, message: JsonObject) -> ReplyItem:
        """The item that a delta of a reply belongs to."""
        return self.find(reply_id, identity(message, "item_id"), place(message, "output_index"))

    def fill(self, reply_id: str, found: JsonObject, index: int) -> list[ReplyText]:
        """Words of a finished `item` object that did not come by deltas."""
        content = rows(found, "content")
        if text(found, "role") in ("user", "system") or not any(_texts(content)):
            return []
        return self.find(reply_id, identity(found, "id"), index).fill(content)

    def cut(self, heard: Heard, rate: int, open_replies: set[str]) -> JsonObject | None:
        """The message that makes the server forget what was not heard; None: nothing to forget.

        Args:
            rate: Hz of the sound that was received.
            open_replies: Which replies were still running.
        """
        item = self._by_id.get(heard.item_id)
        if item is None or item.is_cut or not item.server_id:
            return None
        received_ms = item.samples.duration_ms(rate)
        if not received_ms or heard.heard_ms >= received_ms and item.reply_id not in open_replies:
            return None
        item.is_cut = True
        if heard.heard_ms <= 0:
            return {"type": "conversation.item.delete", "item_id": item.server_id}
        return {
            "type": "conversation.item.truncate",
            "item_id": item.server_id,
            "content_index": item.content_index,
            "audio_end_ms": min(heard.heard_ms, received_ms),
        }

    def _add(self, item: ReplyItem, index: int) -> ReplyItem:
        self._by_id[item.id] = self._at[item.reply_id, index] = item
        if len(self._by_id) > _REMEMBERED:
            del self._by_id[next(iter(self._by_id))]
        if len(self._at) > _REMEMBERED:
            del self._at[next(iter(self._at))]
        return item
