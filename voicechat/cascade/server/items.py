"""The conversation as the protocol sees it: items in order, with their sound kept beside them."""

import asyncio
import base64
import binascii
import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voicechat.cascade.audio import ms_of
from voicechat.cascade.roles import HistoryMessage, ToolCall, ToolResult
from voicechat.cascade.server import checks
from voicechat.cascade.server.checks import Refusal

_MOST_SOUND = 32 * 2**20
"""Bytes of sound kept for the whole conversation; the oldest goes first, its words stay."""
_LONGEST_APPEND = 15 * 2**20


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(10)}"


def read_sound(value: Any, path: str) -> bytes:
    """Base64 of PCM16 mono at 24 kHz, at most 15 MiB of it."""
    try:
        pcm = base64.b64decode(checks.text(value, path), validate=True)
    except (binascii.Error, ValueError):
        pcm = b"?"
    if len(pcm) % 2 or len(pcm) > _LONGEST_APPEND:
        message = f"Invalid '{path}'. Expected at most 15 MiB of base64-encoded PCM16 samples."
        raise Refusal("invalid_value", message, path)
    return pcm


_PART_KINDS: Mapping[str, Mapping[str, checks.Check]] = {
    "user": {
        "input_text": checks.struct({"type": checks.text, "text": checks.text}, ["text"]),
        "input_audio": checks.struct(
            {
                "type": checks.text,
                "audio": read_sound,
                "transcript": checks.nullable(checks.text),
            },
            ["audio"],
        ),
        "input_image": checks.struct(
            {
                "type": checks.text,
                "image_url": checks.text,
                "detail": checks.one_of("auto", "low", "high"),
            },
            ["image_url"],
        ),
    },
    "assistant": {
        "output_text": checks.struct({"type": checks.text, "text": checks.text}, ["text"]),
    },
    "system": {
        "input_text": checks.struct({"type": checks.text, "text": checks.text}, ["text"]),
    },
}
_HEAD = {
    "id": checks.short_text(32),
    "type": checks.text,
    "object": checks.text,
    "status": checks.text,
}
_ITEM = checks.by_type(
    {
        "message": checks.struct(
            {
                **_HEAD,
                "role": checks.one_of(*_PART_KINDS),
                "content": checks.array(checks.anything),
            },
            ["role", "content"],
        ),
        "function_call": checks.struct(
            {**_HEAD, "call_id": checks.text, "name": checks.text, "arguments": checks.text},
            ["name", "arguments"],
        ),
        "function_call_output": checks.struct(
            {**_HEAD, "call_id": checks.text, "output": checks.text}, ["call_id", "output"]
        ),
    }
)


@dataclass(slots=True, eq=False)
class ServerItem:
    """One entry; `wire` is what clients see, without the sound."""

    wire: dict[str, Any]
    pcm: bytes | bytearray = field(default=b"", repr=False)
    sound_bytes: int = 0
    """How much sound belongs to it, also after the sound itself was forgotten."""
    words: "asyncio.Future[str] | None" = None
    """What the ears are still writing down."""
    sentences: list[tuple[str, int]] = field(default_factory=list)
    """Spoken sentences of a reply, each with the byte where its sound begins."""

    @property
    def id(self) -> str:
        return str(self.wire["id"])

    @property
    def is_reply_sound(self) -> bool:
        parts = self.wire.get("content") or [{}]
        return bool(parts[0].get("type") == "output_audio" and self.sound_bytes)

    def with_sound(self) -> dict[str, Any]:
        """The wire form that holds the sound as well (`conversation.item.retrieved`)."""
        wire = copy.deepcopy(self.wire)
        for part in wire.get("content", []):
            if part["type"] in ("input_audio", "output_audio"):
                part["audio"] = base64.b64encode(self.pcm).decode()
        return wire

    def said(self) -> HistoryMessage:
        """What the mind gets to know of it."""
        wire = self.wire
        if wire["type"] == "function_call":
            call_id = wire.get("call_id") or self.id
            return HistoryMessage(
                "assistant", call=ToolCall(call_id, wire["name"], wire["arguments"])
            )
        if wire["type"] == "function_call_output":
            return HistoryMessage("user", result=ToolResult(wire["call_id"], wire["output"]))
        return self._message_said()

    def _message_said(self) -> HistoryMessage:
        parts = self.wire["content"]
        words = [str(part.get("text") or part.get("transcript") or "") for part in parts]
        if self.sentences:
            words = [sentence for sentence, _ in self.sentences]
        pictures = tuple(part["image_url"] for part in parts if part["type"] == "input_image")
        pcm = bytes(self.pcm) if self.wire["role"] == "user" else b""
        joint = "" if self.sentences else "\n"
        return HistoryMessage(self.wire["role"], joint.join(filter(None, words)), pcm, pictures)


