"""Whose turn it is on the server: which replies run, and when another may be asked for.

idle -> requested (we sent `response.create`) -> open (`response.created`) -> cancelled -> idle on
`response.done` of the same reply.  Only one reply may write to the conversation, so a wish for
another waits here, and several wishes become one.

The rules: at most one `response.create` is unanswered; a reply is cancelled at most once; what
comes late for a reply that was abandoned or has ended belongs to nobody.
"""

import re
from dataclasses import dataclass

from voicechat.events import Event, ProviderFailed, ReplyFinished, Unknown
from voicechat.providers.base import Enqueue
from voicechat.providers.json_fields import JsonObject, identity, table
from voicechat.providers.openai.errors import Fault
from voicechat.text.phrase import phrase

MOST_REFUSALS = 3
_REMEMBERED = 512
_NAMED_REPLY = re.compile(r"\bresp_\w+")
_MALFORMED = frozenset({"unknown_parameter", "invalid_value", "invalid_type"})


@dataclass(frozen=True, slots=True)
class ResponseTimeouts:
    """Seconds after which a silent server is taken to have given up."""

    first_event_s: float = 5.0
    """Until we send our settings unasked."""
    update_s: float = 5.0
    """Until settings count as accepted although the server did not say so."""
    opening_s: float = 15.0
    """Until a server that has said nothing at all counts as dead."""
    request_s: float = 10.0
    """From `response.create` to the first sign of a reply."""
    delta_s: float = 30.0
    """Between two signs of a running reply."""
    cancel_s: float = 5.0
    """From a cancellation to the end of the reply; some servers never announce that."""


class Recent:
    """A set that forgets its oldest members."""

    def __init__(self) -> None:
        self._members: dict[str, None] = {}

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def add(self, member: str) -> None:
        self._members[member] = None
        if len(self._members) > _REMEMBERED:
            del self._members[next(iter(self._members))]


@dataclass(slots=True)
class RunningResponse:
    """One run of the model that has not ended."""

    id: str
    last_sign: float
    is_named: bool
    """Whether the id is the server's (False: ours, because it gives none)."""
    is_abandoned: bool = False
    """Nobody wants it any more: its sound and words are dropped."""
    is_announced: bool = False
    cancelled_at: float | None = None
    is_cancel_sent: bool = False


@dataclass(slots=True)
class _Request:
    tag: str
    at: float
    is_unwanted: bool = False


