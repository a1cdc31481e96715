"""One reply at a time: which begin, which are stopped, and what the mind is asked for each.

A cancelled reply is over on the wire at once; its mind and mouth are stopped behind it.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Literal

from voicechat.cascade.roles import LlmRequest, NotHeardError, Parts
from voicechat.cascade.server.checks import Refusal
from voicechat.cascade.server.delivery import Delivery, Room
from voicechat.cascade.server.items import History, ServerItem
from voicechat.cascade.server.response import ReplyPlan, Response, Send, told
from voicechat.errors import LinkError, RefusedError, VoiceChatError
from voicechat.text.phrase import phrase

__all__ = ["Room", "Responses", "describe"]

SAY_AGAIN = phrase("Say it again, or check the microphone")
ALOUD = (
    "Your answer is spoken aloud. Answer as one talks, in the language of the user: in short "
    "sentences, without lists, headings, tables, emoji or markup."
)


class Responses:
    """Starts and stops replies; at most one of them belongs to the conversation."""

    def __init__(
        self, parts: Parts, history: History, send: Send, room: Room, tasks: asyncio.TaskGroup
    ) -> None:
        self._parts, self._history, self._send, self._room = parts, history, send, room
        self._tasks = tasks
        self._running: dict[str, tuple[Response, asyncio.Task[None]]] = {}
        self._has_spoken = False

    @property
    def has_spoken(self) -> bool:
        """Whether the client has got any sound, after which the voice stays."""
        return self._has_spoken or any(one.has_spoken for one, _ in self._running.values())

    @property
    def active(self) -> Response | None:
        """The reply that is being given to the conversation."""
        replies = [reply for reply, _ in self._running.values()]
        return next((one for one in replies if not one.over and not one.plan.aside), None)

    def create(self, plan: ReplyPlan, items: Sequence[ServerItem] | None = None) -> None:
        """Begin a reply to these items (None: to the conversation).

        Raises:
            Refusal: Another one is being given.
        """
        if not plan.aside and (active := self.active):
            message = f"Conversation already has an active response in progress: {active.id}."
            advice = "Wait until the response is finished before creating a new one."
            raise Refusal("conversation_already_has_active_response", f"{message} {advice}")
        reply = Response(self._send, self._history, plan)
        reply.begin()
        about = list(self._history.items if items is None else items)
        task = self._tasks.create_task(self._run(reply, about))
        self._running[reply.id] = reply, task
        task.add_done_callback(lambda _: self._forget(reply))

    def cancel(
        self, reason: Literal["client_cancelled", "turn_detected"], reply_id: str | None = None
    ) -> bool:
        """Stop a reply (None: the conversation's); False when there is none."""
        active = self.active
        wanted = reply_id or (active.id if active else "")
        reply, task = self._running.get(wanted, (None, None))
        if reply is None or task is None or reply.over:
            return False
        reply.finish("cancelled", reason=reason)
        task.cancel()
        return True

    def _forget(self, reply: Response) -> None:
        self._has_spoken = self.has_spoken
        self._running.pop(reply.id, None)

    async def _run(self, reply: Response, about: Sequence[ServerItem]) -> None:
        hears = self._parts.mind.hears
        try:
            question = await _ask(about, reply.plan, hears=hears)
            reply.count_input(question)
            reply.count_apart(heard_bytes=_written_bytes(about))
            cut = None
            if hears or not _is_silence(about):
                cut = await Delivery(self._parts, reply, self._room).run(question)
            elif reply.plan.is_marked:
                raise NotHeardError(phrase("No words were heard"), SAY_AGAIN)
            reply.finish("incomplete", reason=cut.reason) if cut else reply.finish()
        except NotHeardError as error:
            for item in [item for item in about if item.pcm][-1:]:
                self._send(not_transcribed(item, error))
            reply.finish("failed", error=describe(error))
        except VoiceChatError as error:
            reply.finish("failed", error=describe(error))
        except Exception:
            logging.getLogger(__name__).exception("A reply failed in an unforeseen way")
            reply.finish("failed", error=describe(VoiceChatError(phrase("The local model failed"))))


def describe(error: VoiceChatError) -> dict[str, Any]:
    """The error as `status_details` shows it."""
    kind, code = "server_error", "local_model_failed"
    if isinstance(error, RefusedError):
        kind, code = "invalid_request_error", "local_model_refused"
    elif isinstance(error, LinkError):
        code = "local_model_unreachable"
    elif error.retry_after_s is not None:
        kind = code = "rate_limit_exceeded"
    return {"type": kind, "code": code, **told(error.sentence)}


def not_transcribed(item: ServerItem, error: VoiceChatError) -> dict[str, Any]:
    """The event that tells that a spoken turn has no words."""
    kind = "conversation.item.input_audio_transcription.failed"
    fault = {**describe(error), "param": None}
    return {"type": kind, "item_id": item.id, "content_index": 0, "error": fault}


async def _ask(about: Sequence[ServerItem], plan: ReplyPlan, *, hears: bool) -> LlmRequest:
    """Put the question together; wait for words that are still written down, if the mind needs."""
    waiting = [item.words for item in about if item.words and not hears]
    if waiting:
        # Not awaited directly: a cancelled reply must not cancel the words.
        await asyncio.wait(waiting)
        if words := about[-1].words:
            words.result()
    limit = plan.max_output_tokens
    return LlmRequest(
        [item.said() for item in about],
        _instructions(plan),
        limit if isinstance(limit, int) else None,
        plan.tools,
        plan.must_call,
        "" if plan.voice == "default" else plan.voice,
        not plan.text_only,
    )


def _instructions(plan: ReplyPlan) -> str:
    """A mind of words does not know that it is heard, and would write lists and tables."""
    return plan.instructions if plan.text_only else f"{plan.instructions}\n\n{ALOUD}".lstrip()


def _written_bytes(about: Sequence[ServerItem]) -> int:
    """Of the turn that is to be answered: sound that the ears write down."""
    return about[-1].sound_bytes if about and about[-1].words else 0


def _is_silence(about: Sequence[ServerItem]) -> bool:
    """Whether the ears found no word in the sound that is to be answered: a cough, a door."""
    words = about[-1].words if about else None
    return words is not None and words.done() and words.result() == ""
