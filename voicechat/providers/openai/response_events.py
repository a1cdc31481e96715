"""The events of replies: `response.*` messages become sound, words, and an end.

Puts the state machine (which reply) and the items (which words and sound of it) together.  The
rule: what belongs to a reply that nobody wants, or that has ended, says nothing.
"""

from dataclasses import dataclass, field, replace

from voicechat.events import (
    Event,
    Heard,
    ReplyAudio,
    ReplyStarted,
    ReplyText,
    Unknown,
)
from voicechat.providers.audio_fields import decode
from voicechat.providers.base import Enqueue
from voicechat.providers.json_fields import JsonObject, identity, place, rows, table, text
from voicechat.providers.openai.event_names import is_spoken_part, is_written_part
from voicechat.providers.openai.items import Items
from voicechat.providers.openai.outcome import read_outcome
from voicechat.providers.openai.response_state import Replies, RunningResponse
from voicechat.providers.openai.tool_calls import ToolCalls


@dataclass(slots=True)
class Answers:
    """Everything the model says."""

    say: Enqueue
    replies: Replies
    calls: ToolCalls
    items: Items = field(default_factory=Items)

    def on_message(
        self, kind: str, message: JsonObject, now: float, secrets: tuple[str, ...]
    ) -> list[Event] | None:
        """Events of one `response.*` message; None: not one of those known."""
        match kind:
            case "response.created":
                return self._created(message, now)
            case "response.done":
                return self._done(message, now, secrets)
            case "response.output_audio.delta":
                return self._sound(message, now)
            case "response.output_audio.done":
                return self._sound_ended(message, now)
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                return self._words(message, now, spoken="transcript" in kind)
            case "response.output_audio_transcript.done":
                return self._final(message, text(message, "transcript"), now, spoken=True)
            case "response.output_text.done":
                return self._final(message, text(message, "text"), now, spoken=False)
            case "response.output_audio_transcript.text" | "response.output_text.text":
                return self._words_so_far(message, now, spoken="transcript" in kind)
            case "response.content_part.added" | "response.content_part.done":
                return self._part(message, now)
            case "response.output_item.added" | "response.output_item.done":
                return self._item(message, now, is_done=kind.endswith("done"))
            case "response.function_call_arguments.done":
                return self._call_announced(message, now)
            case _:
                return None

    def lives(self, kind: str, message: JsonObject, now: float) -> None:
        """Any message of a reply is a sign of life, also one of which nothing is told.

        Tools of the service's own name no reply: they run in the one that is open.
        """
        named = identity(message, "response_id") or self.items.reply_of(message)
        if named or kind.startswith(("response.", "mcp_")):
            self.replies.lives(named, now)

    def heard(self, parts: tuple[Heard, ...], rate: int, open_replies: set[str]) -> None:
        """Make the server forget what the user did not hear."""
        for part in parts:
            message = self.items.cut(part, rate, open_replies)
            if message:
                self.say(message, is_urgent=True)

    # -- replies --------------------------------------------------------------------------------

    def _created(self, message: JsonObject, now: float) -> list[Event]:
        reply = self.replies.created(table(message, "response"), now)
        return _announce(reply) if reply else []

    def _done(self, message: JsonObject, now: float, secrets: tuple[str, ...]) -> list[Event]:
        response = table(message, "response")
        is_unseen = self.replies.known(identity(response, "id")) is None
        reply = self.replies.done(response, now)
        events = self._ended(reply, response, now, secrets, is_unseen) if reply else []
        self.replies.pump(now)  # Last: a tool's answer must stand before the next reply.
        return events

    def _ended(
        self,
        reply: RunningResponse,
        response: JsonObject,
        now: float,
        secrets: tuple[str, ...],
        is_unseen: bool,
    ) -> list[Event]:
        outcome = read_outcome(reply.id, response, secrets)
        if is_unseen and outcome.status == "cancelled":
            return [outcome]
        events = _announce(reply)
        for index, found in enumerate(rows(response, "output")):
            events += self._fill(reply, found, index)
            events += self.calls.finished(found, reply, is_copy=True)
        events += self.calls.ended(reply, is_cut=outcome.status == "cancelled")
        self.calls.settle(reply.id, now)
        if reply.is_abandoned and outcome.status == "completed":  # It ended before it was stopped,
            outcome = replace(outcome, status="cancelled", code="client_cancelled")  # not here.
        return [*events, outcome]

    def _running(self, message: JsonObject) -> RunningResponse | None:
        """The running reply of a message that may not begin one."""
        reply_id = identity(message, "response_id") or self.items.reply_of(message)
        return self.replies.known(reply_id)

    def _caller(self, message: JsonObject, now: float) -> RunningResponse | None:
        """The reply of a call, which may be the first that comes of it."""
        reply_id = identity(message, "response_id") or self.items.reply_of(message)
        return self.replies.sign(reply_id, now)

    def _sign(self, message: JsonObject, now: float) -> tuple[RunningResponse, list[Event]] | None:
        """The reply of a message with words or sound, and its announcement if that is due."""
        reply_id = identity(message, "response_id") or self.items.reply_of(message)
        reply = self.replies.sign(reply_id, now)
        return None if reply is None or reply.is_abandoned else (reply, _announce(reply))

    # -- sound and words ------------------------------------------------------------------------

    def _sound(self, message: JsonObject, now: float) -> list[Event]:
        sound = decode(message.get("delta"))
        if sound is None:
            return [Unknown("bad audio")]
        found = self._sign(message, now) if sound else None
        if found is None:
            return []
        reply, events = found
        item = self.items.of(reply.id, message)
        item.content_index = place(message, "content_index")
        pcm = item.samples.pop(sound)
        return [*events, ReplyAudio(reply.id, item.id, pcm)] if pcm else events

    def _sound_ended(self, message: JsonObject, now: float) -> list[Event]:
        if reply := self._running(message):
            reply.last_sign = now
            self.items.of(reply.id, message).samples.end()
        return []

    def _words(self, message: JsonObject, now: float, *, spoken: bool) -> list[Event]:
        delta = text(message, "delta")
        found = self._sign(message, now) if delta else None
        if found is None:
            return [] if isinstance(message.get("delta"), str) else [Unknown("bad text")]
        reply, events = found
        item = self.items.of(reply.id, message)
        return [*events, *_some(item.add(place(message, "content_index"), delta, spoken=spoken))]

    def _words_so_far(self, message: JsonObject, now: float, *, spoken: bool) -> list[Event]:
        """All words of a part up to now, which some servers send in place of deltas."""
        words = text(message, "text") or text(message, "transcript")
        found = self._sign(message, now) if words else None
        if found is None:
            return []
        reply, events = found
        item, index = self.items.of(reply.id, message), place(message, "content_index")
        return [*events, *_some(item.grow(index, words, spoken=spoken))]

    def _final(self, message: JsonObject, words: str, now: float, *, spoken: bool) -> list[Event]:
        found = self._sign(message, now) if words else None
        if found is None:
            return []
        reply, events = found
        item, index = self.items.of(reply.id, message), place(message, "content_index")
        return [*events, *_some(item.settle(index, words, spoken=spoken, is_piece=True))]

    # -- copies, which fill what never came -----------------------------------------------------

    def _part(self, message: JsonObject, now: float) -> list[Event]:
        reply = self._running(message)
        part, index = table(message, "part"), place(message, "content_index")
        spoken = is_spoken_part(text(part, "type"))
        if reply is None:
            return []
        reply.last_sign = now
        words = text(part, "transcript" if spoken else "text")
        if not words or reply.is_abandoned or not (spoken or is_written_part(text(part, "type"))):
            return []
        item = self.items.of(reply.id, message)
        return [*_announce(reply), *_some(item.settle(index, words, spoken=spoken))]

    def _item(self, message: JsonObject, now: float, *, is_done: bool) -> list[Event]:
        found, index = table(message, "item"), place(message, "output_index")
        is_call = text(found, "type") == "function_call"
        reply = self._caller(message, now) if is_call else self._running(message)
        if reply is None:
            return []
        reply.last_sign = now
        if not is_done:
            return self._item_begun(reply, found, index)
        called = self.calls.finished(found, reply)
        return [*_announce(reply), *self._fill(reply, found, index), *called]

    def _item_begun(self, reply: RunningResponse, found: JsonObject, index: int) -> list[Event]:
        """Learn an item's id before its deltas, which may come without."""
        self.calls.begun(found, reply)
        if text(found, "type") == "message" and identity(found, "id"):
            self.items.find(reply.id, identity(found, "id"), index)
        return _announce(reply)

    def _fill(self, reply: RunningResponse, found: JsonObject, index: int) -> list[Event]:
        return [] if reply.is_abandoned else [*self.items.fill(reply.id, found, index)]

    def _call_announced(self, message: JsonObject, now: float) -> list[Event]:
        if reply := self._caller(message, now):
            self.calls.announced(message, reply)
        return []


def _announce(reply: RunningResponse) -> list[Event]:
    """`ReplyStarted`, once, unless nobody wants the reply."""
    if reply.is_announced or reply.is_abandoned:
        return []
    reply.is_announced = True
    return [ReplyStarted(reply.id)]


def _some(event: ReplyText | None) -> list[Event]:
    return [event] if event else []
