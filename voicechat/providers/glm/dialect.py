"""Zhipu GLM-Realtime: one session as a state machine without I/O.

The language is OpenAI's beta with rules of its own, so the parts that know that language are used
as they are: `openai_turns` the user's side, `openai_reply`, `openai_answer` and `openai_items` the
model's, `openai_start` and `openai_agreement` the settings.  What is GLM's own: every update says
everything (`glm_session`, `glm_opening`); every message has a name and a time (`client_timestamp`),
by which the server's VAD measures silence; pictures are frames of a video call (`glm_picture`);
calls of tools come in one piece (`glm_tools`); nothing can be truncated.  `glm_errors` knows the
platform's numbers, `glm_sound` and `glm_words` what the service is known to miss.

Source: https://docs.bigmodel.cn/cn/guide/models/sound-and-video/glm-realtime, its AsyncAPI, and
github.com/MetaGLM/glm-realtime-sdk.
"""

from dataclasses import replace
from typing import Any, ClassVar

from voicechat.errors import LinkError, VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
    ProviderFailed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionExpired,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    ToolsCancelled,
    TurnCommitted,
    Unknown,
)
from voicechat.providers.base import Dialect, Profile, Settings
from voicechat.providers.glm.audio import AudioBatcher, TurnWatch, wav_file
from voicechat.providers.glm.errors import (
    CODES,
    UNHEARD,
    GlmFarewell,
    in_words,
    is_passing,
    read_glm_fault,
)
from voicechat.providers.glm.handshake import PATIENCE, PROFILE, GlmOpening, gateway_address
from voicechat.providers.glm.tool_calls import OpenCalls, without_calls
from voicechat.providers.glm.transcripts import Streams, Typed
from voicechat.providers.glm.video_frame import VideoFrame, complaint
from voicechat.providers.json_fields import (
    JsonObject,
    Repeats,
    decode,
    identity,
    moment,
    table,
    text,
)
from voicechat.providers.openai.address import authorization
from voicechat.providers.openai.errors import Fault, safe_line
from voicechat.providers.openai.event_names import SILENT, modern
from voicechat.providers.openai.handshake import PreSessionBuffer
from voicechat.providers.openai.messages import text_part, tool_output, user_message
from voicechat.providers.openai.response_events import Answers
from voicechat.providers.openai.response_state import Replies
from voicechat.providers.openai.tool_calls import ToolCalls as CallsInItems
from voicechat.providers.openai.user_turns import InputTurns
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

DEAD_AFTER_S = 75.0
"""Without any message, from a server that sends a heartbeat every 30 s."""
SWITCH_S = 5.0
"""Until a picture is shown although the server did not say that it is ready for one."""
LONGEST_TEXT = 60_000
"""Characters of one typed message; a message beyond 256 KB closes the line."""

_SILENT = SILENT | {
    "conversation.item.added",
    "response.function_call.simple_browser",  # The model looks something up by itself.
    "response.function_call.simple_browser.result",
}
"""Messages that change nothing for us."""


