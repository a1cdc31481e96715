"""Our tools, which GPT-Live does not call itself: it hands work over, and another model calls them.

With tools to offer, a session hands its work to a model that the service runs and tells what was
said; what that model does comes inside `response.event`.  The rules: a call counts when the
response that made it is complete; every call gets one answer; when all calls of a response are
answered, exactly one `response.create` follows.  A call that nobody can run is answered here.
What the user interrupts is no reason to stop the work: the model that speaks decides what becomes
of it.
Source: the guide on delegation and tools in GPT-Live; `ResponsesDelegationConfig`, `ResponseEvent`,
`ResponseItemCreateEvent` of the Live API reference.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voicechat.events import Event, ProviderFailed, SendToolResult, Tool, ToolCalled
from voicechat.providers.json_fields import JsonObject, identity, table, text
from voicechat.providers.openai.errors import read_fault
from voicechat.providers.openai.messages import flat_tool, tool_output
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

HELPER_MODEL = "gpt-5.4-mini"
"""Who does the work: quick, for somebody waits on the line."""
MOST_ROUNDS = 16
"""Responses in a row that go on only because of tools, while the user says nothing."""
_MOST_OPEN = 64
_NO_TOOL = json.dumps({"error": "This tool is not available. Answer without it."})


def delegation(tools: Sequence[Tool], instructions: str, model: str = "") -> JsonObject:
    """The `delegation` of a session: who does the work that the model hands over."""
    if not tools:
        return {"type": "client"}
    helper = {"model": model or HELPER_MODEL, "tools": [flat_tool(tool) for tool in tools]}
    said = {"instructions": instructions} if instructions else {}
    return {"type": "responses", "responses": {**helper, **said}}


@dataclass(slots=True)
class Helper:
    """The work that one session hands over.

    Attributes:
        offered: Names of our tools; empty: nobody is there to do any work.
        rounds: Responses that went on because of tools since the user last said something.
    """

    say: Callable[[JsonObject], None]
    offered: frozenset[str] = frozenset()
    rounds: int = 0
    _begun: dict[str, list[JsonObject]] = field(default_factory=dict)
    """Calls of responses that are not complete, by the work they belong to."""
    _open: dict[str, set[str]] = field(default_factory=dict)
    """By each call that was told and not answered: all such calls of its response."""
    _seen: set[str] = field(default_factory=set)
    _sent: int = 0

    def on_event(self, message: JsonObject, secrets: tuple[str, ...]) -> list[Event]:
        """Something that the helper does."""
        work, event = identity(message, "delegation_id"), table(message, "event")
        match text(event, "type"):
            case "response.output_item.done":
                self._begin(work, table(event, "item"))
            case "response.completed":
                return self._called(work)
            case "response.failed":
                self._begun.pop(work, None)
                fault = read_fault(table(event, "response"), secrets)
                words = phrase("Work that the model handed over failed: {why}", why=fault.message)
                return [ProviderFailed(fault.code, words)]
            case "response.created":  # Some helpers give their calls the same ids each time.
                self._begun.pop(work, None)
                self._seen &= set(self._open)
            case "response.incomplete":
                self._begun.pop(work, None)
        return []

    def answer(self, result: SendToolResult) -> None:
        """A tool's answer; one that nobody waits for is dropped."""
        waiting = self._open.pop(result.call_id, None)
        if waiting is None:
            return
        waiting.discard(result.call_id)
        self._say_output(result.call_id, tool_output(result))
        if not waiting:
            self._go_on()

    def _begin(self, work: str, item: JsonObject) -> None:
        """A finished item; whether its response will be complete is not known yet."""
        is_whole = text(item, "status") in ("", "completed")
        if text(item, "type") == "function_call" and is_whole and identity(item, "call_id"):
            self._begun.setdefault(work, []).append(item)
            _forget_oldest(self._begun)

    def _called(self, work: str) -> list[Event]:
        calls = [_read(item, work) for item in self._begun.pop(work, [])]
        news = {call.call_id: call for call in calls if call.call_id not in self._seen}
        known = {call_id for call_id, call in news.items() if call.name in self.offered}
        for call_id in news:
            self._seen.add(call_id)
            if call_id in known:
                self._open[call_id] = known
                _forget_oldest(self._open)
            else:
                self._say_output(call_id, _NO_TOOL)
        if news and not known:
            self._go_on()
        return [call for call_id, call in news.items() if call_id in known]

    def _say_output(self, call_id: str, output: str) -> None:
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        self._tell({"type": "response.item.create", "item": item})

    def _go_on(self) -> None:
        if self.rounds < MOST_ROUNDS:
            self.rounds += 1
            self._tell({"type": "response.create"})

    def _tell(self, message: JsonObject) -> None:
        self._sent += 1
        self.say({**message, "event_id": f"tool_{self._sent}"})


def _read(item: JsonObject, work: str) -> ToolCalled:
    name, arguments = clean_line(text(item, "name"), 120), text(item, "arguments")
    return ToolCalled(f"work_{work}", identity(item, "call_id"), name, arguments)


def _forget_oldest(found: dict[str, list[JsonObject]] | dict[str, set[str]]) -> None:
    if len(found) > _MOST_OPEN:
        del found[next(iter(found))]
