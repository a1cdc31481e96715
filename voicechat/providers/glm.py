"""Zhipu GLM-Realtime: OpenAI's beta language, with rules of its own.

Every update says everything (`glm_session`, `glm_opening`); every message carries
`client_timestamp`, by which the server's VAD measures silence; pictures are frames of a video call
(`glm_picture`); calls of tools come in one piece (`glm_tools`); nothing can be truncated.
`glm_errors` knows the platform's numbers, `glm_sound` and `glm_words` what the service is known to
miss.

Source: https://docs.bigmodel.cn/cn/guide/models/sound-and-video/glm-realtime, its AsyncAPI, and
github.com/MetaGLM/glm-realtime-sdk.
"""

from dataclasses import replace

from voicechat.errors import LinkError
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
    SendToolResult,
    SessionExpired,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    ToolsCancelled,
    TurnCommitted,
)
from voicechat.providers.base import Settings
from voicechat.providers.glm_errors import (
    UNHEARD,
    GlmFarewell,
    in_words,
    is_passing,
    read_glm_fault,
)
from voicechat.providers.glm_opening import GlmOpening
from voicechat.providers.glm_picture import Picture, complaint
from voicechat.providers.glm_sound import Pieces, TurnWatch, wav_file
from voicechat.providers.glm_tools import Calls, without_calls
from voicechat.providers.glm_words import Streams, Typed
from voicechat.providers.openai_errors import Fault
from voicechat.providers.openai_fields import JsonObject, identity, table

DEAD_AFTER_S = 75.0
"""Without any message, from a server that sends a heartbeat every 30 s."""
SWITCH_S = 5.0
"""Until a picture is shown although the server did not say that it is ready for one."""
LONGEST_TEXT = 60_000
"""Characters of one typed message; a message beyond 256 KB closes the line."""


