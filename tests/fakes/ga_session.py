"""One connection to the stand-in: what the client may ask now, and whose turn it is."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.fakes import ga_conversation, ga_settings
from tests.fakes.ga_accent import Accent
from tests.fakes.ga_check import Refused
from tests.fakes.ga_ears import Ears
from tests.fakes.ga_log import WireLog
from tests.fakes.ga_reply import CancelReason, Item, ReplyRun, sound_for
from tests.fakes.ga_script import Reply, Script
from tests.fakes.ga_signal import ms_of
from tests.fakes.ga_wire import Breakable, Wire

JsonObject = dict[str, Any]
RATE_LIMITS_AFTER_S = 0.043


class GaSession:
    """Speaks for the service on one connection, after `script`."""

    def __init__(
        self,
        connection: Breakable,
        script: Script,
        log: WireLog,
        timecodes: "itertools.count[int]",
        model: str,
        vad_rms: float,
        accent: Accent,
    ) -> None:
        self.script = script
        self.accent = accent
        self.active: ReplyRun | None = None
        self.is_running = False
        self.wire = Wire(connection, script, log, accent)
        self.settings = ga_settings.Settings(self.wire.new_id("sess"), model)
        self.settings.data["expires_at"] = int(time.time()) + script.session_s
        self.conversation = ga_conversation.Conversation()
        self.ears = self._make_ears(vad_rms)
        self._connection = connection
        self._log = log
        self._timecodes = timecodes
        self._replies = self._updates = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def _make_ears(self, vad_rms: float) -> Ears:
        return Ears(
            self.wire,
            self.script,
            self.settings,
            self.conversation,
            vad_rms,
            start=self.start,
            interrupt=self._interrupt,
            answer=self.answer_turn,
            rate=self.accent.input_rate,
        )

    def _interrupt(self) -> None:
        if self.accent.vad_cancels:
            self.cancel("turn_detected")

    # -- life ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the connection ends."""
        self.is_running = True
        try:
            await self.emit("session.created", session=self.settings.data)
            async for message in self._connection:
                await self._take(message)
        except ConnectionClosed:
            pass
        finally:
            self.is_running = False
            closed = self._connection.close_code, self._connection.close_reason
            self.wire.note("closed", code=closed[0], reason=closed[1])
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the reading; it ends with the connection."""
        task = asyncio.create_task(self._until_closed(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_closed(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ConnectionClosed:
            return
        except Refused as refused:
            await self._refuse(refused, {})
        except Exception as error:
            self.wire.note("bug", error=repr(error))
            raise

    # -- receiving ----------------------------------------------------------------------------

    async def _take(self, raw: str | bytes) -> None:
        message: JsonObject = {}
        try:
            message = _parse(raw)
            self._log.message(self.wire.number, "in", message, len(self.ears.received))
            self.accent.check(message, str(self.settings.data["model"]))
            self._mind_the_order(message)
            await self._answers[message["type"]](message)
        except Refused as refused:
            await self._refuse(refused, message)

    @property
    def _answers(self) -> dict[str, Callable[[JsonObject], Awaitable[None]]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self.ears.append,
            "input_audio_buffer.commit": self.ears.commit,
            "input_audio_buffer.clear": self.ears.clear,
            "input_image_buffer.append": self.ears.see,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.truncate": self._truncate,
            "conversation.item.delete": self._delete,
            "response.create": self._create_reply,
            "response.cancel": self._cancel,
        }

    def _mind_the_order(self, message: JsonObject) -> None:
        """The service takes sound before the first update, and answers it with its defaults."""
        if message["type"] == "input_audio_buffer.append" and not self._updates:
            error = {"code": "append_before_session_updated"}
            self._log.add(self.wire.number, "violation", type=message["type"], error=error)

    async def _refuse(self, refused: Refused, message: JsonObject) -> None:
        event_id = message.get("event_id")
        error = {
            "type": "invalid_request_error",
            "code": refused.code,
            "message": refused.message,
            "param": refused.param,
            "event_id": event_id if isinstance(event_id, str) else None,
        }
        direction = "refused" if refused.state else "violation"
        self._log.add(self.wire.number, direction, type=message.get("type"), error=error)
        await self.emit("error", error=error)

    async def _update(self, message: JsonObject) -> None:
        session = self.accent.update(message["session"])
        self.settings.update(session, self.active is not None)
        self._updates += 1
        if self.script.confirms_updates:
            await self.emit("session.updated", session=self.settings.data)
        if self._updates == 1 and self.script.expire_after_ms:
            self.start(self.wire.expire(self.script.expire_after_ms / 1000))

    # -- the conversation ---------------------------------------------------------------------

    async def _create_item(self, message: JsonObject) -> None:
        ours = self.new_id("item")
        given = message["item"] if self.accent.keeps_item_ids else message["item"] | {"id": ours}
        item = ga_conversation.given(given, ours)
        if item.data["type"] == "function_call_output":
            self.conversation.answer_call(item.data["call_id"])
        self.conversation.insert(item, message.get("previous_item_id"))
        shown = ga_conversation.without_sound(item)
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self.emit(kind, previous_item_id=item.previous, item=shown)

    async def _retrieve(self, message: JsonObject) -> None:
        item = self.conversation.find(message)
        await self.emit("conversation.item.retrieved", item=item.data)

    async def _delete(self, message: JsonObject) -> None:
        self.conversation.delete(message)
        await self.emit("conversation.item.deleted", item_id=message["item_id"])

    async def _truncate(self, message: JsonObject) -> None:
        self.conversation.truncate(message)
        kept = {key: message[key] for key in ("item_id", "content_index", "audio_end_ms")}
        await self.emit("conversation.item.truncated", **kept)

    # -- replies ------------------------------------------------------------------------------

    async def _create_reply(self, message: JsonObject) -> None:
        if self.ears.is_spoken_to and not self.accent.answers_while_spoken_to:
            raise Refused("invalid_value", "Cannot respond while user is speaking.", state=True)
        if self.script.refuses_replies:
            raise Refused(self.script.refuses_replies, "The model is not well.", state=True)
        for call_id in self.conversation.unanswered_calls:
            self.wire.note("call_without_output", call_id=call_id)
        self.reply(self.accent.request(message.get("response") or {}))

    async def answer_turn(self) -> None:
        """Reply to a turn which the VAD ended, once a cancelled reply is over."""
        while self.active and self.active.reason:
            await asyncio.sleep(0.01)
        self.reply({})

    def reply(self, request: JsonObject, plan: Reply | None = None) -> None:
        """Begin a reply of the model, by the script or by `plan`.

        Raises:
            Refused: One is running already.
        """
        out_of_band = request.get("conversation") == "none"
        if self.active and not out_of_band:
            raise Refused(
                "conversation_already_has_active_response",
                "Conversation already has an active response in progress: "
                f"{self.active.id}. Wait until the response is finished before creating a new one.",
                state=True,
            )
        if not self.script.answers:
            self.wire.note("unanswered")
            return
        run = ReplyRun(self, plan or self._next_plan(), request)
        self.active = self.active if out_of_band else run
        self.start(self._play(run))

    def _next_plan(self) -> Reply:
        plans = self.script.replies
        self._replies += 1
        plan = plans[min(self._replies, len(plans)) - 1]
        if not self.script.recalls:
            return plan
        return replace(plan, text=self.conversation.known(self.settings.data["instructions"]))

    async def _play(self, run: ReplyRun) -> None:
        await run.run()
        if self.script.rate_limits:
            await asyncio.sleep(RATE_LIMITS_AFTER_S)
            limit = {"name": "tokens", "limit": 200_000, "remaining": 198_750}
            await self.emit("rate_limits.updated", rate_limits=[limit | {"reset_seconds": 0.37}])
        if self.script.error_after_reply:
            await self.emit("error", error=self.script.error_after_reply)

    async def _cancel(self, message: JsonObject) -> None:
        if not self.cancel("client_cancelled", message.get("response_id")):
            words = "Cancellation failed: no active response found"
            raise Refused("response_cancel_not_active", words, state=True)

    def cancel(self, reason: CancelReason, response_id: str | None = None) -> bool:
        """Stop the running reply; False where there is none (or another)."""
        run = self.active
        if run is None or run.reason or response_id not in (None, run.id):
            return False
        run.cancel(reason)
        return True

    # -- what a reply needs -------------------------------------------------------------------

    async def emit(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        await self.wire.emit(kind, **fields)

    def new_id(self, prefix: str) -> str:
        """A name nobody has yet."""
        return self.wire.new_id(prefix)

    def place(self, item: Item) -> str | None:
        """Append to the conversation; the id of the item before it."""
        return self.conversation.place(item)

    def reply_is_over(self, run: ReplyRun) -> None:
        """`response.done` goes out now: another may begin."""
        self.active = None if self.active is run else self.active

    def sound_of(self, item_id: str, reply: Reply) -> bytes:
        """The sound of a reply item; the log says which timecode it is."""
        index = next(self._timecodes)
        pcm = sound_for(reply, index)
        self.wire.note("sound", item_id=item_id, timecode=index, ms=ms_of(len(pcm)))
        return pcm

    def usage(self, output: list[Item]) -> JsonObject:
        """Tokens of a reply."""
        return self.conversation.usage(output, self.ears.turn_ms)

    async def reset(self) -> None:
        """Break the TCP connection."""
        await self.wire.reset()


def _parse(raw: str | bytes) -> JsonObject:
    if isinstance(raw, bytes):
        raise Refused("invalid_event", "Binary frames are not accepted.")
    try:
        message = json.loads(raw)
    except ValueError:
        raise Refused("invalid_json", "The message is not JSON.") from None
    if not isinstance(message, dict):
        raise Refused("invalid_event", "The message is no object.")
    return message
