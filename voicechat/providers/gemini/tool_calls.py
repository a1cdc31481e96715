"""The model's calls of our tools: each is told once and answered once.

A call that nobody can answer (a tool that was never offered, a reply that nobody wants) is answered
here: one that stays open keeps the session at work for ever.
Source: the Live API's guide on tools; `id` is mandatory with keys of Google AI Studio, and missing
from other gateways.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voicechat.events import Event, SendToolResult, ToolCalled, ToolsCancelled
from voicechat.providers.gemini.reply import GeminiReply
from voicechat.providers.json_fields import JsonObject, identity, rows, table, text
from voicechat.text.clean import clean

_NO_TOOL = "This tool is not available. Answer without it."
_TOO_LATE = "The user has moved on. Do not speak of this."


@dataclass(frozen=True, slots=True)
class _GeminiCall:
    server_id: str
    """Empty: the server gave none."""
    name: str


class Tools:
    """Open calls.

    Args:
        names: Of the tools that were offered.
        schedules: Whether the model lets an answer say when it wants to be spoken of.
    """

    def __init__(
        self,
        say: Callable[[JsonObject], None],
        stamp: str,
        names: frozenset[str],
        *,
        schedules: bool,
    ) -> None:
        self._say = say
        self._stamp = stamp
        self._names = names
        self._schedules = schedules
        self._open: dict[str, _GeminiCall] = {}
        self._count = 0

    @property
    def has_open(self) -> bool:
        return bool(self._open)

    def called(self, message: JsonObject, reply: GeminiReply | None) -> list[Event]:
        """The calls of one `toolCall`; `reply` makes them, or None where nobody wants them."""
        found = (self._called(call, reply) for call in rows(message, "functionCalls"))
        return [event for event in found if event is not None]

    def _called(self, call: JsonObject, reply: GeminiReply | None) -> ToolCalled | None:
        server_id, name = identity(call, "id"), clean(text(call, "name"))
        if server_id and server_id in self._open:
            return None
        made = _GeminiCall(server_id, name)
        if reply is None:
            self._answer(made, {"error": _TOO_LATE}, "SILENT")
            return None
        if name not in self._names:
            self._answer(made, {"error": _NO_TOOL}, "WHEN_IDLE")
            return None
        self._count += 1
        call_id = server_id or f"call_{self._stamp}_{self._count}"
        self._open[call_id] = made
        return ToolCalled(reply.id, call_id, name, json.dumps(table(call, "args")))

    def cancelled(self, message: JsonObject) -> list[Event]:
        """The server wants no answer to these any more."""
        ids = message.get("ids")
        given = [one for one in ids if isinstance(one, str)] if isinstance(ids, list) else []
        gone = tuple(one for one in given if self._open.pop(one, None))
        return [ToolsCancelled(gone)] if gone else []

    def finished(self, result: SendToolResult) -> bool:
        """Send what a tool answered; False where no answer is wanted (any more)."""
        call = self._open.pop(result.call_id, None)
        if call is None:
            return False
        key = "error" if result.is_error else "output"
        self._answer(call, {key: _value(result.output)}, "WHEN_IDLE")
        return True

    def _answer(self, call: _GeminiCall, response: JsonObject, scheduling: str) -> None:
        answer: JsonObject = {"name": call.name, "response": response}
        if call.server_id:
            answer["id"] = call.server_id
        if self._schedules:
            answer["scheduling"] = scheduling
        self._say({"toolResponse": {"functionResponses": [answer]}})


def _value(output: str) -> Any:
    """JSON as what it says, anything else as text."""
    words = clean(output)
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        return words