class GlmDialect(GlmOpening):
    """One session."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._farewell: GlmFarewell = GlmFarewell(
            self.profile, self.codes, self.money_page, self.key_hint()
        )
        self._pieces = Pieces()
        self._watch = TurnWatch()
        self._calls = Calls(self._say)
        self._picture = Picture(self._say)
        self._streams = Streams()
        self._typed = Typed()
        self._switch_id = ""
        self._switching_since: float | None = None
        self._is_rescuing = False
        self._last_message: float | None = None
        self._has_heartbeat = False

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
                self._calls.result(call_id, self._tool_output(command))
                self._answer_calls()
            case Interrupt():
                self._typed.forget()
                self._forget_calls()
                super()._obey(command)
            case _:
                self._obey_turn(command)

    def _obey_turn(self, command: Command) -> None:
        """Commands that mark where a turn begins or ends."""
        rest = self._pieces.take()
        match command:
            case BeginTurn() if not self._agreement.hands_free:
                super()._obey(command)
                self._picture.show()
            case SetHandsFree():
                self._is_rescuing = False
                self._watch.stopped()
                super()._obey(command)
            case _:
                self._send_sound(rest)
                if isinstance(command, EndTurn):
                    self._typed.forget()
                super()._obey(command)

    def _hear(self, pcm: bytes) -> None:
        if self._is_rescuing:
            return
        if self._agreement.hands_free:
            self._watch.hears(pcm, self._now)
        for piece in self._pieces.add(pcm, self.input_rate):
            self._send_sound(piece)

    def _send_sound(self, pcm: bytes) -> None:
        if pcm and self._input_format.is_wav:
            pcm = wav_file(pcm, self.input_rate)
        self._turns.add(pcm, self.input_rate)

    def _send_text(self, words: str, item_id: str) -> None:
        if len(words) > LONGEST_TEXT:
            self._notices.append(ProviderFailed("text_too_long", "The message is too long for GLM"))
            return
        self._picture.show()
        self._typed.asked(item_id)
        super()._send_text(words, item_id)

    # -- pictures -------------------------------------------------------------------------------

    def _show(self, picture: SendImage) -> None:
        """Pictures need a video call; what follows waits until it is one."""
        if why := complaint(picture):
            self._notices.append(ProviderFailed("picture_refused", why))
        elif self._whole.chat_mode == "audio":
            self._begin_switch()
            self._waiting.keep(picture, self.input_rate)
        else:
            self._picture.take(picture)
            self._picture.show()
            if picture.text:
                self._send_text(picture.text, picture.item_id)

    def _begin_switch(self) -> None:
        self._whole.chat_mode = "video_passive"
        if self.settings.tools:
            words = "While it sees a picture, GLM calls no tools"
            self._notices.append(Notice("tools_off", words))
        self._switching_since, self._switch_id = self._now, self._next_id()
        self._agreement.asked(self._switch_id, "extras")
        session = self._turns_update(self._agreement.hands_free)
        self._say({"type": "session.update", "event_id": self._switch_id, "session": session})

    def _updated(self, session: JsonObject) -> list[Event]:
        events = super()._updated(session)
        if self._switching_since is not None:
            self._end_switch()
        return events

    def _end_switch(self) -> None:
        self._switching_since = None
        for command in self._waiting.take():
            self._obey(command)

    def _refused_switch(self, fault: Fault) -> list[Event]:
        """There is no video call: what waited goes on without the picture."""
        self._agreement.refused(replace(fault, event_id=self._switch_id))
        self._whole.chat_mode, self._switching_since = "audio", None
        for command in self._waiting.take():
            if not isinstance(command, SendImage):
                self._obey(command)
        return [ProviderFailed("picture_refused", f"GLM refused the picture: {fault.message}")]

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

    def receive(self, message: str | bytes, now: float) -> list[Event]:
        self._last_message = now
        return self._follow(super().receive(message, now))

    def tick(self, now: float) -> list[Event]:
        events = super().tick(now)
        if self._switching_since is not None and now - self._switching_since >= SWITCH_S:
            self._end_switch()
        self._mind_the_turn(now)
        self._answer_calls()
        return self._follow([*events, *self._take_notices(), *self._mind_the_line(now)])

    def _understand(self, kind: str, message: JsonObject) -> list[Event]:
        match kind:
            case "heartbeat":
                self._has_heartbeat = True
            case "session.created":
                session = table(message, "session")
                self._whole.offers_noise_reduction = "input_audio_noise_reduction" in session
            case "error":
                return self._failed(read_glm_fault(message, self._secrets))
            case "response.function_call_arguments.done":
                return self._called(message)
        stream = self._streams.one(kind, message, spoken=not self.settings.text_only)
        return [] if stream is None else super()._understand(stream[0], without_calls(stream[1]))

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
            return [Notice("nothing_heard", "The service heard no words in that")]
        if is_passing(fault.code):
            self._farewell.trouble = fault
            settled = self._replies.refused(fault, self._now)
            return settled or [ProviderFailed(fault.code, fault.message)]
        if self._refuses_switch(fault):
            return self._refused_switch(fault)
        return super()._failed(fault)

    def _refuses_switch(self, fault: Fault) -> bool:
        is_ours = self._switching_since is not None and fault.event_id in ("", self._switch_id)
        return is_ours and self.codes.verdict(fault) == "passing"

    def _with_fatal_failures(self, events: list[Event]) -> list[Event]:
        return super()._with_fatal_failures([_in_words(event) for event in events])

    def _mind_the_turn(self, now: float) -> None:
        """Where the server misses the end of a turn, end it for it, then let it listen again."""
        if self._is_rescuing:
            if not self._replies.is_busy:
                self._obey(SetHandsFree(True))
        elif self._watch.is_stuck(now, self.settings.vad.silence_ms):
            self._rescue_turn()

    def _rescue_turn(self) -> None:
        self._watch.stopped()
        words = "GLM did not hear that you stopped: the turn was ended for it"
        if self.settings.tools and self._whole.has_turns_with_tools:
            self._whole.has_turns_with_tools = False
            words += "; hands-free, it goes on without tools"
        self._notices.append(Notice("turn_end_missed", words))
        self._set_hands_free(False)
        self._is_rescuing = True
        self._say({"type": "input_audio_buffer.commit"})
        self._want_reply()

    def _mind_the_line(self, now: float) -> list[Event]:
        last = self._last_message
        if not self._has_heartbeat or last is None or now - last < DEAD_AFTER_S:
            return []
        self._last_message = None
        text = f"Nothing came from {self.profile.title} for {DEAD_AFTER_S:.0f} s"
        self._farewell.silence = LinkError(f"The line was lost: n{text[1:]}", retry_after_s=0.0)
        return [SessionExpired(text)]


def _in_words(event: Event) -> Event:
    """A failed reply, with the meaning of its code."""
    if not isinstance(event, ReplyFinished) or event.status != "failed":
        return event
    return replace(event, message=in_words(Fault(event.code, event.message)).message)


DIALECT = GlmDialect
