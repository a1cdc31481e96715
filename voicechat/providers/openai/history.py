"""What was said before a session, told to a model that was not there.

As items of the conversation, which ask for no reply; or, where a server is known to ignore such
items, as a transcript in the instructions.  The rule: it is told once, in order, before anything
else of the user's, and a refusal of it is a notice, never the end.

Source: the Realtime guide on conversations: a reply's sound cannot be made again, so what was said
comes as text, `input_text` of the user and `output_text` (in the beta `text`) of the model; a call
of a tool comes as the pair of items that it was.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from voicechat.events import Event, Notice, TurnCommitted, Unknown
from voicechat.providers.base import HistoryEntry, Settings
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.errors import Fault
from voicechat.providers.openai.session_update import Shape
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase, without_stop

LONGEST_TRANSCRIPT = 16_000
"""Characters of the instructions; the oldest says are left out beyond."""
SPEAK = "What was said before is given as text. Go on in speech: answer with your voice."
"""Some models answer in writing when all they know of the conversation is written."""

_BEGINNING = "You are in the middle of a conversation. What was said so far, oldest first:"
_END = "Go on from there: do not greet again, and do not repeat what you said."
_WHO = {"user": "The user", "assistant": "You", "tool": "A tool that you called"}
_ARROW = " \u2192 "
_PARTS = {"user": "input_text", "assistant": "output_text"}


def past_of(settings: Settings) -> tuple[HistoryEntry, ...]:
    """What the model must be told; nothing where the provider remembers by itself."""
    return () if settings.resume else tuple(one for one in settings.history if one.text.strip())


def urged(settings: Settings) -> Settings:
    """The settings, with a wish for speech in the instructions, for a past that items tell."""
    if settings.text_only or not past_of(settings):
        return settings
    return replace(settings, instructions=_paragraphs(settings.instructions, SPEAK))


def instructed(settings: Settings) -> Settings:
    """The settings, with the past itself in the instructions."""
    past = past_of(settings)
    if not past:
        return settings
    return replace(settings, instructions=_paragraphs(settings.instructions, transcript(past)))


def transcript(past: Sequence[HistoryEntry]) -> str:
    """The conversation as a paragraph of the instructions, every say on a line of its own."""
    lines: list[str] = []
    room = LONGEST_TRANSCRIPT
    for one in reversed(past):
        line = f"{_WHO[one.role]}: {' '.join(clean(one.text).split())}"
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join([_BEGINNING, *reversed(lines), _END])


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text.strip())


def noted(one: HistoryEntry) -> str:
    """One say as the words of a message; a tool has no messages of its own, so it is named."""
    return f"({_WHO['tool']}: {one.text})" if one.role == "tool" else one.text


def past_items(one: HistoryEntry, number: int, shape: Shape) -> list[JsonObject]:
    """One say as items of the conversation: a message, or a call and its output."""
    return _call_items(one, number) if one.role == "tool" else [past_item(one, number, shape)]


def _call_items(one: HistoryEntry, number: int) -> list[JsonObject]:
    call, _, output = one.text.partition(_ARROW)
    name, _, arguments = call.partition(" ")
    named = {"call_id": f"call_past_{number}"}
    fields = {"name": name, "arguments": _whole(arguments)}
    return [
        {"id": f"msg_past_{number}", "type": "function_call", **named, **fields},
        {
            "id": f"msg_past_{number}_o",
            "type": "function_call_output",
            **named,
            "output": clean(output),
        },
    ]


def _whole(arguments: str) -> str:
    """Arguments that were too long to be kept whole are no JSON any more."""
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return "{}"
    return arguments


def past_item(one: HistoryEntry, number: int, shape: Shape) -> JsonObject:
    """One say as an item of the conversation."""
    kind = "text" if shape == "beta" and one.role == "assistant" else _PARTS[one.role]
    content = [{"type": kind, "text": clean(one.text)}]
    return {"id": f"msg_past_{number}", "type": "message", "role": one.role, "content": content}


class HistoryItems:
    """The items of the past, on their way into the server's conversation."""

    def __init__(self, say: Callable[[JsonObject], None]) -> None:
        self._say = say
        self._sent: set[str] = set()
        """How our messages are called, which a refusal may name."""
        self._rows: dict[str, str] = {}
        """By the ids of our items: which row of the conversation each is."""
        self._unseen = 0
        """How many of them the server has not answered."""
        self._is_told = False

    @property
    def sent(self) -> int:
        """How many items were sent."""
        return len(self._sent)

    def tell(self, past: Sequence[HistoryEntry], shape: Shape) -> None:
        """Put every say into the conversation, oldest first; no reply is asked for."""
        for number, one in enumerate(past, 1):
            for part, item in enumerate(past_items(one, number, shape)):
                name = f"past_{number}" if part == 0 else f"past_{number}_{part}"
                self._sent.add(name)
                self._rows[item["id"]] = one.id
                self._unseen += 1
                self._say({"type": "conversation.item.create", "event_id": name, "item": item})

    def name(self, events: list[Event]) -> list[Event]:
        """The same, where a turn follows one of our items with the name of its row."""
        return [
            replace(event, previous_item_id=row)
            if isinstance(event, TurnCommitted)
            and (row := self._rows.get(event.previous_item_id or ""))
            else event
            for event in events
        ]

    def seen(self) -> None:
        """The server took an item; ours are the first."""
        self._unseen = max(0, self._unseen - 1)

    def concerns(self, fault: Fault) -> bool:
        """Whether a fault refuses one of the items."""
        if fault.event_id:
            return fault.event_id in self._sent
        is_ours = not fault.param or fault.param.startswith("item")
        return self._unseen > 0 and is_ours and "limit" not in fault.code

    def refused(self, fault: Fault) -> list[Event]:
        """A notice, once: the session goes on without the item."""
        self.seen()
        is_news, self._is_told = not self._is_told, True
        words = phrase(
            "The model was not told all of what was said before: {why}",
            why=without_stop(fault.message),
        )
        return [Notice("history_refused", words) if is_news else Unknown(f"benign: {fault.code}")]