def spoken_item(item_id: str, pcm: bytes) -> ServerItem:
    """A committed turn of the user."""
    part = {"type": "input_audio", "transcript": None}
    wire = _message(item_id, "user", "completed", [part])
    return ServerItem(wire, pcm, len(pcm))


def reply_item() -> ServerItem:
    """An answer that is about to be given."""
    return ServerItem(_message(new_id("item"), "assistant", "in_progress", []), bytearray())


def call_item(call_id: str, name: str) -> ServerItem:
    """A call of a tool whose arguments are still to be told."""
    wire = {"id": new_id("item"), "object": "realtime.item", "type": "function_call"}
    return ServerItem(
        {**wire, "status": "in_progress", "call_id": call_id, "name": name, "arguments": ""}
    )


def read_item(value: Any, path: str = "item") -> ServerItem:
    """An item as a client creates it.

    Raises:
        Refusal: It is not one of the shapes of the protocol.
    """
    wire = _ITEM(value, path)
    wire["object"], wire["status"] = "realtime.item", "completed"
    wire["id"] = wire.get("id") or new_id("item")
    if wire["type"] != "message":
        return ServerItem(wire)
    check = checks.by_type(_PART_KINDS[wire["role"]])
    parts = checks.array(check)(wire["content"], f"{path}.content")
    pcm = b"".join(part.pop("audio", b"") for part in parts)
    return ServerItem(_message(wire["id"], wire["role"], "completed", parts), pcm, len(pcm))


def _message(item_id: str, role: str, status: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": parts,
    }


class History:
    """The items of the default conversation, in order."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self.items: list[ServerItem] = []

    def add(self, item: ServerItem, after: str | None = None) -> str | None:
        """Put an item in (at the end; `root`: at the start); the id of the one before it."""
        if any(other.id == item.id for other in self.items):
            message = f"Error adding item: an item with ID '{item.id}' already exists."
            raise Refusal("item_create_duplicate_item_id", message, "item.id")
        place = len(self.items)
        if after is not None:
            place = 0 if after == "root" else 1 + self._place(after, "previous_item_id", "create")
        self.items.insert(place, item)
        self._thin()
        return self.items[place - 1].id if place else None

    def before(self, item: ServerItem) -> str | None:
        """The id of the one before it; None at the start, or where it was deleted."""
        ids = [other.id for other in self.items]
        place = ids.index(item.id) if item.id in ids else 0
        return ids[place - 1] if place else None

    def find(self, item_id: str, doing: str) -> ServerItem:
        """The item; a refusal names what was to be done with it."""
        return self.items[self._place(item_id, "item_id", doing)]

    def delete(self, item_id: str) -> None:
        del self.items[self._place(item_id, "item_id", "delete")]

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Forget what was not heard: the sound after the place, and the whole transcript.

        Sentences are spoken one by one, so the mind keeps those that had begun.
        """
        item = self.find(item_id, "truncate")
        if not item.is_reply_sound:
            message = "Only model output audio messages can be truncated"
            raise Refusal("unsupported_content_type", message, "item_id")
        length_ms = ms_of(item.sound_bytes)
        if audio_end_ms > length_ms:
            message = f"Audio content of {length_ms}ms is already shorter than {audio_end_ms}ms"
            raise Refusal("invalid_value", message, "audio_end_ms")
        item.sound_bytes = min(item.sound_bytes, audio_end_ms * 48)
        item.pcm = item.pcm[: item.sound_bytes]
        item.sentences = [entry for entry in item.sentences if entry[1] < item.sound_bytes]
        item.wire["content"][0]["transcript"] = None

    def _place(self, item_id: str, param: str, doing: str) -> int:
        for place, item in enumerate(self.items):
            if item.id == item_id:
                return place
        code = f"item_{doing}_invalid_{param if doing == 'create' else 'item_id'}"
        message = f"Error: the item with ID '{item_id[:64]}' does not exist."
        raise Refusal(code, message, param)

    def _thin(self) -> None:
        surplus = sum(len(item.pcm) for item in self.items) - _MOST_SOUND
        for item in self.items[:-1]:
            if surplus > 0 and item.pcm and item.wire.get("status") != "in_progress":
                surplus -= len(item.pcm)
                item.pcm = b""