class GlmDialect(Dialect):
    """One session.  See `Dialect` for the contract."""

    profile: ClassVar[Profile] = PROFILE
    key_note: ClassVar[str] = phrase("a key of z.ai belongs into ZAI_API_KEY")

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._now = 0.0
        self._messages = 0
        self._opening = GlmOpening(self._stamp, self._next_id, settings)
        self._waiting = PreSessionBuffer()
        self._turns = InputTurns(self._stamp)
        self._replies = Replies(self._stamp, PATIENCE, tags=False)
        in_items = CallsInItems(self._stamp, self._replies)  # Never any: see `without_calls`.
        self._answers = Answers(self._stamp, self._replies, in_items)
        self._farewell = GlmFarewell(
            self.profile, CODES, "https://bigmodel.cn/pricing", self.key_hint()
        )
        self._repeats = Repeats()
        self._has_key = True
        """Whether the user marks the turns, though the server may find them all the same."""
        self._notices: list[Event] = []
        self._pieces = AudioBatcher()
        self._watch = TurnWatch()
        self._calls = OpenCalls(self._stamp)
        self._picture = VideoFrame(self._stamp)
        self._streams = Streams()
        self._typed = Typed()
        self._switch_id = ""
        self._switching_since: float | None = None
        self._is_rescuing = False
        self._last_message: float | None = None
        self._has_heartbeat = False

    # -- the contract ---------------------------------------------------------------------------

    @property
    def input_rate(self) -> int:
        """Hz of the sound the server expects: the profile's, unless the server says otherwise."""
        return self._opening.agreement.input_rate

    @property
    def output_rate(self) -> int:
        """Hz of the sound the server sends: the profile's, unless the server says otherwise."""
        return self._opening.agreement.output_rate

    @property
    def _hands_free(self) -> bool:
        return self._opening.agreement.hands_free

    def url(self) -> str:
        return gateway_address(self.settings)

    def headers(self) -> dict[str, str]:
        return authorization(self.settings)

    def open(self, now: float) -> None:
        self._now = now
        self._has_key = not self.settings.hands_free
        self._opening.open(self.settings, now)

    def send(self, command: Command, now: float) -> None:
        self._now = now
        if self._opening.is_ready or isinstance(command, Interrupt):
            self._obey(command)
        else:
            self._waiting.keep(command, self.input_rate)

    def receive(self, message: str | bytes, now: float) -> list[Event]:
        self._now = self._last_message = now
        events = self._read(message)
        return self._follow([*self._take_notices(), *events])

    def _read(self, message: str | bytes) -> list[Event]:
        content = decode(message)
        if isinstance(content, str):
            return [Unknown(content)]
        kind = text(content, "type")
        if not kind or self._repeats.has(content, message):
            return [Unknown(f"repeated: {clean_line(kind, 80)}" if kind else "no type")]
        events = self._understand(modern(kind, {}), content)
        self._opening.heard(kind, self._now)
        return events

    def tick(self, now: float) -> list[Event]:
        self._now = now
        events = [*self._opening.tick(now), *self._replies.tick(now), *self._take_notices()]
        if self._switching_since is not None and now - self._switching_since >= SWITCH_S:
            self._end_switch()
        self._mind_the_turn(now)
        self._answer_calls()
        return self._follow([*events, *self._take_notices(), *self._mind_the_line(now)])

    def closed(self, code: int, reason: str) -> VoiceChatError | None:
        return self._farewell.explain(code, safe_line(reason, self._secrets))

    # -- commands -------------------------------------------------------------------------------

    def _obey(self, command: Command) -> None:
        if self._switching_since is not None and not isinstance(command, Interrupt):
            self._waiting.keep(command, self.input_rate)
            return
        match command:
            case SendAudio(pcm):
                self._hear(pcm)
            case SendImage():
                self._show(command)
            case SendToolResult(call_id):
                self._calls.result(call_id, tool_output(command))
                self._answer_calls()
            case Interrupt():
                self._typed.forget()
                self._forget_calls()
                self._replies.interrupt(self._now, is_done_by_server=False)
            case _:
                self._obey_turn(command)

    def _obey_turn(self, command: BeginTurn | EndTurn | SendText | SetHandsFree) -> None:
        """Commands that mark where a turn begins or ends: the last piece of sound goes before."""
        rest = self._pieces.flush()
        is_new_turn = isinstance(command, BeginTurn) and not self._hands_free
        if not is_new_turn and not isinstance(command, SetHandsFree):
            self._send_sound(rest)
        match command:
            case BeginTurn():
                self._begin_turn()
            case EndTurn():
                self._typed.forget()
                self._end_turn()
            case SendText(words, item_id):
                self._send_text(words, item_id)
            case _:
                self._is_rescuing = False
                self._watch.stopped()
                self._set_hands_free(command.hands_free)

    def _begin_turn(self) -> None:
        if self._replies.is_held:  # Said over the answer that would have come by now.
            self._replies.interrupt(self._now, is_done_by_server=False)
        if not self._hands_free:
            self._turns.begin()
            self._picture.show()

    def _end_turn(self) -> None:
        if not self._hands_free:
            if notice := self._turns.end(self.input_rate):
                self._notices.append(notice)
            else:
                self._want_reply()
        elif self._has_key:
            self._turns.hush(self.settings.vad.silence_ms, self.input_rate)

    def _set_hands_free(self, hands_free: bool) -> None:
        agreement = self._opening.agreement
        self._has_key = not hands_free
        if hands_free != agreement.hands_free:
            agreement.hands_free = hands_free
            self._opening.update("turns")

    def _want_reply(self) -> None:
        self._replies.want(self._now)

    def _hear(self, pcm: bytes) -> None:
        if self._is_rescuing:
            return
        if self._hands_free:
            self._watch.hears(pcm, self._now)
        for piece in self._pieces.add(pcm, self.input_rate):
            self._send_sound(piece)

    def _send_sound(self, pcm: bytes) -> None:
        if pcm and self._opening.input_format.is_wav:
            pcm = wav_file(pcm, self.input_rate)
        self._turns.add(pcm, self.input_rate)

    def _send_text(self, words: str, item_id: str) -> None:
        if len(words) > LONGEST_TEXT:
            self._notices.append(
                ProviderFailed("text_too_long", phrase("The message is too long for GLM"))
            )
            return
        self._picture.show()
        self._typed.asked(item_id)
        self._stamp(user_message(item_id, [text_part(words)]))
        self._want_reply()

    # -- pictures -------------------------------------------------------------------------------

    def _show(self, picture: SendImage) -> None:
        """Pictures need a video call; what follows waits until it is one."""
        if why := complaint(picture):
            self._notices.append(ProviderFailed("picture_refused", why))
        elif self._opening.whole.chat_mode == "audio":
            self._begin_switch()
            self._waiting.keep(picture, self.input_rate)
        else:
            self._picture.look_at(picture)
            self._picture.show()
            if picture.text:
                self._send_text(picture.text, picture.item_id)

    def _begin_switch(self) -> None:
        self._opening.whole.chat_mode = "video_passive"
        if self.settings.tools:
            words = phrase("While it sees a picture, GLM calls no tools")
            self._notices.append(Notice("tools_off", words))
        self._switching_since = self._now
        self._switch_id = self._opening.update("extras")

    def _end_switch(self) -> None:
        self._switching_since = None
        for command in self._waiting.flush():
            self._obey(command)

    def _refused_switch(self, fault: Fault) -> list[Event]:
        """There is no video call: what waited goes on without the picture."""
        self._opening.agreement.refused(replace(fault, event_id=self._switch_id))
        self._opening.whole.chat_mode = "audio"
        self._switching_since = None
        for command in self._waiting.flush():
            if not isinstance(command, SendImage):
                self._obey(command)
        return [
            ProviderFailed(
                "picture_refused", phrase("GLM refused the picture: {why}", why=fault.message)
            )
        ]

    # -- tools ----------------------------------------------------------------------------------

    def _called(self, message: JsonObject) -> list[Event]:
        reply = self._replies.sign(identity(message, "response_id"), self._now)
        if reply is None or reply.is_abandoned:
            return []
        is_news, reply.is_announced = not reply.is_announced, True
        offered = {tool.name for tool in self.settings.tools}
        called = self._calls.called(message, reply.id, offered)
        begun: list[Event] = [ReplyStarted(reply.id)] if is_news else []
        return [*begun, called] if called else begun

    def _answer_calls(self) -> None:
        if self._calls.answer(set(self._replies.open)):
            self._replies.want(self._now)

    def _forget_calls(self, reply_id: str = "") -> None:
        if gone := self._calls.forget(reply_id):
            self._notices.append(ToolsCancelled(gone))

    # -- messages -------------------------------------------------------------------------------

    def _understand(self, kind: str, message: JsonObject) -> list[Event]:
        self._answers.lives(kind, message, self._now)
        match kind:
            case "heartbeat":
                self._has_heartbeat = True
                return []
            case "session.created":
                self._created(table(message, "session"))
                return []
            case "session.updated":
                return self._updated(table(message, "session"))
            case "error":
                return self._failed(read_glm_fault(message, self._secrets))
            case "response.function_call_arguments.done":
                return self._called(message)
            case _ if kind in _SILENT:
                return []
        stream = self._streams.one(kind, message, spoken=not self.settings.text_only)
        return [] if stream is None else self._understand_talk(stream[0], without_calls(stream[1]))

    def _understand_talk(self, kind: str, message: JsonObject) -> list[Event]:
        """What is said, by the user or by the model."""
        events = self._turns.on_message(
            kind, message, self._secrets, is_transcribed=self._opening.agreement.is_transcribed
        )
        if events is None:
            events = self._answers.on_message(kind, message, self._now, self._secrets)
        if events is None:
            return [Unknown(clean_line(kind, 80))]
        return self._farewell.of_replies([_in_words(event) for event in events])

    def _created(self, session: JsonObject) -> None:
        self._opening.first_session = session
        self._opening.whole.offers_noise_reduction = "input_audio_noise_reduction" in session

    def _updated(self, session: JsonObject) -> list[Event]:
        """Words are written down whatever it says of that."""
        said = {k: v for k, v in session.items() if k != "input_audio_transcription"}
        is_answer = self._opening.is_asking
        events = self._ready(said) if is_answer else self._opening.updated(said)
        self._opening.believe_sound(said)
        if self._switching_since is not None:
            self._end_switch()
        return events

    def _ready(self, session: JsonObject) -> list[Event]:
        """The session is agreed; let out what waited for it: one question, with one answer."""
        events = self._opening.agreed(session)
        self._replies.is_held = True
        for command in self._waiting.flush():
            self._obey(command)
        self._replies.is_held = False
        self._replies.pump(self._now)
        known = {**self._opening.first_session, **session}
        model = clean_line(text(known, "model"), 120)
        return [SessionReady(identity(known, "id"), model, moment(known, "expires_at")), *events]

    def _follow(self, events: list[Event]) -> list[Event]:
        """What these events mean for us."""
        for event in events:
            match event:
                case SessionReady():
                    self._farewell.trouble = None
                case SpeechStarted():
                    self._watch.started(self._now)
                    self._picture.show()
                case SpeechStopped() | TurnCommitted():
                    self._watch.stopped()
                case ReplyText() | ReplyAudio():
                    self._calls.refusals = 0
                case ReplyFinished():
                    self._finished(event)
        return self._typed.judge(events)

    def _finished(self, event: ReplyFinished) -> None:
        if event.status == "completed":
            self._farewell.trouble = None
        else:
            self._forget_calls(event.reply_id)
        self._answer_calls()

    # -- what goes wrong ------------------------------------------------------------------------

    def _failed(self, fault: Fault) -> list[Event]:
        if fault.code.lower() in UNHEARD:
            return [Notice("nothing_heard", phrase("The service heard no words in that"))]
        if is_passing(fault.code):
            self._farewell.trouble = fault
            settled = self._replies.refused(fault, self._now)
            return settled or [ProviderFailed(fault.code, fault.message)]
        if self._refuses_switch(fault):
            return self._refused_switch(fault)
        return self._failed_otherwise(fault)

    def _failed_otherwise(self, fault: Fault) -> list[Event]:
        match CODES.verdict(fault):
            case "fatal":
                return [self._farewell.fatal(fault)]
            case "expired":
                return [SessionExpired(fault.message)]
            case "benign":
                return [Unknown(f"benign: {fault.code}")]
            case _ if self._opening.concerns(fault):
                return [self._opening.refused(fault, self._now) or self._farewell.fatal(fault)]
            case "busy":
                return self._replies.refused_as_busy(fault, self._now)
            case _:
                return self._opening.agreement.refused(fault) or self._refused_reply(fault)

    def _refused_reply(self, fault: Fault) -> list[Event]:
        settled = self._replies.refused(fault, self._now)
        return [ProviderFailed(fault.code, fault.message)] if settled is None else settled

    def _refuses_switch(self, fault: Fault) -> bool:
        is_ours = self._switching_since is not None and fault.event_id in ("", self._switch_id)
        return is_ours and CODES.verdict(fault) == "passing"

    def _mind_the_turn(self, now: float) -> None:
        """Where the server misses the end of a turn, end it for it, then let it listen again."""
        if self._is_rescuing:
            if not self._replies.is_busy:
                self._obey(SetHandsFree(True))
        elif self._watch.is_stuck(now, self.settings.vad.silence_ms):
            self._rescue_turn()

    def _rescue_turn(self) -> None:
        self._watch.stopped()
        words = phrase("GLM did not hear that you stopped: the turn was ended for it")
        if self.settings.tools and self._opening.whole.has_turns_with_tools:
            self._opening.whole.has_turns_with_tools = False
            words = phrase(
                "GLM did not hear that you stopped: the turn was ended for it"
                "; hands-free, it goes on without tools"
            )
        self._notices.append(Notice("turn_end_missed", words))
        self._set_hands_free(False)
        self._is_rescuing = True
        self._stamp({"type": "input_audio_buffer.commit"})
        self._want_reply()

    def _mind_the_line(self, now: float) -> list[Event]:
        last = self._last_message
        if not self._has_heartbeat or last is None or now - last < DEAD_AFTER_S:
            return []
        self._last_message = None
        who = self.profile.title
        told = phrase(
            "The line was lost: nothing came from {who} for {seconds:.0f} s",
            who=who,
            seconds=DEAD_AFTER_S,
        )
        self._farewell.silence = LinkError(told, retry_after_s=0.0)
        text = phrase("Nothing came from {who} for {seconds:.0f} s", who=who, seconds=DEAD_AFTER_S)
        return [SessionExpired(text)]

    # -- small state ----------------------------------------------------------------------------

    def _stamp(
        self, message: dict[str, Any], /, *, sound_s: float = 0.0, is_urgent: bool = False
    ) -> None:
        """Every message has a name and a time; a cancellation has nothing else."""
        if message["type"] == "response.cancel":
            message = {"type": "response.cancel"}
        event_id = message.get("event_id") or self._next_id()
        unix_ms = round((self.unix_at_zero + self._now) * 1000)
        stamped = {**message, "event_id": event_id, "client_timestamp": unix_ms}
        self._say(stamped, sound_s=sound_s, is_urgent=is_urgent)

    def _next_id(self) -> str:
        self._messages += 1
        return f"c{self._messages}"

    def _take_notices(self) -> list[Event]:
        notices, self._notices = self._notices, []
        return notices


def _in_words(event: Event) -> Event:
    """A failed reply, with the meaning of its code."""
    if not isinstance(event, ReplyFinished) or event.status != "failed":
        return event
    return replace(event, message=in_words(Fault(event.code, event.message)).message)


DIALECT = GlmDialect
