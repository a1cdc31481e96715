"""The model's tool calls: told once each, answered once each, and then a reply is asked for.

A finished call is reported up to three times (`response.function_call_arguments.done`,
`response.output_item.done`, `response.done`); servers leave out any of these.

The rules: the first report that is whole counts; a call that nobody can run is refused politely;
when a reply has ended and all its calls are answered, exactly one `response.create` follows; what
the user interrupted still gets its answers, because a call without one confuses the model, but no
reply is asked for.
Source: the Realtime guide on function calling.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from voicechat.events import Event, ToolCalled
from voicechat.providers.json_fields import JsonObject, identity, text
from voicechat.providers.openai.messages import tool_answer
from voicechat.providers.openai.response_state import Replies, RunningResponse
from voicechat.text.clean import clean_line

MOST_REFUSED_ROUNDS = 3
MOST_ROUNDS = 16
"""Replies in a row that are asked for only because of tool calls."""

_NO_TOOL = json.dumps({"error": "This tool is not available. Answer without it."})
_INTERRUPTED = json.dumps({"error": "The user interrupted. The tool was not run."})
_REMEMBERED = 64


@dataclass(slots=True)
class _PendingCall:
    """What is known of a call that is not whole yet."""

    reply_id: str
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    is_announced: bool = False


@dataclass(slots=True)
class _Round:
    """The calls of one reply."""

    waiting: set[str] = field(default_factory=set)
    """Calls that were told and not answered."""
    is_wanted: bool = True


@dataclass(slots=True)
class ToolCalls:
    """All calls of one session.

    Attributes:
        offered: Names of the tools that the model was told of.
        rounds: Replies in a row that we asked for only because of tool calls.
    """

    say: Callable[[JsonObject], None]
    replies: Replies
    offered: frozenset[str] = frozenset()
    rounds: int = 0
    _begun: dict[str, _PendingCall] = field(default_factory=dict)
    """By the id of the item, or of the call where the item has none."""
    _seen: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """By the id of each call that was told: its reply, its item and its arguments."""
    _rounds: dict[str, _Round] = field(default_factory=dict)
    _of: dict[str, str] = field(default_factory=dict)
    """The reply of each call that waits for its answer."""

    # -- what the server says -------------------------------------------------------------------

    def begun(self, found: JsonObject, reply: RunningResponse) -> None:
        """An item began; some servers give a call's name only here."""
        if text(found, "type") == "function_call":
            call = self._call(identity(found, "id") or identity(found, "call_id"), reply.id)
            self._learn(call, found)

    def announced(self, message: JsonObject, reply: RunningResponse) -> None:
        """The arguments are complete; some servers finish a call with this alone."""
        call_id = identity(message, "call_id")
        call = self._call(identity(message, "item_id") or call_id, reply.id)
        self._learn(call, message)
        call.is_announced = True

    def finished(
        self, found: JsonObject, reply: RunningResponse, *, is_copy: bool = False
    ) -> list[Event]:
        """A finished item: `ToolCalled`, unless it is no call, or known, or nobody can run it.

        `is_copy`: the end of a reply repeats it, perhaps with calls of replies before.
        """
        is_call = text(found, "type") == "function_call"
        if not is_call or text(found, "status") not in ("", "completed"):
            return []
        call = self._call(identity(found, "id") or identity(found, "call_id"), reply.id)
        self._learn(call, found)
        key = identity(found, "id") or identity(found, "call_id")
        return self._tell(call, reply, key, is_copy=is_copy)

    def ended(self, reply: RunningResponse, *, is_cut: bool) -> list[Event]:
        """A reply is over: calls that were only announced are told now.  `settle` afterwards."""
        events: list[Event] = []
        for key in [key for key, call in self._begun.items() if call.reply_id == reply.id]:
            call = self._begun.pop(key)
            if call.is_announced:
                events += self._tell(call, reply, key)
        if reply.id in self._rounds and is_cut:
            self._rounds[reply.id].is_wanted = False
        return events

    # -- what we answer -------------------------------------------------------------------------

    def answer(self, call_id: str, output: str, now: float) -> None:
        """A tool's answer; one that nobody waits for is dropped."""
        reply_id = self._of.pop(call_id, "")
        calls = self._rounds.get(reply_id)
        if calls is None:
            return
        self.say(tool_answer(call_id, output))
        calls.waiting.discard(call_id)
        self.settle(reply_id, now)

    def settle(self, reply_id: str, now: float) -> None:
        """Ask for the next reply if this one has ended and all its calls are answered."""
        calls = self._rounds.get(reply_id)
        if calls is None or calls.waiting or reply_id in self.replies.open:
            return
        del self._rounds[reply_id]
        most = MOST_ROUNDS if self.offered else MOST_REFUSED_ROUNDS
        if calls.is_wanted and self.rounds < most:
            self.rounds += 1
            self.replies.want(now)

    def interrupted(self) -> None:
        """The user wants something else: what is on its way is no reason for a reply."""
        for calls in self._rounds.values():
            calls.is_wanted = False

    # -- one call -------------------------------------------------------------------------------

    def _call(self, key: str, reply_id: str) -> _PendingCall:
        call = self._begun.get(key)
        if call is None or call.reply_id != reply_id:  # Ids of replies that ended are free again.
            call = self._begun[key] = _PendingCall(reply_id)
        _forget_oldest(self._begun)
        return call

    def _learn(self, call: _PendingCall, source: JsonObject) -> None:
        call.call_id = identity(source, "call_id") or call.call_id
        call.name = clean_line(text(source, "name"), 120) or call.name
        call.arguments = text(source, "arguments") or call.arguments

    def _is_known(
        self, call: _PendingCall, reply: RunningResponse, key: str, *, is_copy: bool
    ) -> bool:
        """Whether a call was told before.  Some servers begin anew with their ids in each reply."""
        told = self._seen.get(call.call_id)
        if told is None or call.call_id in self._of:
            return told is not None
        reply_id, told_key, arguments = told
        return reply_id == reply.id or (is_copy and (told_key, arguments) == (key, call.arguments))

    def _tell(
        self, call: _PendingCall, reply: RunningResponse, key: str, *, is_copy: bool = False
    ) -> list[Event]:
        if not call.call_id or self._is_known(call, reply, key, is_copy=is_copy):
            return []
        self._seen[call.call_id] = (reply.id, key, call.arguments)
        _forget_oldest(self._seen)
        calls = self._rounds.setdefault(reply.id, _Round())
        _forget_oldest(self._rounds)
        calls.is_wanted = calls.is_wanted and not reply.is_abandoned
        if call.name not in self.offered:
            self.say(tool_answer(call.call_id, _NO_TOOL))
            return []
        if reply.is_abandoned:
            self.say(tool_answer(call.call_id, _INTERRUPTED))
            return []
        calls.waiting.add(call.call_id)
        self._of[call.call_id] = reply.id
        _forget_oldest(self._of)
        return [ToolCalled(reply.id, call.call_id, call.name, call.arguments)]


def _forget_oldest(
    found: dict[str, _PendingCall]
    | dict[str, _Round]
    | dict[str, str]
    | dict[str, tuple[str, str, str]],
) -> None:
    if len(found) > _REMEMBERED:
        del found[next(iter(found))]