class Replies:
    """The state machine.

    Attributes:
        open: Replies that run, oldest first.
        tags: Whether a `response.create` carries our mark in its metadata.
        fields: What every `response.create` asks for besides.
        is_held: Nothing is asked for yet: more of the question follows.
    """

    def __init__(self, say: Enqueue, patience: ResponseTimeouts, *, tags: bool = True) -> None:
        self.open: dict[str, RunningResponse] = {}
        self.tags = tags
        self.fields: JsonObject = {}
        self.is_held = False
        self._say = say
        self._patience = patience
        self._past = Recent()
        self._unwanted_tags = Recent()
        self._request: _Request | None = None
        self._is_wanted = False
        self._blocked_at: float | None = None
        self._refusals = 0
        self._requests = 0
        self._unnamed = 0
        self._echoes_tags = False
        self._names_conversations = False

    @property
    def is_busy(self) -> bool:
        """Whether a reply runs, or may run for all we know."""
        return bool(self.open) or self._request is not None or self._blocked_at is not None

    # -- what we want ---------------------------------------------------------------------------

    def want(self, now: float) -> None:
        """Ask for a reply as soon as none runs."""
        self._is_wanted = True
        self.pump(now)

    def interrupt(self, now: float, *, is_done_by_server: bool) -> None:
        """Nobody wants what runs, what was asked for, or what waits to be asked for."""
        self._is_wanted = False
        if self._request:  # Nothing exists yet that a cancel could name.
            self._request.is_unwanted = True
        elif self._blocked_at is not None and not self.open and not is_done_by_server:
            self._say({"type": "response.cancel"}, is_urgent=True)
        for reply in self.open.values():
            reply.is_abandoned = True
            if is_done_by_server:
                reply.cancelled_at = reply.cancelled_at or now
            else:
                self._cancel(reply, now)

    def _cancel(self, reply: RunningResponse, now: float) -> None:
        if reply.is_cancel_sent:
            return
        reply.is_cancel_sent, reply.cancelled_at = True, now
        named = {"response_id": reply.id} if reply.is_named else {}
        self._say({"type": "response.cancel", **named}, is_urgent=True)

    def pump(self, now: float) -> None:
        """Ask for a reply if one is wanted and none runs."""
        if not self._is_wanted or self.is_busy or self.is_held:
            return
        self._is_wanted = False
        tag = self._next_tag()
        self._request = _Request(tag, now)
        marked = {"metadata": {"client_event_id": tag}} if self.tags else {}
        asked = {**self.fields, **marked}
        response = {"response": asked} if asked else {}
        self._say({"type": "response.create", "event_id": tag, **response})

    def _next_tag(self) -> str:
        self._requests += 1
        return f"reply_{self._requests}"

    # -- what the server does -------------------------------------------------------------------

    def created(self, response: JsonObject, now: float) -> RunningResponse | None:
        """A reply began; None: it is known, or none of ours."""
        tag = identity(table(response, "metadata"), "client_event_id")
        reply_id = identity(response, "id")
        if reply_id in self.open or reply_id in self._past:
            return None
        if self._is_stranger(response, tag):
            if reply_id:
                self._past.add(reply_id)
            return None
        return self._begin(reply_id, tag, now)

    def sign(self, reply_id: str, now: float) -> RunningResponse | None:
        """Something of a reply arrived; a reply that was never announced begins with it.

        None: it belongs to a reply that has ended, or is none of ours.
        """
        if reply_id in self._past:
            return None
        reply = self.known(reply_id) or self._begin(reply_id, "", now)
        reply.last_sign = now
        return reply

    def lives(self, reply_id: str, now: float) -> None:
        """Whatever comes of a reply proves that it runs, or that one is on its way."""
        if reply := self.known(reply_id):
            reply.last_sign = now
        elif self._request and not self.open and reply_id not in self._past:
            self._request.at = now

    def known(self, reply_id: str) -> RunningResponse | None:
        """A running reply; the newest one where the server names none."""
        if reply_id:
            return self.open.get(reply_id)
        return next(reversed(self.open.values()), None)

    def done(self, response: JsonObject, now: float) -> RunningResponse | None:
        """A reply ended; None: it had ended before, or was none of ours.  `pump` afterwards."""
        tag = identity(table(response, "metadata"), "client_event_id")
        reply_id = identity(response, "id")
        self._blocked_at = None
        reply = self.known(reply_id)
        if reply is None and reply_id not in self._past and (reply_id or self._request):
            reply = None if self._is_stranger(response, tag) else self._begin(reply_id, tag, now)
        if reply is not None:
            self._end(reply)
        return reply

    def _begin(self, reply_id: str, tag: str, now: float) -> RunningResponse:
        is_unwanted = self._answers_request(tag) or tag in self._unwanted_tags
        if not reply_id:
            self._unnamed += 1
        reply = RunningResponse(
            reply_id or f"unnamed_{self._unnamed}", now, is_named=bool(reply_id)
        )
        self.open[reply.id] = reply
        self._blocked_at = None
        if is_unwanted:
            reply.is_abandoned = True
            self._cancel(reply, now)
        return reply

    def _answers_request(self, tag: str) -> bool:
        """Settle our request if this reply is the answer; whether nobody wants it any more."""
        request = self._request
        self._echoes_tags = self._echoes_tags or bool(tag)
        is_answer = request and (tag == request.tag or not (tag or self._echoes_tags))
        if not request or not is_answer:
            return False
        self._request, self._refusals = None, 0
        return request.is_unwanted

    def _is_stranger(self, response: JsonObject, tag: str) -> bool:
        """Whether a reply is out of band: written by another client, into no conversation.

        Some servers never name a conversation; a null means something only from one that does.
        """
        if tag and self._request and tag == self._request.tag:
            return False
        self._names_conversations |= bool(identity(response, "conversation_id"))
        is_null = "conversation_id" in response and response["conversation_id"] is None
        return response.get("conversation") == "none" or (self._names_conversations and is_null)

    def _end(self, reply: RunningResponse) -> None:
        self.open.pop(reply.id, None)
        self._past.add(reply.id)

    # -- what the server refuses ----------------------------------------------------------------

    def refused_as_busy(self, fault: Fault, now: float) -> list[Event]:
        """Our create (or the VAD's own) met a running reply: ask again when that ends.

        After three refusals in a row there is no hope left.
        """
        request, self._request = self._request, None
        self._is_wanted = self._is_wanted or request is None or not request.is_unwanted
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            self._is_wanted, self._refusals = False, 0
            return [_never_begun(request.tag if request else self._next_tag(), fault)]
        named = _NAMED_REPLY.search(fault.message)
        if not self.open and not (named and named[0] in self._past):
            self._blocked_at = now
        self.pump(now)
        return [_benign(fault)]

    def unblock(self, now: float) -> None:
        """What kept the server busy, without a reply that we know of, is over."""
        self._blocked_at = None
        self.pump(now)

    def refused(self, fault: Fault, now: float) -> list[Event] | None:
        """What a fault about our create means; None: it is about something else.

        A server that does not know metadata is asked again without.  Otherwise the reply ends
        before it began, under a name of ours; one that nobody wanted says nothing.
        """
        request = self._request
        if request is None or not self._is_about(request, fault):
            return None
        self._request = None
        is_asked_again = self.tags and (fault.code in _MALFORMED or "metadata" in fault.param)
        if is_asked_again:
            self.tags = False
            self._is_wanted = self._is_wanted or not request.is_unwanted
        self.pump(now)
        is_nothing = is_asked_again or request.is_unwanted
        return [_benign(fault) if is_nothing else _never_begun(request.tag, fault)]

    def _is_about(self, request: _Request, fault: Fault) -> bool:
        if fault.event_id:
            return fault.event_id == request.tag
        return fault.code == "bad_response_create" or fault.param.startswith("response")

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Event]:
        """Give up what takes too long."""
        events = self._tick_request(now)
        if self._blocked_at is not None and now - self._blocked_at >= self._patience.request_s:
            self._blocked_at = None
        for reply in list(self.open.values()):
            events += self._tick_reply(reply, now)
        self.pump(now)
        return events

    def _tick_request(self, now: float) -> list[Event]:
        request = self._request
        if request is None or now - request.at < self._patience.request_s:
            return []
        self._request = None
        if request.is_unwanted:
            self._unwanted_tags.add(request.tag)
            return []
        return [
            ProviderFailed(
                "no_reply",
                phrase(
                    "The model did not begin to answer within {seconds:.0f} s",
                    seconds=self._patience.request_s,
                ),
            )
        ]

    def _tick_reply(self, reply: RunningResponse, now: float) -> list[Event]:
        cancelled = reply.cancelled_at
        if cancelled is not None and now - cancelled >= self._patience.cancel_s:
            self._end(reply)
            return [ReplyFinished(reply.id, "cancelled", "client_cancelled")]
        if now - reply.last_sign < self._patience.delta_s:
            return []
        self._cancel(reply, now)  # The server may think that it still runs.
        self._end(reply)
        return [
            ReplyFinished(
                reply.id,
                "failed",
                "no_answer",
                phrase(
                    "The answer broke off: nothing came for {seconds:.0f} s",
                    seconds=self._patience.delta_s,
                ),
            )
        ]


def _never_begun(tag: str, fault: Fault) -> ReplyFinished:
    return ReplyFinished(f"refused_{tag}", "failed", fault.code, fault.message)


def _benign(fault: Fault) -> Unknown:
    return Unknown(f"benign: {fault.code}")
