"""The items of one conversation: their order, what may be done to them, and what they cost."""

from typing import Any

from tests.fakes.ga_check import Refused
from tests.fakes.ga_reply import Item
from tests.fakes.ga_signal import BYTES_PER_MS, ms_of

JsonObject = dict[str, Any]


class Conversation:
    """Items in order.  Methods that a client can ask for wrongly raise `Refused`."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._answered: set[str] = set()

    def known(self, instructions: str) -> str:
        """What the model knows, on one line: what was said, and what tools answered."""
        items = [item.data for item in self.items]
        words = [(one.get("role", "tool"), _words(one) or one.get("output", "")) for one in items]
        said = [f"{who}: {text}" for who, text in words if text]
        return " | ".join(" ".join(text.split()) for text in [instructions, *said] if text)

    @property
    def unanswered_calls(self) -> list[str]:
        """Complete calls of functions without an output, which would confuse the model."""
        calls = [item.data for item in self.items if item.data["type"] == "function_call"]
        done = [call["call_id"] for call in calls if call["status"] == "completed"]
        return [call_id for call_id in done if call_id not in self._answered]

    def answer_call(self, call_id: str) -> None:
        """A function's output came in.

        Raises:
            Refused: No function was called so, or it was answered before.
        """
        if call_id not in self.unanswered_calls:
            words = f"No tool call waits for an output with call_id '{call_id}'."
            raise Refused("invalid_tool_call_id", words, "item.call_id")
        self._answered.add(call_id)

    def place(self, item: Item) -> str | None:
        """Append; the id of the item before it."""
        item.previous = self.items[-1].id if self.items else None
        self.items.append(item)
        return item.previous

    def insert(self, item: Item, after: str | None) -> None:
        """Put an item after another, at the start (`root`) or at the end (None)."""
        if any(other.id == item.id for other in self.items):
            raise Refused("invalid_value", f"Item '{item.id}' already exists.", "item.id")
        at = self._index_after(after)
        item.previous = self.items[at - 1].id if at else None
        self.items.insert(at, item)

    def _index_after(self, previous: str | None) -> int:
        if previous is None:
            return len(self.items)
        if previous == "root":
            return 0
        for index, item in enumerate(self.items):
            if item.id == previous:
                return index + 1
        words = f"Previous item with id '{previous}' does not exist."
        raise Refused("item_not_found", words, "previous_item_id", state=True)

    def find(self, message: JsonObject) -> Item:
        """The item a message is about."""
        for item in self.items:
            if item.id == message["item_id"]:
                return item
        verb = message["type"].rsplit(".", 1)[1]
        words = f"The item with id '{message['item_id']}' does not exist."
        raise Refused(f"item_{verb}_invalid_item_id", words, "item_id", state=True)

    def delete(self, message: JsonObject) -> None:
        """Forget an item."""
        self.items.remove(self.find(message))

    def truncate(self, message: JsonObject) -> None:
        """Forget the end of an item's sound, and all of its words."""
        item = self.find(message)
        has_ms, end_ms = int(ms_of(item.audio_bytes)), message["audio_end_ms"]
        if not item.audio_bytes:
            words = "Only model output audio messages can be truncated."
            raise Refused("unsupported_content_type", words, "item_id")
        if message["content_index"] != 0:
            raise Refused("invalid_value", "No such content part.", "content_index")
        if end_ms > has_ms:
            words = f"Audio content of {has_ms}ms is already shorter than {end_ms}ms"
            raise Refused("invalid_value", words, "audio_end_ms")
        item.audio_bytes = end_ms * BYTES_PER_MS
        item.data["content"] = [{"type": "output_audio", "transcript": None}]

    def usage(self, output: list[Item], heard_ms: float) -> JsonObject:
        """Tokens of a reply: the whole conversation in, the reply out."""
        new = {item.id for item in output}
        text_in = sum(_text_tokens(item) for item in self.items if item.id not in new)
        text_out = sum(map(_text_tokens, output))
        audio_out = sum(int(ms_of(item.audio_bytes)) // 50 for item in output)
        return _usage(text_in, int(heard_ms) // 100, text_out, audio_out)


def user_speech(item_id: str) -> Item:
    """A committed turn; its words come later."""
    content = [{"type": "input_audio", "transcript": None}]
    data = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed"}
    return Item(data | {"role": "user", "content": content})


def given(item: JsonObject, item_id: str) -> Item:
    """An item the client created; `item_id` is for one without."""
    return Item({"id": item_id, "object": "realtime.item", "status": "completed"} | item)


def without_sound(item: Item) -> JsonObject:
    """As `added` and `done` show it: no bytes of sound."""
    if "content" not in item.data:
        return item.data
    parts = [{k: v for k, v in part.items() if k != "audio"} for part in item.data["content"]]
    return item.data | {"content": parts}


def transcription_usage(held_ms: float, text: str) -> JsonObject:
    """Tokens of the writing down of one turn."""
    heard, written = int(held_ms) // 100, len(text) // 4 + 1
    return {
        "type": "tokens",
        "total_tokens": heard + written,
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": written,
    }


def _text_tokens(item: Item) -> int:
    return -(-len(_words(item.data)) // 4)


def _words(item: JsonObject) -> str:
    parts = item.get("content") or []
    return "".join(part.get("text") or part.get("transcript") or "" for part in parts)


def _usage(text_in: int, audio_in: int, text_out: int, audio_out: int) -> JsonObject:
    cached = text_in // 64 * 64
    cached_details = {"text_tokens": cached, "audio_tokens": 0, "image_tokens": 0}
    return {
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": cached,
            "cached_tokens_details": cached_details,
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }
