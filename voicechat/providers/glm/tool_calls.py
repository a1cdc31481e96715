"""Function calls as GLM makes them: told once, perhaps without an id, answered in order.

The rule: when the calling reply is over, one output for each call, in the order and number of the
calls, then one `response.create`.  Early servers give calls no id and match by that order.
Source: GLM-Realtime, "Function Call".
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from voicechat.events import ToolCalled
from voicechat.providers.json_fields import JsonObject, identity, rows, table, text
from voicechat.text.clean import clean_line

MOST_REFUSALS = 3
"""Replies in a row that called nothing but tools we do not have."""
LONGEST_OUTPUT = 60_000
"""Characters; a message beyond 256 KB closes the line."""
_NO_TOOL = json.dumps({"error": "This tool is not available. Answer without it."})


@dataclass(slots=True)
class _GlmCall:
    call_id: str
    """How we name it."""
    given_id: str
    """How the server does, or empty."""
    reply_id: str
    output: str | None = None


@dataclass(slots=True)
class OpenCalls:
    """The calls that wait for their outputs, in the order they were made."""

    say: Callable[[JsonObject], None]
    refusals: int = 0
    """Rounds of unknown tools since the model last said something."""
    _open: list[_GlmCall] = field(default_factory=list)
    _made: int = 0

    def called(self, message: JsonObject, reply_id: str, known: set[str]) -> ToolCalled | None:
        """A call is made; None: it is one of a tool we do not have, and answered so."""
        given_id, name = identity(message, "call_id"), text(message, "name")
        if given_id and any(call.given_id == given_id for call in self._open):
            return None
        self._made += 1
        call = _GlmCall(given_id or f"call_{self._made}", given_id, reply_id)
        self._open.append(call)
        if name not in known:
            call.output = _NO_TOOL
            return None
        arguments = text(message, "arguments")
        return ToolCalled(reply_id, call.call_id, clean_line(name, 64), arguments)

    def result(self, call_id: str, output: str) -> None:
        """What a tool answered; nothing for a call that is not, or no longer, known."""
        for call in self._open:
            if call.call_id == call_id and call.output is None:
                call.output = output[:LONGEST_OUTPUT]

    def answer(self, open_replies: set[str]) -> bool:
        """Send the outputs if all are there and the calling replies are over.

        Returns:
            Whether the model shall go on.
        """
        if not self._open or any(call.reply_id in open_replies for call in self._open):
            return False
        if any(call.output is None for call in self._open):
            return False
        are_unknown = all(call.output == _NO_TOOL for call in self._open)
        self.refusals = self.refusals + 1 if are_unknown else 0
        for call in self._open:
            named = {"call_id": call.given_id} if call.given_id else {}
            item = {"type": "function_call_output", **named, "output": call.output}
            self.say({"type": "conversation.item.create", "item": item})
        self._open.clear()
        return self.refusals <= MOST_REFUSALS

    def forget(self, reply_id: str = "") -> tuple[str, ...]:
        """Drop the calls of a reply, or all; the ids of those that were not answered yet."""
        gone = [call for call in self._open if reply_id in ("", call.reply_id)]
        self._open = [call for call in self._open if call not in gone]
        return tuple(call.call_id for call in gone if call.output is None)


def without_calls(message: JsonObject) -> JsonObject:
    """A message without the copies of function calls in its items."""
    if text(table(message, "item"), "type") == "function_call":
        return {**message, "item": {}}
    response = table(message, "response")
    output = rows(response, "output")
    kept = [item for item in output if text(item, "type") != "function_call"]
    if len(kept) == len(output):
        return message
    return {**message, "response": {**response, "output": kept}}
