"""Gemini Live (`BidiGenerateContent`): one session as a state machine without I/O.

A language of its own: one setup that never changes, then streams both ways.  What the parts know:
`gemini_setup` the first message and the address, `gemini_past` what was said before it,
`gemini_model` how the models differ,
`gemini_uplink` what we stream, `gemini_words` what the user said, `gemini_content` what one message
says, `gemini_turns` whose turn it is, `gemini_reply` the model's say, `gemini_tools` its calls,
`gemini_usage` what it cost, `gemini_errors` what goes wrong.

Who finds the turns is fixed by the setup.  `SetHandsFree` in a running session therefore only
changes `settings`, and asks for a new session with a `Notice` and a `SessionEnding` of no seconds.
A handle that the server no longer knows is taken out of `settings.resume` when the link closes.

Source: https://ai.google.dev/api/live and its guides.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from voicechat.errors import VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
    ProviderFailed,
    Resumable,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionEnding,
    SessionReady,
    SetHandsFree,
    SpeechStarted,
    SpeechStopped,
    Unknown,
)
from voicechat.providers.audio_fields import encode
from voicechat.providers.base import Dialect, Http, Profile, Settings
from voicechat.providers.gemini.errors import GeminiCloseReason, read_fault
from voicechat.providers.gemini.history import first_content, is_first_content
from voicechat.providers.gemini.model_traits import Traits, traits
from voicechat.providers.gemini.server_content import (
    USUAL_RATE,
    Bad,
    ModelAudio,
    Sign,
    interaction,
    is_set,
    seconds,
    signs,
)
from voicechat.providers.gemini.setup import address, authorization, build, is_transcribed
from voicechat.providers.gemini.tool_calls import Tools
from voicechat.providers.gemini.turn_state import TurnQueue, TurnTimeouts
from voicechat.providers.gemini.uplink import GeminiUplink
from voicechat.providers.gemini.usage import read as read_usage
from voicechat.providers.gemini.user_transcript import UserTranscript
from voicechat.providers.json_fields import JsonObject, decode, identity, table, text
from voicechat.providers.openai.errors import safe_line
from voicechat.providers.openai.handshake import PreSessionBuffer
from voicechat.text.clean import clean, clean_line
from voicechat.text.phrase import phrase

_KNOWN = frozenset(
    {
        "goAway",
        "interactionStatus",
        "serverContent",
        "sessionResumptionUpdate",
        "setupComplete",
        "toolCall",
        "toolCallCancellation",
        "usageMetadata",
        "voiceActivity",
        "voiceActivityDetectionSignal",
    }
)
_SPEECH_BEGINS = frozenset({"ACTIVITY_START", "VAD_SIGNAL_TYPE_SOS"})
_SPEECH_ENDS = frozenset({"ACTIVITY_END", "VAD_SIGNAL_TYPE_EOS"})
_TOO_SHORT = Notice("turn_too_short", phrase("That was too short: hold the key while you speak"))
_NEEDS_NEW = Notice(
    "turns_need_new_session",
    phrase(
        "{who} settles who finds the turns when a session begins: the next one will have it",
        who="Gemini",
    ),
)


class GeminiDialect(Dialect):
    """One session.  See `Dialect` for the contract."""

    profile: ClassVar[Profile] = Profile(
        name="gemini",
        title="Gemini",
        # The fragment is never sent: the model is named in the setup.
        url="wss://generativelanguage.googleapis.com#{model}",
        default_model="gemini-3.8-live",
        key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        key_page="https://aistudio.google.com/apikey",
        input_rate=16_000,
        output_rate=USUAL_RATE,
        can_truncate=False,
        max_session_s=600.0,
        pong_s=30.0,  # So late they come while it thinks.
        images=True,
        image_bytes=1_000_000,
        image_side=1024,
        tools=True,
        http=Http(
            "https://generativelanguage.googleapis.com/v1beta",
            chat_model="gemini-3.8-flash",
            chat="gemini",
            ears_model="gemini-3.5-flash-lite",
            ears="gemini",
            mouth_model="gemini-3.8-flash-lite-tts",
            mouth="gemini",
            voice="Kore",
        ),
    )
    patience: ClassVar[TurnTimeouts] = TurnTimeouts()
    slow_patience: ClassVar[TurnTimeouts] = TurnTimeouts(request_s=60.0)
    """For models that think long."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._waiting = PreSessionBuffer()
        self._queued: list[Event] = []
        self._output_rate = self.profile.output_rate
        self._opened_at: float | None = None
        self._is_ready = False
        self._has_failed = False
        self._farewell = GeminiCloseReason(self.profile, self.key_hint())
        self._begin_session(0.0)

    def _begin_session(self, now: float) -> None:
        """Parts for the settings as they are now, with ids unlike those of other sessions."""
        settings, kind, stamp = self.settings, self._traits, f"{int(now * 1000):x}"
        hands_free = settings.hands_free
        self._uplink = GeminiUplink(
            self._say, self.input_rate, hands_free=hands_free, silence_ms=settings.vad.silence_ms
        )
        self._words = UserTranscript(
            stamp,
            by_hand=not hands_free,
            in_pieces=kind.sends_words_in_pieces,
            is_transcribed=is_transcribed(settings),
        )
        names = frozenset(tool.name for tool in settings.tools)
        self._tools = Tools(self._say, stamp, names, schedules=kind.schedules_tools)
        self._patience = self.slow_patience if kind.thinks_long else self.patience
        self._turns = TurnQueue(
            stamp,
            self._patience,
            self._reply_begins,
            has_open_calls=lambda: self._tools.has_open,
            hands_free=hands_free,
            text_only=settings.text_only,
        )
        self._cut_at = float("-inf")
        self._has_answered_tool = False

    # -- the contract ---------------------------------------------------------------------------

    @property
    def output_rate(self) -> int:
        """Hz of the sound the server sends; a first sound at another rate changes it, which a
        second `SessionReady` tells."""
        return self._output_rate

    @property
    def answer_s(self) -> float:
        """From a question to the first sign of an answer."""
        return self._patience.request_s

    def url(self) -> str:
        settings = self.settings
        return address(settings.url or self.profile.url, self._model, settings.api_key)

    def headers(self) -> dict[str, str]:
        return authorization(self.settings.api_key)

    def open(self, now: float) -> None:
        self._opened_at = now
        self._begin_session(now)
        has_history = bool(self.settings.resume)
        self._farewell = GeminiCloseReason(self.profile, self.key_hint(), has_history=has_history)
        self._say({"setup": build(self.settings, self._model)})

    def send(self, command: Command, now: float) -> None:
        if self._is_ready or isinstance(command, Interrupt | SetHandsFree):
            self._obey(command, now)
        else:
            self._waiting.keep(command, self.input_rate)

    def receive(self, message: str | bytes, now: float) -> list[Event]:
        content = decode(message)
        if isinstance(content, str):
            return [*self._take_queued(), Unknown(content)]
        if _KNOWN.isdisjoint(content):
            return [*self._take_queued(), *self._failed(content)]
        events = list(self._understand(content, now))
        return [*self._take_queued(), *events]

    def tick(self, now: float) -> list[Event]:
        self._uplink.tick(now)
        self._open_turn_if_due(now)
        return [*self._take_queued(), *self._tick_setup(now), *self._turns.tick(now)]

    def closed(self, code: int, reason: str) -> VoiceChatError | None:
        words = safe_line(reason, self._secrets)
        if self._farewell.blame(code, words) == "handle":
            self.settings = replace(self.settings, resume="")
        return self._farewell.explain(code, words)

    # -- commands -------------------------------------------------------------------------------

    def _obey(self, command: Command, now: float) -> None:
        match command:
            case SendAudio(pcm):
                self._uplink.add(pcm, now)
                self._open_turn_if_due(now)
            case BeginTurn():
                self._begin_turn(now)
            case EndTurn():
                self._end_turn(now)
            case SendText(words):
                self._send_text(clean(words), now)
            case SendImage(data, mime, _, words):
                self._send_image({"mimeType": mime, "data": encode(data)}, clean(words), now)
            case SendToolResult():
                self._has_answered_tool |= self._tools.finished(command)
            case Interrupt():
                is_cut = command.by_server and self._uplink.hands_free
                self._turns.drop(now, is_cut=is_cut)
            case _:
                self._set_hands_free(command.hands_free)

    def _begin_turn(self, now: float) -> None:
        if self._uplink.hands_free:
            return
        if self._uplink.begin(now):  # A turn that was given up: the server answers all the same.
            self._turns.ask(now)
            self._turns.drop(now, is_cut=False)
        self._words.forget()

    def _open_turn_if_due(self, now: float) -> None:
        if self._uplink.wants_to_open(now):
            self._cut(now)
            self._words.begin()
            self._uplink.open()

    def _end_turn(self, now: float) -> None:
        self._open_turn_if_due(now)
        match self._uplink.end(now):
            case "too_short":
                self._queued.append(_TOO_SHORT)
            case "turn":
                self._uplink.close()
                self._queued += self._words.commit()
                self._turns.ask(now)

    def _send_text(self, words: str, now: float) -> None:
        """A line joins what the user does now; otherwise it is a turn of its own, in order."""
        if self._uplink.is_open:
            self._uplink.type(words)
            return
        may_stream = self._traits.takes_text_as_activity and self.settings.vad.interrupt
        pictures = self._uplink.take_pictures()
        if self._uplink.hands_free and may_stream and not pictures:
            self._cut(now)
            self._uplink.type(words)
            self._turns.ask(now)
        else:
            self._send_content([*map(_inline, pictures), {"text": words}], now)

    def _send_image(self, picture: JsonObject, words: str, now: float) -> None:
        if not words:
            self._uplink.show(picture)
        elif self._uplink.is_open:
            self._uplink.show(picture)
            self._uplink.type(words)
        else:
            pictures = [*self._uplink.take_pictures(), picture]
            self._send_content([*map(_inline, pictures), {"text": words}], now)

    def _send_content(self, parts: list[JsonObject], now: float) -> None:
        self._cut(now)
        turns = [{"role": "user", "parts": parts}]
        self._say({"clientContent": {"turns": turns, "turnComplete": True}})
        self._turns.ask(now)

    def _cut(self, now: float) -> None:
        """What is sent next ends every running turn."""
        self._turns.cut(now)
        self._cut_at = now

    def _set_hands_free(self, hands_free: bool) -> None:
        if hands_free == self.settings.hands_free:
            return
        self.settings = replace(self.settings, hands_free=hands_free)
        if self._opened_at is not None and hands_free != self._uplink.hands_free:
            self._queued += [_NEEDS_NEW, SessionEnding(0.0)]

    # -- messages -------------------------------------------------------------------------------

    def _understand(self, message: JsonObject, now: float) -> Iterator[Event]:
        """Every field of a message, in an order in which the ends of things come last."""
        content = table(message, "serverContent")
        if "setupComplete" in message:
            yield from self._ready(table(message, "setupComplete"), now)
        yield from self._resumption(table(message, "sessionResumptionUpdate"))
        yield from self._speech(message)
        yield from self._heard(content, now)
        yield from self._said(content, now)
        yield from self._tools.cancelled(table(message, "toolCallCancellation"))
        if "toolCall" in message:
            yield from self._called(table(message, "toolCall"), now)
        yield from self._ends(message, content, now)
        if "goAway" in message:
            self._farewell.was_warned = True
            yield SessionEnding(seconds(table(message, "goAway"), "timeLeft"))

    def _ready(self, complete: JsonObject, now: float) -> Iterator[Event]:
        if self._is_ready:
            return
        self._is_ready = True
        yield SessionReady(identity(complete, "sessionId"))
        if is_first_content(self.settings, self._model):
            self._say(first_content(self.settings))
        for command in self._waiting.flush():
            self._obey(command, now)

    def _resumption(self, update: JsonObject) -> Iterator[Event]:
        """While the model is at work there is no handle; the last one stays good."""
        handle = text(update, "newHandle")
        if handle and is_set(update, "resumable"):
            yield Resumable(handle)

    def _speech(self, message: JsonObject) -> Iterator[Event]:
        """Marks of the server's VAD, which only some servers send."""
        mark = text(table(message, "voiceActivity"), "type") or text(
            table(message, "voiceActivityDetectionSignal"), "vadSignalType"
        )
        if self._uplink.hands_free and mark in _SPEECH_BEGINS:
            self._words.cut()
            yield SpeechStarted()
        elif self._uplink.hands_free and mark in _SPEECH_ENDS:
            yield SpeechStopped()

    def _heard(self, content: JsonObject, now: float) -> Iterator[Event]:
        interim = text(table(content, "interimInputTranscription"), "text")
        if interim:
            yield from self._words.preview(interim, now)
        words = table(content, "inputTranscription")
        is_finished = is_set(words, "finished")
        if text(words, "text") or is_finished:
            yield from self._words.push(text(words, "text"), now, is_finished=is_finished)

    def _said(self, content: JsonObject, now: float) -> Iterator[Event]:
        read = signs(content)
        yield from (Unknown(clean_line(sign.kind, 80)) for sign in read if isinstance(sign, Bad))
        found = [sign for sign in read if not isinstance(sign, Bad)]
        if not found and "modelTurn" in content:
            self._turns.lives(now)
        if found:
            yield from self._rate_of(found)
            yield from self._turns.say(found, now, may_begin=not self._uplink.is_open)

    def _rate_of(self, found: list[Sign]) -> Iterator[Event]:
        rates = [sign.rate for sign in found if isinstance(sign, ModelAudio)]
        if rates and rates[-1] != self._output_rate:
            self._output_rate = rates[-1]
            yield SessionReady()

    def _called(self, call: JsonObject, now: float) -> Iterator[Event]:
        events, reply = self._turns.call(now)
        yield from events
        yield from self._tools.called(call, reply)

    def _ends(self, message: JsonObject, content: JsonObject, now: float) -> Iterator[Event]:
        usage = read_usage(table(message, "usageMetadata"))
        if is_set(content, "generationComplete"):
            yield from self._turns.generated(now)
        if is_set(content, "interrupted"):
            yield from self._interrupted(now)
        if is_set(content, "turnComplete"):
            reason = clean_line(text(content, "turnCompleteReason"), 80)
            if not reason and is_set(content, "waitingForInput"):
                reason = "NEED_MORE_INPUT"
            yield from self._turns.complete(now, usage, reason, interaction(message, content))
            self._words.over()
        elif usage is not None:
            self._turns.used(usage)

    def _interrupted(self, now: float) -> Iterator[Event]:
        """The user spoke over the answer, unless something of ours had cut it before."""
        is_ours = self._turns.is_idle and now - self._cut_at < self.patience.cut_s
        is_news = self._turns.interrupted(now)
        if is_news and self._uplink.hands_free and not is_ours:
            self._words.cut()
            yield SpeechStarted()

    def _reply_begins(self, is_unasked: bool, now: float) -> list[Event]:
        """What is known of the user's words now that the model answers."""
        was_spoken = is_unasked and not self._has_answered_tool
        self._has_answered_tool, self._farewell.has_history = False, True
        return self._words.answered(now, was_spoken=was_spoken)

    def _failed(self, message: JsonObject) -> list[Event]:
        if "error" not in message and "code" not in message:
            kind = next(iter(message), "") or "empty object"
            return [Unknown(clean_line(kind, 80))]
        fault = read_fault(message, self._secrets)
        if fault.is_fatal:
            self._farewell.remember(fault)
        self._turns.refused()
        return [ProviderFailed(fault.code, fault.message, fatal=fault.is_fatal)]

    # -- small state ----------------------------------------------------------------------------

    def _take_queued(self) -> list[Event]:
        queued, self._queued = self._queued, []
        return queued

    def _tick_setup(self, now: float) -> list[Event]:
        if self._opened_at is None or self._is_ready or self._has_failed:
            return []
        if now - self._opened_at < self.patience.setup_s:
            return []
        self._has_failed = True
        words = phrase(
            "{who} said nothing for {seconds:.0f} s",
            who=self.profile.title,
            seconds=self.patience.setup_s,
        )
        return [ProviderFailed("no_answer", words)]

    @property
    def _model(self) -> str:
        return self.settings.model or self.profile.default_model

    @property
    def _traits(self) -> Traits:
        return traits(self._model)


def _inline(picture: JsonObject) -> JsonObject:
    return {"inlineData": picture}


DIALECT = GeminiDialect
