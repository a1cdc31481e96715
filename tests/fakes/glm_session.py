"""One connection to the GLM stand-in: what the client may ask now, and whose turn it is."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.fakes.glm_check import Refused, check, check_jpeg, decode_pcm
from tests.fakes.glm_ears import Ears
from tests.fakes.glm_log import WireLog
from tests.fakes.glm_reply import ReplyRun
from tests.fakes.glm_script import Reply, Script

JsonObject = dict[str, Any]
DEFAULTS: JsonObject = {
    "model": "glm-realtime",
    "modalities": ["text", "audio"],
    "instructions": "你是小智。",
    "voice": "tongtong",
    "input_audio_format": "wav",
    "output_audio_format": "pcm",
    "turn_detection": {"type": "client_vad"},
    "tools": [],
    "beta_fields": {"chat_mode": "audio", "tts_source": "e2e", "auto_search": True},
}
_ITEM = "conversation.item"


class GlmSession:
    """Speaks for the service on one connection, after `script`.

    Attributes:
        settings: What is in force; an update replaces all of it.
        ears: What the client let us hear.
    """

    def __init__(
        self, connection: ServerConnection, script: Script, log: WireLog, number: int
    ) -> None:
        self.settings: JsonObject = dict(DEFAULTS)
        if script.offers_noise_reduction:
            self.settings["input_audio_noise_reduction"] = None
        self.active: ReplyRun | None = None
        self._connection, self._script, self._log, self._number = connection, script, log, number
        self._names = itertools.count(1)
        self.ears = Ears(self.emit, script, self._turn_ended)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = asyncio.Lock()
        self._seen: set[str] = set()
        self._last_stamp = 0
        self._replies = self._runs = self._updates = 0
        self._has_question = False
        """Whether there is something a reply could answer."""
        self._has_frame = False
        self._due_outputs: list[str] = []
        """Ids of the calls whose outputs must come now, in order; empty ids are matched by it."""
        self._outputs: list[str] = []

    # -- life ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the connection ends."""
        try:
            await self.emit("heartbeat")
            self._start(self._beat())
            await self.emit("session.created", session={"id": self._name("sess"), **self.settings})
            async for message in self._connection:
                await self._take(message)
        except ConnectionClosed:
            pass
        finally:
            self._note("closed", code=self._connection.close_code)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def emit(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        event = {"type": kind, "event_id": self._name("event"), **fields}
        async with self._sending:
            self._log.message(self._number, "out", event)
            await self._connection.send(json.dumps(event, ensure_ascii=False))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._until_closed(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_closed(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ConnectionClosed:
            return
        except Exception as error:
            self._note("bug", error=repr(error))
            raise

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._script.heartbeat_s)
            await self.emit("heartbeat")

    def _name(self, prefix: str) -> str:
        return f"{prefix}_{self._number}_{next(self._names):06d}"

    def _note(self, note: str, **data: Any) -> None:
        self._log.add(self._number, "note", note=note, **data)

    # -- receiving ----------------------------------------------------------------------------

    async def _take(self, raw: str | bytes) -> None:
        message: JsonObject = {}
        try:
            message = _parse(raw)
            self._log.message(self._number, "in", message)
            check(message)
            self._mind_the_order(message)
            await self._answers[message["type"]](message)
        except Refused as refused:
            direction = "refused" if refused.state else "violation"
            error = {"code": refused.code, "message": refused.message, "param": refused.param}
            self._log.add(self._number, direction, type=message.get("type"), error=error)
            await self.emit("error", error=error)

    @property
    def _answers(self) -> dict[str, Callable[[JsonObject], Awaitable[None]]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.append_video_frame": self._frame,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.pre_commit": self._ignore,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.delete": self._delete,
            "conversation.item.retrieve": self._retrieve,
            "response.create": self._create_reply,
            "response.cancel": self._cancel,
        }

    def _mind_the_order(self, message: JsonObject) -> None:
        """Names are used once, time goes forward, and nothing comes before the settings."""
        kind, stamp = message["type"], message["client_timestamp"]
        wrong = "event_id_again" if message["event_id"] in self._seen else ""
        wrong = wrong or ("time_goes_back" if stamp < self._last_stamp else "")
        if kind != "session.update" and not self._updates:
            wrong = "before_session_updated"
        self._seen.add(message["event_id"])
        self._last_stamp = max(stamp, self._last_stamp)
        if wrong:
            self._log.add(self._number, "violation", type=kind, error={"code": wrong})

    async def _ignore(self, message: JsonObject) -> None:
        """Taken without an answer."""

    # -- settings -----------------------------------------------------------------------------

    async def _update(self, message: JsonObject) -> None:
        if self._script.update_error:
            await self.emit("error", error=self._script.update_error)
            if self._script.update_close:
                await self._connection.close(self._script.update_close)
            return
        had_video = self._is_video
        self.settings = {**DEFAULTS, **message["session"]}
        self._updates += 1
        self._has_frame = self._has_frame and had_video
        self.ears.begin(self.settings)
        if self._script.confirms_updates:
            echoed = {"model": "glm-realtime"}  # Whatever was asked for.
            await self.emit("session.updated", session={**self.settings, **echoed})
            await self.emit("heartbeat")

    @property
    def _is_video(self) -> bool:
        return bool(self.settings["beta_fields"]["chat_mode"] != "audio")

    @property
    def _finds_turns(self) -> bool:
        return bool(self.settings["turn_detection"]["type"] == "server_vad")

    # -- the user's turns ---------------------------------------------------------------------

    async def _append(self, message: JsonObject) -> None:
        is_wav = self.settings["input_audio_format"] == "wav"
        pcm = decode_pcm(message["audio"], is_wav=is_wav)
        await self.ears.append(pcm, message["client_timestamp"])

    async def _frame(self, message: JsonObject) -> None:
        check_jpeg(message["video_frame"])
        if not self._is_video:
            raise Refused("invalid_event", "no video call")
        self._has_frame = True

    async def _commit(self, message: JsonObject) -> None:
        if self._finds_turns:
            raise Refused("invalid_event", "the server commits in this mode")
        if not self.ears.held:
            raise Refused("invalid_event", "no audio to commit")
        await self._enter_turn(self._name("item"))

    async def _clear(self, message: JsonObject) -> None:
        self.ears.clear()
        await self.emit("input_audio_buffer.cleared")

    async def _turn_ended(self, item_id: str) -> None:
        """The VAD heard the end of a turn."""
        await self._enter_turn(item_id)
        self._start(self._reply())

    async def _enter_turn(self, item_id: str) -> None:
        self.ears.clear()
        self._has_question = True
        await self.emit("input_audio_buffer.committed", item_id=item_id)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "object": "realtime.item", "type": "message", "role": "user"}
        await self.emit(f"{_ITEM}.created", item=item | {"content": content})
        self._start(self.ears.transcribe(item_id))

    # -- items --------------------------------------------------------------------------------

    async def _create_item(self, message: JsonObject) -> None:
        item = message["item"]
        if item["type"] == "function_call_output":
            self._take_output(item)
        elif self._script.answers_text:
            self._has_question = True
        created = {"id": item.get("id") or self._name("item"), **item}
        await self.emit(f"{_ITEM}.created", item=created)

    def _take_output(self, item: JsonObject) -> None:
        """Outputs come in the order and number of the calls."""
        due = self._due_outputs
        if not due or item.get("call_id", "") != due[0]:
            raise Refused("invalid_event", f"no such call is due; due: {due}", "item.call_id")
        del due[0]
        self._outputs.append(item["output"])
        self._has_question = True

    async def _delete(self, message: JsonObject) -> None:
        await self.emit(f"{_ITEM}.deleted", item_id=message["item_id"])

    async def _retrieve(self, message: JsonObject) -> None:
        await self.emit(f"{_ITEM}.retrieved", item={"id": message["item_id"], "type": "message"})

    # -- replies ------------------------------------------------------------------------------

    async def _create_reply(self, message: JsonObject) -> None:
        if self.active:
            raise Refused("invalid_event", "a response is running", state=True)
        if self._due_outputs:
            raise Refused("invalid_event", "an output of a call is missing")
        if self._finds_turns and not self.ears.has_heard_a_turn:
            self._note("ignored")  # Outright, as the live service does.
            return
        if self._is_video and not self._has_frame:
            raise Refused("video_model_query_error", "no frame")
        self._start(self._reply())

    async def _reply(self) -> None:
        if self._script.reply_error:
            await self.emit("error", error=self._script.reply_error)
            return
        while self.active:
            await asyncio.sleep(0.01)
        is_empty, self._has_question = not self._has_question, False
        plan = Reply() if is_empty else self._next_plan()
        self._runs += 1
        self.active = run = ReplyRun(self.emit, self._script, plan, self._runs)
        with_sound = "audio" in self.settings["modalities"]
        await run.run(lambda: self._over(run), is_empty=is_empty, with_sound=with_sound)
        if self._script.close_after_reply:
            await self._connection.close(self._script.close_after_reply)

    def _next_plan(self) -> Reply:
        plans, has_tools = self._script.replies, self.settings["tools"] and not self._is_video
        self._replies += 1
        plan = plans[min(self._replies, len(plans)) - 1]
        if self._script.recalls and not plan.calls:
            known = [self.settings["instructions"], *self._outputs]
            return Reply(" ".join(" ".join(known).split()))
        return Reply() if plan.calls and not has_tools else plan

    def _over(self, run: ReplyRun) -> None:
        self.active = None
        self._due_outputs = [] if run.is_cancelled else run.call_ids

    async def _cancel(self, message: JsonObject) -> None:
        run = self.active
        if run is None:
            raise Refused("response_cancel_not_active", "nothing to cancel", state=True)
        if run.is_cancelled:
            self._log.add(
                self._number, "violation", type=message["type"], error={"code": "cancelled_twice"}
            )
        run.cancel()


def _parse(raw: str | bytes) -> JsonObject:
    try:
        message = json.loads(raw)
    except ValueError:
        raise Refused("invalid_event", "no JSON") from None
    if not isinstance(message, dict):
        raise Refused("invalid_event", "no object")
    return message
