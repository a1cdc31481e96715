"""The server's side of one OpenAI Realtime session (GA dialect): client events in, answers out.

Nothing a client sends ends the session: what is wrong is answered by an `error` event.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from voicechat.cascade.roles import Parts
from voicechat.cascade.server import checks, items
from voicechat.cascade.server.checks import Refusal
from voicechat.cascade.server.input_buffer import InputBuffer, Started, Stopped
from voicechat.cascade.server.items import History, ServerItem, new_id
from voicechat.cascade.server.response import ReplyPlan, Send
from voicechat.cascade.server.responses import Responses, Room
from voicechat.cascade.server.settings import default_session, response_options, updated_session
from voicechat.cascade.server.transcription import Transcriber
from voicechat.cascade.server.vad import TurnRules, read_rules
from voicechat.events import Tool

_ITEM_ID: dict[str, checks.Check] = {"item_id": checks.text}
_EVENTS: dict[str, tuple[dict[str, checks.Check], list[str]]] = {
    "session.update": ({"session": checks.anything}, ["session"]),
    "input_audio_buffer.append": ({"audio": items.read_sound}, ["audio"]),
    "input_audio_buffer.commit": ({}, []),
    "input_audio_buffer.clear": ({}, []),
    "conversation.item.create": (
        {"item": checks.anything, "previous_item_id": checks.nullable(checks.text)},
        ["item"],
    ),
    "conversation.item.retrieve": (_ITEM_ID, ["item_id"]),
    "conversation.item.delete": (_ITEM_ID, ["item_id"]),
    "conversation.item.truncate": (
        {
            **_ITEM_ID,
            "content_index": checks.integer(0, 0),
            "audio_end_ms": checks.integer(0, 2**31),
        },
        ["item_id", "content_index", "audio_end_ms"],
    ),
    "response.create": ({"response": checks.nullable(response_options)}, []),
    "response.cancel": ({"response_id": checks.nullable(checks.text)}, []),
}
_ENVELOPE: dict[str, checks.Check] = {"type": checks.text, "event_id": checks.short_text(512)}


class ServerSession:
    """One client's session, over any parts."""

    def __init__(
        self, parts: Parts, model: str, send: Send, room: Room, tasks: asyncio.TaskGroup
    ) -> None:
        self._parts, self._send_event = parts, send
        self._settings = default_session(new_id("sess"), model)
        self._history = History()
        self._buffer = InputBuffer()
        self._turns = Responses(parts, self._history, self._send, room, tasks)
        self._scribe = Transcriber(parts.ears, parts.language, self._send, tasks)
        self._speech_id = ""
        """Of the item that the speech going on will become."""
        self._apply_rules()

    def open(self) -> None:
        """Greet the client."""
        self._send({"type": "session.created", "session": self._settings})

    def receive(self, message: str | bytes) -> None:
        """Understand one message; never raises."""
        event_id = None
        try:
            event = _decode(message)
            given = event.get("event_id")
            event_id = checks.clean(given[:512]) if isinstance(given, str) else None
            self._act(event)
        except Refusal as refusal:
            self._refuse(refusal, event_id)
        except Exception:
            logging.getLogger(__name__).exception("An event failed in an unforeseen way")
            message = "The server had an error while processing your request."
            self._refuse(Refusal("server_error", message, kind="server_error"), event_id)

    def _act(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if not isinstance(kind, str):
            raise Refusal("invalid_event", "The event has no string 'type'.", "type")
        if kind not in _EVENTS:
            raise checks.wrong_value(kind, "type", list(_EVENTS))
        entries, required = _EVENTS[kind]
        values = checks.struct({**_ENVELOPE, **entries}, required)(event, "")
        self._actions()[kind](values)

    def _actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.delete": self._delete,
            "conversation.item.truncate": self._truncate,
            "response.create": self._respond,
            "response.cancel": self._cancel,
        }

    # -- session ------------------------------------------------------------------------------

    def _update(self, event: dict[str, Any]) -> None:
        hears = self._parts.ears.hears
        updated = updated_session(self._settings, event["session"], hears=hears)
        voice = self._settings["audio"]["output"]["voice"]
        if self._turns.has_spoken and updated["audio"]["output"]["voice"] != voice:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise Refusal("cannot_update_voice", message, "session.audio.output.voice")
        self._settings = updated
        self._apply_rules()
        self._send({"type": "session.updated", "session": updated})

    def _apply_rules(self) -> None:
        detection = self._settings["audio"]["input"]["turn_detection"]
        self._buffer.set_rules(read_rules(detection) if detection else None)

    # -- the user's voice ---------------------------------------------------------------------

    def _append(self, event: dict[str, Any]) -> None:
        for found in self._buffer.append(event["audio"]):
            rules = self._buffer.rules or TurnRules()
            match found:
                case Started(start_ms):
                    self._speech_started(start_ms, rules)
                case Stopped(end_ms, pcm):
                    self._speech_stopped(end_ms, pcm, rules)

    def _speech_started(self, start_ms: int, rules: TurnRules) -> None:
        self._speech_id = new_id("item")
        event = {"type": "input_audio_buffer.speech_started", "audio_start_ms": start_ms}
        self._send({**event, "item_id": self._speech_id})
        if rules.interrupt_response:
            self._turns.cancel("turn_detected")

    def _speech_stopped(self, end_ms: int, pcm: bytes, rules: TurnRules) -> None:
        event = {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": end_ms}
        self._send({**event, "item_id": self._speech_id})
        self._add_turn(pcm)
        if rules.create_response:
            self._respond({})

    def _commit(self, event: dict[str, Any]) -> None:
        held_ms = self._buffer.held_ms()
        pcm = self._buffer.commit()
        if pcm is None:
            message = "Error committing input audio buffer: buffer too small. Expected at least"
            message = f"{message} 100ms of audio, but buffer only has {held_ms:.2f}ms of audio."
            raise Refusal("input_audio_buffer_commit_empty", message)
        self._add_turn(pcm)

    def _clear(self, event: dict[str, Any]) -> None:
        self._buffer.clear()
        self._speech_id = ""
        self._send({"type": "input_audio_buffer.cleared"})

    def _add_turn(self, pcm: bytes) -> None:
        item = items.spoken_item(self._speech_id or new_id("item"), pcm)
        self._speech_id = ""
        previous = self._history.add(item)
        committed = {"type": "input_audio_buffer.committed", "item_id": item.id}
        self._send({**committed, "previous_item_id": previous})
        self._tell_item(item, previous)

    # -- the conversation ---------------------------------------------------------------------

    def _create_item(self, event: dict[str, Any]) -> None:
        item = items.read_item(event["item"])
        previous = self._history.add(item, event.get("previous_item_id"))
        self._tell_item(item, previous)

    def _tell_item(self, item: ServerItem, previous: str | None) -> None:
        for what in ("added", "done"):
            event = {"type": f"conversation.item.{what}", "previous_item_id": previous}
            self._send({**event, "item": item.wire})
        if any(part["type"] == "input_audio" for part in item.wire.get("content", [])):
            transcription = self._settings["audio"]["input"]["transcription"]
            self._scribe.write_down(item, transcription)

    def _retrieve(self, event: dict[str, Any]) -> None:
        item = self._history.find(event["item_id"], "retrieve")
        self._send({"type": "conversation.item.retrieved", "item": item.with_sound()})

    def _delete(self, event: dict[str, Any]) -> None:
        self._history.delete(event["item_id"])
        self._send({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    def _truncate(self, event: dict[str, Any]) -> None:
        self._history.truncate(event["item_id"], event["audio_end_ms"])
        told = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._send({"type": "conversation.item.truncated", **told})

    # -- replies ------------------------------------------------------------------------------

    def _respond(self, event: dict[str, Any]) -> None:
        options = event.get("response") or {}
        about = options.get("input")
        plan = _plan(self._settings, options)
        self._turns.create(plan, None if about is None else self._read_input(about))

    def _read_input(self, entries: list[Any]) -> list[ServerItem]:
        return [
            self._read_entry(entry, f"response.input[{index}]")
            for index, entry in enumerate(entries)
        ]

    def _read_entry(self, entry: Any, path: str) -> ServerItem:
        if isinstance(entry, dict) and entry.get("type") == "item_reference":
            return self._history.find(checks.text(entry.get("id"), f"{path}.id"), "reference")
        item = items.read_item(entry, path)
        self._scribe.write_down(item, None)
        return item

    def _cancel(self, event: dict[str, Any]) -> None:
        if not self._turns.cancel("client_cancelled", event.get("response_id")):
            message = "Cancellation failed: no active response found"
            raise Refusal("response_cancel_not_active", message)

    # -- saying -------------------------------------------------------------------------------

    def _send(self, event: dict[str, Any]) -> None:
        self._send_event({**event, "event_id": new_id("event")})

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        error = {"type": refusal.kind, "code": refusal.code, "message": refusal.message}
        error |= {"param": refusal.param, "event_id": event_id}
        self._send({"type": "error", "error": error})


def _decode(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise Refusal("invalid_event", "Binary messages are not supported; send JSON as text.")
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        raise Refusal("invalid_json", "The message could not be parsed as JSON.") from None
    if not isinstance(event, dict):
        raise Refusal("invalid_event", "The message is not a JSON object.")
    return event


def _plan(session: dict[str, Any], options: dict[str, Any]) -> ReplyPlan:
    """The response's own settings over those of the session."""
    merged = {**session, **options}
    output = {**session["audio"]["output"], **options.get("audio", {}).get("output", {})}
    return ReplyPlan(
        text_only=merged["output_modalities"] == ["text"],
        voice=output["voice"],
        speed=output["speed"],
        instructions=merged["instructions"],
        max_output_tokens=merged["max_output_tokens"],
        metadata=options.get("metadata"),
        aside=options.get("conversation") == "none",
        is_marked=session["audio"]["input"]["turn_detection"] is None,
        tools=_tools(merged["tools"], merged["tool_choice"]),
        must_call=_must_call(merged["tool_choice"]),
    )


def _tools(listed: list[dict[str, Any]], choice: Any) -> tuple[Tool, ...]:
    if choice == "none":
        return ()
    return tuple(
        Tool(tool["name"], tool.get("description") or "", tool.get("parameters") or {})
        for tool in listed
    )


def _must_call(choice: Any) -> str:
    if isinstance(choice, dict):
        return str(choice["name"])
    return "*" if choice == "required" else ""
